//! A run: what was measured, by which build, on which host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Attempt, BootNoise, Facts, Fingerprint, Outcome, Profile, StoragePlace};

/// What was built, by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Semantic version of the suite; MAJOR changes when numbers stop being comparable.
    pub version: String,
    /// Git revision, with `-dirty` where the tree was; `unknown` outside a checkout.
    pub revision: String,
    /// The compiler's own version line.
    pub compiler: String,
    /// The cargo profile: only `release` counts against documented numbers.
    pub profile: String,
    /// Target CPU features of the compile baseline.
    pub target_features: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All that was planned was done.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// The record stops without an end: the process was killed or the machine went down.
    Cut,
}

/// Everything that a run recorded, enough to judge it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Unique and sortable: time of the start in UTC and a random part.
    pub id: String,
    /// Start in RFC 3339, UTC.
    pub started: String,
    /// Name of the host, as it calls itself.
    pub host: String,
    /// The name by which a launcher started the run there. Virtual and aliased nodes share the name of a host, and one that a
    /// fleet knows by another name is looked for by that.
    pub node: Option<String>,
    /// The kernel's boot id; boots are the unit of replication.
    pub boot_id: Option<String>,
    /// How thorough it was.
    pub profile: Profile,
    /// The build that measured.
    pub build: Build,
    /// The specification's source text (TOML) and the id of the system in it.
    pub spec: SpecSource,
    /// What was known of the host.
    pub facts: Facts,
    /// Which machine it was and how it was set up; empty in records that do not tell.
    pub fingerprint: Fingerprint,
    /// The noise of each metric between boots, as this host's history told it before the run; without those of which it
    /// told nothing.
    pub noise: BTreeMap<String, BootNoise>,
    /// What was measured.
    pub attempts: Vec<Attempt>,
    /// How it ended.
    pub ending: Ending,
}

/// The specification that a run was made for, complete, so that it can be judged again alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecSource {
    /// Id of the system in the text.
    pub id: String,
    /// SHA-256 of the text, in hexadecimal.
    pub sha256: String,
    /// The TOML text.
    pub text: String,
}

impl Run {
    /// By which name it is known, as its folder in a store: the node's where a launcher gave one, else the host's own.
    #[must_use]
    pub fn name(&self) -> &str {
        self.node.as_deref().unwrap_or(&self.host)
    }

    /// All outcomes of all attempts, in order.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.attempts.iter().flat_map(|attempt| &attempt.outcomes)
    }

    /// Where the files lay that were measured with, each place once.
    #[must_use]
    pub fn places(&self) -> Vec<&StoragePlace> {
        let mut places: Vec<&StoragePlace> = Vec::new();
        for place in self.outcomes().filter_map(Outcome::measured).filter_map(|one| one.place.as_deref()) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}
