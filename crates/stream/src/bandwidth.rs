//! The headlines: which variant of each kernel is fastest here, and what it reaches.

use std::collections::BTreeMap;

use measure::{Isa, Measurement, Reason, Sample, Warning};

use crate::config::MOST_VARIANTS;
use crate::kernel::{Kernel, KernelMetrics, STREAM_LABEL, Store, Tuning, Variant};
use crate::report::Report;
use crate::{Arrays, Context, Error, Pass};

/// The fastest variant of each kernel.
#[derive(Clone, Debug)]
pub(crate) struct Winners(BTreeMap<Kernel, Variant>);

impl Winners {
    /// The widest variants, with stores that go past the caches: what is used when nothing was measured.
    pub(crate) fn widest(variants: &[Variant]) -> Winners {
        let mut winners = BTreeMap::new();
        for variant in variants.iter().filter(|variant| variant.store != Store::Temporal) {
            let isa = winners.get(&variant.kernel).map(|best: &Variant| best.isa);
            if isa.is_none_or(|isa| isa < variant.isa) {
                winners.insert(variant.kernel, *variant);
            }
        }
        Winners(winners)
    }

    /// The fastest variant of a kernel.
    pub(crate) fn of(&self, kernel: Kernel) -> &Variant {
        self.0.get(&kernel).expect("every kernel has a scalar variant, which runs everywhere")
    }
}

/// Passes of one variant, in the order of measuring.
struct VariantPasses {
    variant: Variant,
    passes: Vec<Pass>,
}

/// Finds the fastest variants, and measures them.
pub(crate) fn measure(context: &Context<'_>, winners: &mut Winners, report: &mut Report<'_>) -> Result<(), Error> {
    let seconds = context.config.phase_seconds(context.machine)[0];
    let rounds = context.config.variant_samples as usize * MOST_VARIANTS + context.config.samples as usize + 2;
    let step = seconds / (rounds + 4) as f64;
    report.doing("touching the arrays", 4.0 * step);
    let mut arrays = Arrays::new(&context.workers, context.config.array_bytes)?;

    if let Ok(series) = calibrate(context, &mut arrays, report, step) {
        for (kernel, winner) in fastest(&series) {
            winners.0.insert(kernel, winner);
        }
        report_variants(context, &arrays, &series, report);
    }

    let of = |&kernel: &Kernel| VariantPasses { variant: *winners.of(kernel), passes: Vec::new() };
    let mut headlines: Vec<VariantPasses> = Kernel::ALL.iter().map(of).collect();
    let mut right = round(&mut arrays, &mut headlines).map(|()| headlines.iter_mut().for_each(|s| s.passes.clear()));
    for sample in 0..context.config.samples {
        report.doing(format!("kernels, sample {} of {}", sample + 1, context.config.samples), step);
        right = right.and_then(|()| round(&mut arrays, &mut headlines));
    }
    right = right.and_then(|()| arrays.verify());
    arrays.verify_cpus()?;
    for series in headlines {
        match &right {
            Ok(()) => report_headline(context, &arrays, &series, report),
            Err(wrong) => {
                let text = format!("{wrong}; {:?}", series.variant);
                report.failed(series.variant.kernel.metrics().headline, Reason::WrongResult(text));
            }
        }
    }
    Ok(())
}

/// A pass of each series, which are one of each kernel in the order of a round. What write wrote is checked before the
/// next pass writes over it.
fn round(arrays: &mut Arrays, series: &mut [VariantPasses]) -> Result<(), String> {
    for series in series {
        let pass = arrays.pass(&series.variant);
        if !pass.sums_right {
            return Err("the sum of array a was wrong".into());
        }
        series.passes.push(pass);
        if series.variant.kernel == Kernel::Write {
            arrays.verify_written()?;
        }
    }
    Ok(())
}

/// Rounds until every variant of every kernel has its samples. Kernels with fewer variants get more samples of each.
///
/// The error says what was wrong with a result; it was reported here.
fn calibrate(
    context: &Context<'_>,
    arrays: &mut Arrays,
    report: &mut Report<'_>,
    step: f64,
) -> Result<Vec<VariantPasses>, String> {
    let mut by_kernel: Vec<Vec<VariantPasses>> = Kernel::ALL
        .iter()
        .map(|&kernel| {
            let of_kernel = context.variants.iter().filter(|variant| variant.kernel == kernel);
            of_kernel.map(|&variant| VariantPasses { variant, passes: Vec::new() }).collect()
        })
        .collect();
    let most = by_kernel.iter().map(Vec::len).max().unwrap_or(0);
    for turn in 0..most * context.config.variant_samples as usize {
        report.doing(format!("variant {} of {most}", turn % most + 1), step);
        for series in &mut by_kernel {
            let at = turn % series.len();
            if let Err(wrong) = round(arrays, &mut series[at..=at]) {
                let variant = series[at].variant;
                let text = format!("{wrong}, at the latest after {variant:?}");
                report.failed(variant.kernel.metrics().variant, Reason::WrongResult(text.clone()));
                return Err(text);
            }
        }
    }
    if let Err(wrong) = arrays.verify() {
        for kernel in Kernel::ALL {
            report.failed(kernel.metrics().variant, Reason::WrongResult(wrong.clone()));
        }
        return Err(wrong);
    }
    Ok(by_kernel.into_iter().flatten().collect())
}

