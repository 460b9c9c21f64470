//! Compute: the all-core clock that a floating-point rate implies, and HPL against the peak.

use measure::metrics::{DENSE_AMX_BF16, DENSE_AMX_INT8, DENSE_CLOCK, DENSE_FMA, DENSE_HPL};
use measure::{Ceiling, Quantity, Unit};

use super::constants::{
    Constant, FLOP_PER_CYCLE_AMX, FLOP_PER_CYCLE_AVX2, FLOP_PER_CYCLE_AVX512, HPL_BEST_SHARE, LOOSE_SHARE,
    OP_PER_CYCLE_AMX,
};
use super::document::{Document, Input, at_least, count, percent, show};
use super::{Finding, Grade, Notes};
use crate::Target;

/// What the FLOP figures of a document are held against.
struct Machine<'a> {
    cores: Input<'a>,
    flop: Constant,
    base: Option<Input<'a>>,
    turbo: Option<Input<'a>>,
}

impl<'a> Machine<'a> {
    fn of(document: &Document<'a>) -> Option<Self> {
        let cores = document.total("cpu.cores", "cpu.sockets", "cpu.cores_per_socket")?;
        let flop = if document.flag("cpu.avx512").is_some() {
            FLOP_PER_CYCLE_AVX512
        } else {
            document.flag("cpu.avx2").map(|_| FLOP_PER_CYCLE_AVX2)?
        };
        let (base, turbo) = (document.number("cpu.base_clock"), document.number("cpu.turbo_clock"));
        Some(Machine { cores, flop, base, turbo })
    }

    fn per_cycle(&self) -> f64 {
        self.cores.value * self.flop.value
    }

    /// Whether the target lies between the clocks, or above both.
    fn grade(&self, clock: f64, share: f64) -> Grade {
        let base = self.base.as_ref().map(|input| input.value);
        match (base, self.turbo.as_ref().map(|input| input.value)) {
            (_, Some(turbo)) if clock > turbo * (1.0 + 1e-9) => Grade::Impossible,
            (Some(base), _) if clock > base * share * (1.0 + 1e-9) => Grade::Aggressive,
            (Some(base), _) if clock < base * LOOSE_SHARE.value => Grade::Loose,
            (Some(_), _) => Grade::Plausible,
            (None, _) => Grade::Unknown,
        }
    }

    fn at(&self, clock: Option<&Input<'_>>, name: &str, unit: Unit) -> Option<String> {
        let clock = clock?;
        Some(format!(
            "{} cores × {} flop/cycle × {} ({name}) = {}",
            count(self.cores.value),
            count(self.flop.value),
            show(clock.value, Unit::Hertz),
            show(self.per_cycle() * clock.value, unit)
        ))
    }
}

pub(super) fn audit(document: &Document<'_>, notes: &mut Notes) {
    let machine = Machine::of(document);
    let peak = document.judged_by(&DENSE_FMA).next();
    for target in document.targets(|metric| metric.ceiling == Some(Ceiling::FlopRate)) {
        // A target in another precision has other ports and other widths.
        if target.conditions.get("precision").is_some_and(|precision| precision != "fp64") {
            continue;
        }
        match &machine {
            Some(machine) => rate(machine, target, peak, notes),
            None => notes.grade(&target.id, Grade::Unknown, None, "missing: cores, or the instruction set".to_owned()),
        }
    }
    tiles(document, notes);
    for target in document.judged_by(&DENSE_CLOCK) {
        clock(document, target, notes);
    }
    over_peak(document, notes);
}

/// Rates of AMX tiles, by their own operations a cycle.
fn tiles(document: &Document<'_>, notes: &mut Notes) {
    for (metric, flop) in [(&DENSE_AMX_BF16, FLOP_PER_CYCLE_AMX), (&DENSE_AMX_INT8, OP_PER_CYCLE_AMX)] {
        for target in document.judged_by(metric) {
            match Machine::of(document).filter(|_| document.flag("cpu.amx").is_some()) {
                Some(machine) => rate(&Machine { flop, ..machine }, target, None, notes),
                None => notes.grade(&target.id, Grade::Unknown, None, "missing: cores, or AMX".to_owned()),
            }
        }
    }
}

/// A clock that cores are to hold, against the clocks of the table.
fn clock(document: &Document<'_>, target: &Target, notes: &mut Notes) {
    let (base, turbo) = (document.number("cpu.base_clock"), document.number("cpu.turbo_clock"));
    let one_core = target.series.get("scope").is_some_and(|scope| scope == "core");
    let clock = at_least(target);
    let above = |input: &Option<Input<'_>>| input.as_ref().is_some_and(|input| clock > input.value * (1.0 + 1e-9));
    let grade = match (&base, &turbo) {
        (None, None) => Grade::Unknown,
        _ if above(&turbo) => Grade::Impossible,
        _ if !one_core && above(&base) => Grade::Aggressive,
        _ => Grade::Plausible,
    };
    let words = |input: Option<&Input<'_>>, name: &str| {
        input.map_or(format!("missing: {name} clock"), |input| format!("{name} {}", show(input.value, Unit::Hertz)))
    };
    let arithmetic =
        format!("{}; {}; promised {}", words(base.as_ref(), "base"), words(turbo.as_ref(), "turbo"), target.value);
    let ceiling = turbo.map(|turbo| Quantity::new(turbo.value, Unit::Hertz));
    notes.grade(&target.id, grade, ceiling, arithmetic);
}

