//! STREAM's text (John `McCalpin`'s `stream.c` and its like).

use measure::{Definition, Unit, metrics};

use crate::text::{Printed, after, between, duration, lines, number, positive, takes};
use crate::{Error, Format, Import, Setting, Statistic, Told};

/// The kernels, with the arrays that each goes over.
const KERNELS: [(&str, f64, &Definition); 4] = [
    ("Copy", 2.0, &metrics::STREAM_COPY),
    ("Scale", 2.0, &metrics::STREAM_SCALE),
    ("Add", 3.0, &metrics::STREAM_ADD),
    ("Triad", 3.0, &metrics::STREAM_TRIAD),
];

pub(crate) fn read(text: &str) -> Result<Import, Error> {
    let mut import = Import::of(Format::Stream);
    let mut head = Head::default();
    let mut is_table = false;
    for (line, words) in lines(text) {
        if !is_table {
            head.take(line, words, &mut import)?;
        }
        if words.starts_with("Function") && words.contains("Rate") {
            if !words.contains("MB/s") {
                return Err(Error::at(line, "the rates are not in MB/s, the only unit that STREAM prints"));
            }
            is_table = true;
        } else if is_table {
            row(line, words, &head, &mut import)?;
        }
        validation(line, words, &mut import);
    }
    let last = text.lines().count().max(1);
    if !is_table {
        return Err(Error::at(last, "STREAM's output ends before its table of rates"));
    }
    if import.figures.len() < KERNELS.len() {
        let missing = KERNELS.iter().find(|(name, ..)| import.figures.iter().all(|figure| figure.name != *name));
        return Err(Error::at(last, format!("the table of rates has no {}", missing.map_or("end", |(name, ..)| name))));
    }
    for (setting, what) in [(Setting::ArrayBytes, "the array size"), (Setting::Threads, "how many threads")] {
        if !import.settings.contains_key(&setting) {
            import.untold(&[what]);
        }
    }
    import.untold(&["host", "date", "compiler", "which cores its threads ran on", "on which nodes its pages lay"]);
    Ok(import)
}

#[derive(Default)]
struct Head {
    element: Option<f64>,
    elements: Option<(usize, String, f64)>,
}

impl Head {
    fn take(&mut self, line: usize, words: &str, import: &mut Import) -> Result<(), Error> {
        if let Some(version) = between(words, "STREAM version $Revision:", "$") {
            import.version = Some(Told::text(line, version));
        } else if let Some(bytes) = between(words, "This system uses", "bytes per") {
            self.element = Some(positive(line, "the size of an element", bytes)?);
        } else if let Some(rest) = after(words, "Array size =") {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            self.elements = Some((line, digits.to_owned(), positive(line, "the array size", digits)?));
            self.array(import);
        } else if let Some(size) = between(words, "Memory per array =", "MiB") {
            memory(line, size, import)?;
        } else if let Some(times) = between(words, "Each kernel will be executed", "times") {
            import
                .settings
                .insert(Setting::Repetitions, Told::number(line, times, positive(line, "the repetitions", times)?));
        } else if let Some(threads) =
            after(words, "Number of Threads counted =").or_else(|| after(words, "Number of Threads requested ="))
        {
            import
                .settings
                .insert(Setting::Threads, Told::number(line, threads, positive(line, "the threads", threads)?));
        }
        Ok(())
    }

    fn array(&self, import: &mut Import) {
        if let (Some((line, digits, elements)), Some(element)) = (&self.elements, self.element) {
            let text = format!("{digits} elements of {element} B");
            import.settings.insert(Setting::ArrayBytes, Told::number(*line, &text, elements * element));
        }
    }
}

/// The size of an array is printed twice.
fn memory(line: usize, size: &str, import: &mut Import) -> Result<(), Error> {
    let told = number(line, "the memory of an array", size)?;
    let array = import.settings.get(&Setting::ArrayBytes).and_then(|told| told.value);
    if let Some(bytes) = array.filter(|bytes| (bytes / f64::from(1 << 20) - told).abs() > 0.06) {
        let says =
            format!("an array is said to take {size} MiB, and its elements take {:.1} MiB", bytes / f64::from(1 << 20));
        import.misfit(line, says);
    }
    Ok(())
}

fn validation(line: usize, words: &str, import: &mut Import) {
    let passed = words.starts_with("Solution Validates");
    if passed || words.starts_with("Failed Validation") {
        let told = Told::number(line, words, f64::from(u8::from(passed)));
        // One array that fails outweighs others that pass.
        let known = import.settings.entry(Setting::Verified).or_insert_with(|| told.clone());
        if !passed {
            *known = told;
        }
    }
}

/// `Triad:          26370.5     0.143783     0.136516     0.155278`
fn row(line: usize, words: &str, head: &Head, import: &mut Import) -> Result<(), Error> {
    let Some((kernel, arrays, metric)) =
        KERNELS.iter().find(|(name, ..)| after(words, name).is_some_and(|rest| rest.starts_with(':')))
    else {
        return Ok(());
    };
    let columns: Vec<&str> = words.split_once(':').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let [rate, mean, least, most] = columns[..] else {
        return Err(Error::at(
            line,
            format!("{kernel} has {} columns, and STREAM prints a rate and three times", columns.len()),
        ));
    };
    if import.figures.iter().any(|figure| figure.name == *kernel) {
        return Err(Error::at(line, format!("{kernel} is there a second time: give each run a file of its own")));
    }
    let value = positive(line, "the rate", rate)?;
    let times = [("the least time", least), ("the mean time", mean), ("the longest time", most)];
    let mut seconds = [0.0; 3];
    for (at, (what, text)) in seconds.iter_mut().zip(times) {
        *at = duration(line, what, text)?;
    }
    let figure =
        Printed { line, text: rate, unit: "MB/s" }.figure(kernel, value * 1e6, Unit::BytePerSecond, Statistic::Best);
    import.figures.push(figure.measures(metric));
    if !seconds.is_sorted() {
        import.misfit(
            line,
            format!("{kernel}: the times are not in order: least {least} s, mean {mean} s, longest {most} s"),
        );
    }
    let bytes = head.elements.as_ref().zip(head.element).map(|((_, _, elements), element)| elements * element * arrays);
    let moved = value * 1e6 * seconds[0];
    if let Some(bytes) = bytes.filter(|bytes| !takes(*bytes, value * 1e6, rate, least)) {
        let says = format!(
            "{kernel}: {rate} MB/s × {least} s are {:.1} MB, and {arrays} arrays are {:.1} MB",
            moved / 1e6,
            bytes / 1e6
        );
        import.misfit(line, says);
    }
    Ok(())
}
