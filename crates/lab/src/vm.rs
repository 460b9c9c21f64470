//! One boot of the machine under QEMU, in software: what the command line says, and how it ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::hardware::{CPUS, Drive, Hardware, Trouble};
use crate::image::Files;
use crate::parts::Parts;
use crate::scenario::Scenario;

/// How long a machine may take to its first step and down again, beside its steps.
const BOOT: Duration = Duration::from_mins(4);
/// How long it may be silent from its start: some tens of seconds are usual. Now and then the emulated CPUs hang before the
/// kernel has started a program, which says nothing of the suite: then the machine is started anew.
const SILENCE: Duration = Duration::from_mins(2);
/// How long the emulator's monitor may take for an answer.
const MONITOR: Duration = Duration::from_secs(20);
/// Starts of a silent machine at most.
const STARTS: u32 = 3;

/// What happens to a machine while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// Nothing: it switches itself off.
    None,
    /// The power goes, so long after this step began.
    PowerCut { step: &'static str, after: Duration },
    /// The emulator's monitor is given these commands (QMP), so long after this step began.
    Monitor { step: &'static str, after: Duration, commands: &'static [&'static str] },
}

impl Event {
    /// The step after whose beginning it happens, and how long after.
    fn moment(self) -> Option<(&'static str, Duration)> {
        match self {
            Event::None => None,
            Event::PowerCut { step, after } | Event::Monitor { step, after, .. } => Some((step, after)),
        }
    }
}

/// A machine whose drives exist.
pub(crate) struct Machine<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) files: Files<'a>,
    pub(crate) hardware: Hardware,
}