/// The fastest pass: what disturbs one only slows it.
fn best(series: &VariantPasses) -> Option<&Pass> {
    series.passes.iter().max_by(|a, b| a.rate.total_cmp(&b.rate))
}

/// Whether the fastest pass of one is faster than that of the other.
fn is_faster(series: &VariantPasses, than: &VariantPasses) -> bool {
    best(series).map(|pass| pass.rate) > best(than).map(|pass| pass.rate)
}

/// The fastest variant of each kernel.
fn fastest(all: &[VariantPasses]) -> BTreeMap<Kernel, Variant> {
    let mut winners: BTreeMap<Kernel, &VariantPasses> = BTreeMap::new();
    for series in all {
        let winner = winners.entry(series.variant.kernel).or_insert(series);
        if is_faster(series, winner) {
            *winner = series;
        }
    }
    winners.into_iter().map(|(kernel, series)| (kernel, series.variant)).collect()
}

/// The fastest tuning of each kernel, instruction set and kind of store.
fn report_variants(context: &Context<'_>, arrays: &Arrays, all: &[VariantPasses], report: &mut Report<'_>) {
    let mut rows: BTreeMap<(Kernel, Isa, Store), &VariantPasses> = BTreeMap::new();
    for series in all {
        let Variant { kernel, isa, store, .. } = series.variant;
        let row = rows.entry((kernel, isa, store)).or_insert(series);
        if is_faster(series, row) {
            *row = series;
        }
    }
    for ((kernel, isa, store), series) in rows {
        let measurement = Measurement::new(kernel.metrics().variant, series.passes.iter().map(Pass::sample))
            .label("isa", isa.name())
            .label("store", store.name());
        report.measured(describe(context, arrays, &series.variant, &series.passes, measurement));
    }
}

/// A headline with its companions.
fn report_headline(context: &Context<'_>, arrays: &Arrays, series: &VariantPasses, report: &mut Report<'_>) {
    let Variant { kernel, store, .. } = series.variant;
    let &KernelMetrics { headline, best: best_of, bus, .. } = kernel.metrics();
    let rates: Vec<Sample> = series.passes.iter().map(Pass::sample).collect();
    let traffic = kernel.traffic_bytes(store) as f64 / kernel.stream_bytes() as f64;
    let on_the_bus: Vec<Sample> = rates.iter().map(|rate| rate.map(|rate| rate * traffic)).collect();
    let described = |measurement| describe(context, arrays, &series.variant, &series.passes, measurement);
    let whole = Measurement::new(headline, rates);
    report.measured(described(whole.clone()));
    report.measured(described(Measurement::new(best_of, best(series).map(Pass::sample))));
    report.measured(described(Measurement::new(bus, on_the_bus)));
    for (at, socket) in arrays.sockets().iter().enumerate() {
        let rates = series.passes.iter().map(|pass| pass.of_sockets[at].clone());
        let part = described(whole.of_part("socket", socket.package, rates));
        let cpus = socket.members.iter().map(|&place| context.workers[place].cpu);
        report.measured(part.context("threads", socket.members.len()).on_cpus(cpus));
    }
}

/// Adds to a measurement of passes how it was made.
pub(crate) fn describe(
    context: &Context<'_>,
    arrays: &Arrays,
    variant: &Variant,
    passes: &[Pass],
    measurement: Measurement,
) -> Measurement {
    let migrations = passes.iter().map(|pass| pass.migrations).sum();
    let mut measurement = arrays.placed(
        measurement
            .context("isa", variant.isa.name())
            .context("store", variant.store.name())
            .context("tuning", variant.tuning)
            .context("threads", arrays.threads())
            .context("array_bytes", arrays.bytes())
            .context("verified", "every element"),
        migrations,
    );
    if variant.kernel.is_stream() {
        measurement = measurement.context("label", STREAM_LABEL);
    }
    // Whole huge pages may be a few bytes less than planned.
    let wanted = context.config.wanted_bytes;
    let near = arrays.bytes() + machine::HUGE_PAGE as u64 <= wanted;
    measurement.warn(near.then_some(Warning::NearCache { array: arrays.bytes(), wanted }))
}

/// The variant of a kernel that walks in the plainest way with the widest instructions allowed.
pub(crate) fn plain(variants: &[Variant], kernel: Kernel) -> &Variant {
    let plain = Tuning { streams: 1, ahead: 0 };
    let of_kernel = variants.iter().filter(|variant| variant.kernel == kernel && variant.tuning == plain);
    of_kernel.max_by_key(|variant| variant.isa).expect("every instruction set has a plain row")
}
