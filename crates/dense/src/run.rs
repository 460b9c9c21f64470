//! The workload: FMA peak, AMX, products, systems of equations.

use machine::{Clock, Isa, Machine, Team};
use measure::{Event, Measurement, Metric, Unit, Warning};

use crate::blas::{Blas, Library, library, set_threads};
use crate::config::{Config, DgemmConfig, product_seconds, workers};
use crate::dgemm::{Product, Rates, Shape, plain};
use crate::hpl::Hpl;
use crate::reporter::Reporter;
use crate::{Error, amx, fma};

/// The share of the median that the MAD may be without a remark.
const NOISE: f64 = 0.05;

/// Measures what the configuration says, and tells it by events. A part that fails is reported with its reason, and the
/// others go on.
///
/// # Errors
///
/// If no work can be placed on this machine.
pub fn run(config: &Config, machine: &Machine, emit: &mut dyn FnMut(Event)) -> Result<(), Error> {
    run_with(Blas::load, config, machine, emit)
}

/// The same with given routines, so that a test can see what wrong ones end in, and none.
fn run_with(
    load: impl FnOnce() -> Result<Blas, Error>,
    config: &Config,
    machine: &Machine,
    emit: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    machine.require_host()?;
    let workers = workers(machine)?;
    let mut reporter = Reporter::new(emit, config.seconds(&workers));
    amx::record(&config.fma, &workers, &mut reporter)?;
    fma::record(&config.fma, &workers, &mut reporter)?;
    let blas = match load() {
        Ok(blas) => blas,
        Err(error) => {
            for name in ["dense.dgemm", "dense.hpl"] {
                reporter.not_measured(name, &[], error.reason());
            }
            return Ok(());
        }
    };
    if !set_threads(1) {
        let what = "one thread for each call of the BLAS: the loaded library offers no way to say it".into();
        reporter.warn(Warning::NotHonoured { what });
    }
    let library = library();
    if let Some(used) = narrow(&library, Isa::widest()) {
        reporter.warn(Warning::NarrowIsa { used });
    }
    let mut team = Team::start(&workers)?;
    let context = context(&library, workers.len());
    let dgemm = Dgemm { config: &config.dgemm, seed: config.seed, blas, context: &context, team: &team };
    dgemm.record(&mut reporter);
    let hpl = Hpl { config: &config.hpl, seed: config.seed, blas, context: &context };
    hpl.record(&mut team, &mut reporter);
    Ok(())
}

/// What a record says of the library.
fn context(library: &Library, threads: usize) -> Vec<(&'static str, String)> {
    vec![
        ("blas", library.name.to_owned()),
        ("blas_version", library.version.clone()),
        ("blas_kernel", library.kernel.clone().unwrap_or_else(|| "it does not tell".into())),
        ("threads", threads.to_string()),
    ]
}

/// What is to be said of kernels that are narrower than the CPU: half of the rate is lost then, and neither the CPU nor the
/// memory is the cause. OpenBLAS takes such where it is older than the CPU, and where the environment asks for it.
fn narrow(library: &Library, widest: Isa) -> Option<String> {
    /// The names that OpenBLAS gives its kernels with AVX-512 (`driver/others/dynamic.c`).
    const WIDE: [&str; 3] = ["SkylakeX", "Cooperlake", "SapphireRapids"];
    let kernel = library.kernel.as_deref().filter(|kernel| widest == Isa::Avx512 && !WIDE.contains(kernel))?;
    let cause = match std::env::var("OPENBLAS_CORETYPE") {
        Ok(asked) => format!("OPENBLAS_CORETYPE={asked} asks for them"),
        Err(_) => "a newer version may know this CPU; else set OPENBLAS_CORETYPE=SkylakeX".to_owned(),
    };
    Some(format!("the kernel `{kernel}` of {} ({cause})", library.name))
}

/// Adds a warning where the samples spread.
pub(crate) fn noisy(measurement: Measurement) -> Measurement {
    let spread = measurement.summary().map_or(0.0, |summary| summary.mad / summary.median);
    let warning = (spread > NOISE).then_some(Warning::Noisy { spread });
    measurement.warn(warning)
}

/// The part of the matrix products.
struct Dgemm<'a> {
    config: &'a DgemmConfig,
    seed: u64,
    blas: Blas,
    context: &'a [(&'static str, String)],
    team: &'a Team,
}

