//! A soak as one page: the answer, errors with their bounds, the hours, and what broke.

use measure::SoakLog;
use serde::Serialize;
use verdict::soak::SoakJudgement;

use super::Error;
use super::charts::{self, Chart};
use super::parts::class_of;
use crate::soak::{drift_rows, error_rows, events, hours, not_watched};

#[derive(Debug, Serialize)]
pub(super) struct SoakPage {
    id: String,
    host: String,
    word: &'static str,
    class: &'static str,
    hours: String,
    sealed: String,
    reasons: Vec<String>,
    not_watched: Option<String>,
    errors: Vec<[String; 4]>,
    drift: Vec<[String; 5]>,
    charts: Vec<Chart>,
    events: Vec<String>,
}

impl SoakPage {
    pub(super) fn of(log: &SoakLog, judged: &SoakJudgement, sealed: &str) -> Result<SoakPage, Error> {
        Ok(SoakPage {
            id: log.id.clone(),
            host: log.plan.host.clone(),
            word: judged.verdict.name(),
            class: class_of(judged.verdict),
            hours: hours(judged),
            sealed: sealed.to_owned(),
            reasons: judged.reasons.clone(),
            not_watched: not_watched(judged),
            errors: error_rows(judged),
            drift: drift_rows(judged),
            charts: charts::night(log)?,
            events: events(log),
        })
    }
}
