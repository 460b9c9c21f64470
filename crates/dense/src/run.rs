//! The workload: FMA peak, AMX, products, systems of equations.

use machine::{Clock, Machine, Team, isa};
use measure::metrics::{
    DENSE_DGEMM, DENSE_DGEMM_CURVE, DENSE_DGEMM_KEPT, DENSE_DGEMM_NDARRAY, DENSE_DGEMM_SUSTAINED, DENSE_HPL,
};
use measure::{Definition, Event, Interval, Isa, Measurement, Quantity, Sample, Unit, Warning, derived};

use crate::blas::{Blas, Library, library, set_threads};
use crate::config::{Config, DgemmConfig, product_seconds, workers};
use crate::dgemm::{Product, Rates, Shape, plain};
use crate::hpl::Hpl;
use crate::reporter::{Reporter, noisy};
use crate::{Error, amx, fma};

/// Measures what the configuration says, and emits it as events. A part that fails is reported with its reason, and the
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
            for metric in [&DENSE_DGEMM, &DENSE_HPL] {
                reporter.not_measured(metric, &[], error.reason());
            }
            return Ok(());
        }
    };
    if !set_threads(1) {
        let what = "one thread for each call of the BLAS: the loaded library offers no way to say it".into();
        reporter.warn(Warning::NotHonoured { what });
    }
    let library = library();
    if let Some(used) = narrow(&library, isa::widest()) {
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
        ("blas_kernel", library.kernel.clone().unwrap_or_else(|| "not reported by the library".into())),
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
            let labels = [("m", shape.m.to_string()), ("n", shape.n.to_string()), ("k", shape.k.to_string())];
            match self.measure(shape, self.config.curve_samples, reporter) {
                Ok(rates) => {
                    let measurement = self.measurement(&DENSE_DGEMM_CURVE, rates);
                    let labelled = labels.into_iter().fold(measurement, |m, (key, value)| m.label(key, value));
                    reporter.measured(noisy(labelled));
                }
                Err(error) => reporter.not_measured(&DENSE_DGEMM_CURVE, &labels, error.reason()),
            }
        }
        let order = self.config.order;
        match self.measure(Shape::square(order), self.config.samples, reporter) {
            Ok(mut rates) => {
                let of_sockets = std::mem::take(&mut rates.of_sockets);
                let headline = self.measurement(&DENSE_DGEMM, rates).context("n", order);
                for (socket, rates) in of_sockets {
                    let part = headline.of_part("socket", socket.package, rates);
                    let cpus = socket.members.iter().map(|&place| self.team.workers()[place].cpu);
                    reporter.measured(noisy(part.context("threads", socket.members.len()).on_cpus(cpus)));
                }
                reporter.measured(noisy(headline));
            }
            Err(error) => reporter.not_measured(&DENSE_DGEMM, &[], error.reason()),
        }
        self.plain(reporter);
        if self.config.sustained > 0.0
            && let Err(error) = self.sustained(reporter)
        {
            reporter.not_measured(&DENSE_DGEMM_SUSTAINED, &[], error.reason());
        }
    }

    fn measure(&self, shape: Shape, samples: usize, reporter: &mut Reporter<'_>) -> Result<Rates, Error> {
        let planned = product_seconds(&shape, self.team.workers().len()) * (samples + 1) as f64;
        reporter.begin(format!("DGEMM {} × {} × {}", shape.m, shape.n, shape.k), planned);
        Product::prepare(self.team, shape, self.seed, self.blas)?.measure(samples)
    }

    fn measurement(&self, metric: &Definition, rates: Rates) -> Measurement {
        let measurement = Measurement::new(metric, rates.samples).placed(rates.placement).warn(rates.warnings);
        self.context.iter().fold(measurement, |measurement, (key, value)| measurement.context(key, value))
    }

    /// The library's own threads, through ndarray.
    fn plain(&self, reporter: &mut Reporter<'_>) {
        let (order, threads) = (self.config.plain_order, self.team.workers().len());
        let planned = product_seconds(&Shape::square(order), threads) * (self.config.curve_samples + 1) as f64;
        reporter.begin(format!("DGEMM {order} through ndarray, the library's own threads"), planned);
        match plain(order, self.config.curve_samples, threads, self.seed) {
            Ok(rates) => {
                let measurement = Measurement::new(&DENSE_DGEMM_NDARRAY, rates).label("n", order);
                let context = self.context.iter();
                reporter.measured(noisy(context.fold(measurement, |m, (key, value)| m.context(key, value))));
            }
            Err(error) => reporter.not_measured(&DENSE_DGEMM_NDARRAY, &[("n", order.to_string())], error.reason()),
        }
    }

    /// Products without a pause: a value each second shows whether the clock is kept.
    fn sustained(&self, reporter: &mut Reporter<'_>) -> Result<(), Error> {
        let seconds = self.config.sustained;
        // Two at least, so that the end can be compared with the beginning.
        let count = usize::try_from(fma::whole(seconds.ceil())).unwrap_or(usize::MAX).max(2);
        let time = Quantity::new(seconds.round(), Unit::Second);
        reporter.begin(format!("DGEMM without a pause for {time}"), seconds);
        // Each product takes a fraction of a second.
        let mut product = Product::prepare(self.team, Shape::square(self.config.order / 2), self.seed, self.blas)?;
        let (mut rates, mut flops) = (Vec::new(), 0.0);
        let mut last = Clock::now();
        while rates.len() < count {
            product.multiply();
            flops += product.flops();
            let now = Clock::now();
            let second = Interval::new(last, now);
            if second.seconds() >= 1.0 {
                let rate = flops / second.seconds();
                rates.push(Sample::timed(rate, second));
                let share = rates.len() as f64 / count as f64;
                reporter.within(format!("DGEMM without a pause: {:.1} Gflop/s", rate * 1e-9), seconds, share);
                (last, flops) = (now, 0.0);
            }
        }
        product.verify()?;
        let ends = (count / 2).min(10);
        let (first, last) = (&rates[..ends], &rates[count - ends..]);
        let kept = derived(mean(last) / mean(first), first.iter().chain(last));
        let how = format!("the last {ends} s against the first {ends} s");
        reporter.measured(Measurement::new(&DENSE_DGEMM_KEPT, [kept]).context("how", how));
        let sustained = Measurement::new(&DENSE_DGEMM_SUSTAINED, rates);
        reporter.measured(sustained.context("samples", "one for each second, in order"));
        Ok(())
    }
}

fn mean(rates: &[Sample]) -> f64 {
    rates.iter().map(|rate| rate.value).sum::<f64>() / rates.len() as f64
}

#[cfg(test)]
mod tests;
