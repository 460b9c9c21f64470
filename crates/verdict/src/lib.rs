//! Judgement and its statistics: a run against a specification.
