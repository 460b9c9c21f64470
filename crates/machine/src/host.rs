//! A machine: the topology of a host, and whether it is the one that this program runs on.

use crate::{Error, Source, Topology};

/// A host, or the description of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// What it is made of, as far as placement needs it.
    pub topology: Topology,
    /// Whether it is the host that this program runs on, so that work can be placed on it.
    pub is_host: bool,
}

impl Machine {
    /// Reads the topology.
    pub fn detect(source: &Source) -> Result<Machine, Error> {
        Ok(Machine { topology: Topology::read(source)?, is_host: *source == Source::Host })
    }

    /// That work can run on it; else an error that says why not. Every run asks this first.
    pub fn require_host(&self) -> Result<(), Error> {
        if self.is_host { Ok(()) } else { Err(Error::NotThisHost) }
    }

    /// Bytes of the distinct level-2 and farther caches that the CPUs of this process reach.
    #[must_use]
    pub fn cache_reach(&self) -> u64 {
        self.topology.cache_reach(&self.topology.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Siblings, Team, place};

    #[test]
    fn only_this_host_can_be_worked_on() {
        let described = Machine::detect(&Source::Synthetic("pack:2 numa:1 core:64 pu:2".into())).unwrap();
        assert!(matches!(described.require_host(), Err(Error::NotThisHost)));
        let host = Machine::detect(&Source::Host).unwrap();
        host.require_host().unwrap();
        let workers = place(&host.topology, Siblings::EverySmtThread).unwrap();
        Team::start(&workers).unwrap().verify().unwrap();
    }
}
