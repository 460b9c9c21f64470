//! One file for each command: it takes what was typed, calls the libraries, prints, and says how to exit.

pub(crate) mod accept;
pub(crate) mod audit;
pub(crate) mod baseline;
pub(crate) mod campaign;
pub(crate) mod compare;
pub(crate) mod disk;
pub(crate) mod dossier;
pub(crate) mod features;
pub(crate) mod fleet;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod judge;
pub(crate) mod manual;
pub(crate) mod noise;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod soak;
pub(crate) mod spec;
pub(crate) mod store;
pub(crate) mod trend;
pub(crate) mod watch;

use measure::Run;
use verdict::Judgement;

use crate::locations::Specification;
pub(crate) use crate::output::{look, print, print_as_is, print_json};

/// Judges a run, together with earlier ones of its host, by a specification, its audit and the companions that the audit
/// makes necessary.
pub(crate) fn judgement(run: &Run, earlier: &[Run], specification: &Specification) -> Judgement {
    let audit = ::spec::audit::audit(&specification.system, &specification.siblings);
    let companions = ::spec::companions(&specification.system, &audit);
    let earlier: Vec<&Run> = earlier.iter().collect();
    verdict::judge_boots(run, &earlier, &specification.system, &audit.grades(), &companions)
}

/// Judges the parts of a host before anything is measured, by a specification, its audit and its companions.
pub(crate) fn judgement_of_parts(unmeasured: &Run, specification: &Specification) -> Judgement {
    let audit = ::spec::audit::audit(&specification.system, &specification.siblings);
    let companions = ::spec::companions(&specification.system, &audit);
    verdict::judge_parts(unmeasured, &specification.system, &audit.grades(), &companions)
}