fn is_hpl(target: &Target) -> bool {
    target.metric == Some(&DENSE_HPL)
}

/// The clock that a rate needs on all cores; HPL leaves part of the cycles unused even at its best.
fn rate(machine: &Machine<'_>, target: &Target, peak: Option<&Target>, notes: &mut Notes) {
    let best = if is_hpl(target) { HPL_BEST_SHARE.value } else { 1.0 };
    let clock = at_least(target) / machine.per_cycle();
    let stated = target.value.value / machine.per_cycle();
    let grade = machine.grade(clock, best);
    let ceiling =
        machine.turbo.as_ref().map(|turbo| Quantity::new(machine.per_cycle() * turbo.value, target.value.unit));
    let mut parts = vec![format!(
        "{} / ({} cores × {} flop/cycle) = {} on all cores",
        target.value,
        count(machine.cores.value),
        count(machine.flop.value),
        show(stated, Unit::Hertz)
    )];
    if is_hpl(target) {
        parts.push(format!("at {} efficiency {}", percent(best), show(stated / best, Unit::Hertz)));
    }
    parts.extend(machine.at(machine.base.as_ref(), "base", target.value.unit));
    parts.extend(machine.at(machine.turbo.as_ref(), "turbo", target.value.unit));
    if let Some(base) = &machine.base {
        parts.push(format!("{} of the rate at base", percent(stated / base.value)));
    } else {
        parts.push("missing: base clock".to_owned());
    }
    if let Some(peak) = peak.filter(|peak| peak.id != target.id && peak.value.value > 0.0) {
        parts.push(format!("{} of the stated peak", percent(target.value.value / peak.value.value)));
    }
    let arithmetic = parts.join("; ");
    notes.grade(&target.id, grade, ceiling, arithmetic.clone());
    if matches!(grade, Grade::Plausible | Grade::Unknown) {
        return;
    }
    notes.find(clock_finding(machine, target, grade, stated / best, arithmetic));
}

fn clock_finding(machine: &Machine<'_>, target: &Target, grade: Grade, needed: f64, arithmetic: String) -> Finding {
    let clocks: Vec<&Input<'_>> = machine.base.iter().chain(&machine.turbo).collect();
    let against = match (grade, &machine.turbo, &machine.base) {
        (Grade::Impossible, Some(turbo), _) => turbo.value,
        (_, _, Some(base)) => base.value,
        _ => needed,
    };
    let says = match grade {
        Grade::Impossible => format!(
            "{} asks for more than {} on all cores at once, above the highest clock of a single core.",
            target.value,
            show(against, Unit::Hertz)
        ),
        Grade::Aggressive => format!(
            "{} needs {} held on all cores under full vector load; guaranteed are {}, and the turbo clock is for a single \
             core.",
            target.value,
            show(needed, Unit::Hertz),
            show(against, Unit::Hertz)
        ),
        _ => format!("{} needs only {} on all cores.", target.value, show(needed, Unit::Hertz)),
    };
    let mut rows = machine.cores.places();
    rows.extend(clocks.iter().flat_map(|input| input.places()));
    rows.push(target.place.clone());
    let mut concerns = machine.cores.ids();
    concerns.extend(clocks.iter().flat_map(|input| input.ids()));
    let mut constants = vec![machine.flop];
    if is_hpl(target) {
        constants.push(HPL_BEST_SHARE);
    }
    Finding {
        rule: "compute.clock",
        grade,
        factor: (needed / against).max(against / needed),
        targets: vec![target.id.clone()],
        concerns,
        says,
        arithmetic,
        rows,
        consistent_if: format!("an all-core clock of {} under full vector load is stated", show(needed, Unit::Hertz)),
        constants,
    }
}

/// HPL above the peak that the same document states.
fn over_peak(document: &Document<'_>, notes: &mut Notes) {
    let Some(peak) = document.judged_by(&DENSE_FMA).next() else { return };
    for hpl in document.judged_by(&DENSE_HPL).filter(|hpl| at_least(hpl) > peak.value.value) {
        notes.find(Finding {
            rule: "compute.hpl_over_peak",
            grade: Grade::Contradictory,
            factor: hpl.value.value / peak.value.value,
            targets: vec![hpl.id.clone()],
            concerns: vec![peak.id.clone()],
            says: format!("HPL at {} is above the theoretical peak of {} in the same document.", hpl.value, peak.value),
            arithmetic: format!("{} / {} = {}", hpl.value, peak.value, percent(hpl.value.value / peak.value.value)),
            rows: vec![peak.place.clone(), hpl.place.clone()],
            consistent_if: format!("HPL is at most {} of the peak", percent(HPL_BEST_SHARE.value)),
            constants: vec![HPL_BEST_SHARE],
        });
    }
}

/// The rate at the guaranteed clock.
pub(super) fn sure_ceiling(document: &Document<'_>) -> Option<(f64, String)> {
    let machine = Machine::of(document)?;
    let base = machine.base.as_ref()?;
    Some((machine.per_cycle() * base.value, machine.at(Some(base), "base", Unit::FlopPerSecond)?))
}