impl Machine<'_> {
    /// Boots it, runs the scenario, and brings back what the machine wrote.
    pub(crate) fn boot(&self, scenario: &mut Scenario, event: Event) -> Result<PathBuf> {
        scenario.modules = crate::parts::MODULES.map(|name| format!("{name}.ko")).to_vec();
        self.files.make_boot(self.parts, &self.hardware, scenario)?;
        let seconds: u64 = scenario.steps.iter().map(|step| step.seconds).sum();
        let console = self.files.folder.join("console");
        for start in 1..=STARTS {
            let end = self.start(BOOT + Duration::from_secs(seconds), event);
            match end.with_context(|| format!("the console is in {}", console.display()))? {
                End::Reached => return self.files.bring_back(),
                End::Silent => eprintln!("    the emulator hung before the first step: start {start} of {STARTS}"),
            }
        }
        bail!("the machine did not come up; the console is in {}", console.display())
    }

    /// One start, for so long at most.
    fn start(&self, limit: Duration, event: Event) -> Result<End> {
        let mut qemu = Command::new("qemu-system-x86_64")
            .args(self.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // It says a line for each request that it lets fail.
            .stderr(self.kept()?)
            .spawn()
            .context("qemu-system-x86_64 could not be started; is its package installed?")?;
        let console = self.console(&mut qemu)?;
        let end = attend(&console, limit, event, &self.files.monitor());
        // Ends it where it did not end itself; as sudden for the machine as a power cut.
        let _ = qemu.kill();
        qemu.wait()?;
        end
    }

    /// The file that keeps what the machine and QEMU say.
    fn kept(&self) -> Result<File> {
        Ok(File::options().create(true).append(true).open(self.files.folder.join("console"))?)
    }

    /// Lines of the serial console, which are kept in a file as well.
    fn console(&self, qemu: &mut Child) -> Result<Receiver<String>> {
        let stdout = qemu.stdout.take().context("QEMU has no output")?;
        let mut kept = self.kept()?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                // The firmware's escape sequences stand before the first line.
                let line = line.find("lab: ").map_or(&*line, |at| &line[at..]).trim();
                let told = writeln!(kept, "{line}").is_ok() && sender.send(line.to_owned()).is_ok();
                if !told {
                    break;
                }
            }
        });
        Ok(lines)
    }

    fn arguments(&self) -> Vec<String> {
        let mut all = words(
            "-machine q35,smbios-entry-point-type=64 -accel tcg,thread=multi -cpu max,l3-cache=off -nodefaults -nographic -no-reboot \
             -serial stdio",
        );
        all.extend(["-qmp".to_owned(), format!("unix:{},server=on,wait=off", self.files.monitor().display())]);
        let sensors = self.files.sensors();
        all.extend(["-device".to_owned(), format!("ipmi-bmc-sim,id=bmc,sdrfile={}", sensors.display())]);
        all.extend(words("-device isa-ipmi-kcs,bmc=bmc"));
        all.extend(words(&format!("-smp {CPUS},sockets=2,cores={},threads=1", CPUS / 2)));
        all.extend(words(&format!("-m {}", self.hardware.node_mib.iter().sum::<u32>())));
        all.extend(self.memory());
        for number in 0..crate::smbios::structures(&self.hardware).len() {
            all.extend(["-smbios".to_owned(), format!("file={}", self.files.structure(number).display())]);
        }
        // A PCIe root of its own for each socket, on the first node of the socket.
        all.extend(words("-device pxb-pcie,id=root0,bus_nr=32,bus=pcie.0,numa_node=0"));
        all.extend(words("-device pxb-pcie,id=root2,bus_nr=96,bus=pcie.0,numa_node=2"));
        for (number, drive) in self.hardware.drives.iter().enumerate() {
            all.extend(self.drive(number, drive));
        }
        all.extend(["-kernel".to_owned(), self.parts.kernel.display().to_string()]);
        all.extend(["-initrd".to_owned(), self.files.initial().display().to_string()]);
        all.extend(["-append".to_owned(), "console=ttyS0 quiet panic=-1 nvme.poll_queues=2".to_owned()]);
        all
    }

    /// The nodes with their memory, CPUs and distances: 12 within a socket, 21 between the two.
    fn memory(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (node, mib) in self.hardware.node_mib.iter().enumerate() {
            let cpus = format!("node,nodeid={node},cpus={node}");
            if *mib == 0 {
                all.extend(words(&format!("-numa {cpus}")));
            } else {
                all.extend(words(&format!("-object memory-backend-ram,id=memory{node},size={mib}M")));
                all.extend(words(&format!("-numa {cpus},memdev=memory{node}")));
            }
        }
        for (from, to, distance) in [(0, 1, 12), (2, 3, 12), (0, 2, 21), (0, 3, 21), (1, 2, 21), (1, 3, 21)] {
            all.extend(words(&format!("-numa dist,src={from},dst={to},val={distance}")));
        }
        all
    }

    fn drive(&self, number: usize, drive: &Drive) -> Vec<String> {
        let file = self.files.drive(&drive.serial);
        let serial = &drive.serial;
        let below = match drive.trouble {
            // A rule of blkdebug for any read, at any sector, each time.
            Some(Trouble::Errs) => format!(
                "driver=blkdebug,image.driver=file,image.filename={},inject-error.0.event=none,\
                 inject-error.0.iotype=read,inject-error.0.errno=5,inject-error.0.once=off",
                file.display()
            ),
            Some(Trouble::Slow(iops)) => {
                format!("driver=raw,file.filename={},throttling.iops-total={iops}", file.display())
            }
            Some(Trouble::Worn) | None => format!("driver=raw,file.filename={}", file.display()),
        };
        // Bit 2 of the SMART log's critical warning: the reliability is degraded.
        let worn = if drive.trouble == Some(Trouble::Worn) { ",smart_critical_warning=4" } else { "" };
        let mut all = words(&format!(
            "-device pcie-root-port,id=port{number},bus=root{},chassis={},slot={number}",
            drive.node,
            number + 1
        ));
        all.extend(["-drive".to_owned(), format!("if=none,id={serial},{below}")]);
        all.extend(words(&format!(
            "-device nvme,id=nvme-{serial},drive={serial},serial={serial},bus=port{number}{worn}"
        )));
        all
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// How a start ended that ended well.
enum End {
    /// The machine was done, or its power was cut.
    Reached,
    /// It never said anything.
    Silent,
}

/// Follows the console to the end, or to the moment at which the power goes.
fn attend(console: &Receiver<String>, limit: Duration, event: Event, monitor: &Path) -> Result<End> {
    let begun = Instant::now();
    let mut moment: Option<Instant> = None;
    let (mut spoke, mut done) = (false, false);
    loop {
        let deadline = begun + if spoke { limit } else { SILENCE };
        let until = moment.unwrap_or(deadline).min(deadline);
        match console.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(error) = line.strip_prefix("lab: error: ") {
                    bail!("the machine says: {error}");
                }
                if let Some((step, after)) = event.moment()
                    && line == format!("lab: begin {step}")
                {
                    moment = Some(Instant::now() + after);
                }
                if line.starts_with("lab: ") {
                    spoke = true;
                    eprintln!("    {line}");
                }
                done |= line == "lab: done";
            }
            Err(RecvTimeoutError::Timeout) if moment.is_some_and(|moment| moment <= Instant::now()) => {
                let Event::Monitor { commands, .. } = event else { return Ok(End::Reached) };
                tell(monitor, commands)?;
                moment = None;
            }
            Err(RecvTimeoutError::Timeout) if !spoke => return Ok(End::Silent),
            Err(RecvTimeoutError::Timeout) => bail!("the machine took far longer than its steps may"),
            Err(RecvTimeoutError::Disconnected) if done => return Ok(End::Reached),
            Err(RecvTimeoutError::Disconnected) => bail!("QEMU ended before the machine was done"),
        }
    }
}

/// Gives commands to the emulator's monitor, each of which it must take.
fn tell(monitor: &Path, commands: &[&str]) -> Result<()> {
    let stream = UnixStream::connect(monitor).context("could not reach the emulator's monitor")?;
    stream.set_read_timeout(Some(MONITOR))?;
    let mut lines = BufReader::new(&stream).lines();
    // It greets first.
    lines.next().context("the emulator's monitor says nothing")??;
    for command in ["{\"execute\":\"qmp_capabilities\"}"].iter().chain(commands) {
        (&stream).write_all(format!("{command}\n").as_bytes())?;
        // Events come between the answers.
        let answer = lines.by_ref().find(|line| line.as_ref().map_or(true, |line| !line.contains("\"event\"")));
        let answer = answer.context("the emulator's monitor has ended")??;
        if !answer.contains("\"return\"") {
            bail!("the emulator's monitor does not take {command}: {answer}");
        }
    }
    Ok(())
}

/// Puts a new machine together in an empty folder.
pub(crate) fn new<'a>(parts: &'a Parts, folder: &'a std::path::Path, hardware: Hardware) -> Result<Machine<'a>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    let files = Files { folder };
    files.make_drives(parts, &hardware)?;
    Ok(Machine { parts, files, hardware })
}