impl Dgemm<'_> {
    fn record(&self, reporter: &mut Reporter<'_>) {
        for &shape in &self.config.curve {
            let name = "dense.dgemm.curve";
            let labels = [("m", shape.m.to_string()), ("n", shape.n.to_string()), ("k", shape.k.to_string())];
            match self.measure(shape, self.config.curve_samples, reporter) {
                Ok(rates) => {
                    let measurement = self.measurement(name, rates);
                    let labelled = labels.into_iter().fold(measurement, |m, (key, value)| m.label(key, value));
                    reporter.measured(noisy(labelled));
                }
                Err(error) => reporter.not_measured(name, &labels, error.reason()),
            }
        }
        let order = self.config.order;
        match self.measure(Shape::square(order), self.config.samples, reporter) {
            Ok(rates) => {
                let headline = self.measurement("dense.dgemm", rates).context("n", order);
                reporter.measured(noisy(headline));
            }
            Err(error) => reporter.not_measured("dense.dgemm", &[], error.reason()),
        }
        self.plain(reporter);
        if self.config.sustained > 0.0
            && let Err(error) = self.sustained(reporter)
        {
            reporter.not_measured("dense.dgemm.sustained", &[], error.reason());
        }
    }

    fn measure(&self, shape: Shape, samples: usize, reporter: &mut Reporter<'_>) -> Result<Rates, Error> {
        let planned = product_seconds(&shape, self.team.workers().len()) * (samples + 1) as f64;
        reporter.begin(format!("DGEMM {} × {} × {}", shape.m, shape.n, shape.k), planned);
        Product::prepare(self.team, shape, self.seed, self.blas)?.measure(samples)
    }

    fn measurement(&self, name: &str, rates: Rates) -> Measurement {
        let measurement = Measurement::new(Metric::higher(name, Unit::FlopPerSecond), rates.samples)
            .placed(rates.placement)
            .warn(rates.warnings);
        self.context.iter().fold(measurement, |measurement, (key, value)| measurement.context(key, value))
    }

    /// The library's own threads, through ndarray.
    fn plain(&self, reporter: &mut Reporter<'_>) {
        let (order, threads) = (self.config.plain_order, self.team.workers().len());
        let planned = product_seconds(&Shape::square(order), threads) * (self.config.curve_samples + 1) as f64;
        reporter.begin(format!("DGEMM {order} through ndarray, the library's own threads"), planned);
        let name = "dense.dgemm.ndarray";
        match plain(order, self.config.curve_samples, threads, self.seed) {
            Ok(rates) => {
                let measurement = Measurement::new(Metric::higher(name, Unit::FlopPerSecond), rates).label("n", order);
                let context = self.context.iter();
                reporter.measured(noisy(context.fold(measurement, |m, (key, value)| m.context(key, value))));
            }
            Err(error) => reporter.not_measured(name, &[("n", order.to_string())], error.reason()),
        }
    }

    /// Products without a pause: a value each second shows whether the clock is kept.
    fn sustained(&self, reporter: &mut Reporter<'_>) -> Result<(), Error> {
        let seconds = self.config.sustained;
        // Two at least, so that the end can be compared with the beginning.
        let count = usize::try_from(fma::whole(seconds.ceil())).unwrap_or(usize::MAX).max(2);
        reporter.begin(format!("DGEMM without a pause for {seconds:.0} s"), seconds);
        // Each product takes a fraction of a second.
        let mut product = Product::prepare(self.team, Shape::square(self.config.order / 2), self.seed, self.blas)?;
        let (mut rates, mut flops) = (Vec::new(), 0.0);
        let mut last = Clock::now();
        while rates.len() < count {
            product.multiply();
            flops += product.flops();
            let now = Clock::now();
            if Clock::seconds(last, now) >= 1.0 {
                let rate = flops / Clock::seconds(last, now);
                rates.push(rate);
                let share = rates.len() as f64 / count as f64;
                reporter.within(format!("DGEMM without a pause: {:.1} Gflop/s", rate * 1e-9), seconds, share);
                (last, flops) = (now, 0.0);
            }
        }
        product.verify()?;
        let ends = (count / 2).min(10);
        let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
        let kept = mean(&rates[count - ends..]) / mean(&rates[..ends]);
        let metric = Metric::higher("dense.dgemm.kept", Unit::Ratio);
        let how = format!("the last {ends} s against the first {ends} s");
        reporter.measured(Measurement::new(metric, [kept]).context("how", how));
        let metric = Metric::higher("dense.dgemm.sustained", Unit::FlopPerSecond);
        reporter.measured(Measurement::new(metric, rates).context("samples", "one for each second, in order"));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
