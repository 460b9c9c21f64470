//! How much a run measures, and what it needs.

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Every path once, at most 15 s a workload: tests.
    Smoke,
    /// At most 60 s a workload.
    Quick,
    /// What the documented numbers are judged by; its time is planned and shown.
    Full,
}

impl Profile {
    /// All profiles, from short to long.
    pub const ALL: [Profile; 3] = [Profile::Smoke, Profile::Quick, Profile::Full];

    /// The name in options and records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Smoke => "smoke",
            Profile::Quick => "quick",
            Profile::Full => "full",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.name() == name)
    }
}

/// What a workload needs, asked before it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Needs {
    /// Time in seconds, estimated.
    pub seconds: f64,
    /// Memory in bytes.
    pub memory: u64,
    /// Disk space in bytes.
    pub disk: u64,
}
