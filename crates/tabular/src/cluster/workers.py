"""Who starts workers for a run: this host's own, or Slurm's. It stands before driver.py, as one text."""

import asyncio
import os
import socket
import subprocess
import sys
import time

# Seconds to wait for a connection, for answers, for workers to register, for the last events of tasks that have ended, and for
# the end of a process that has closed its output; and between two looks at scheduler and workers.
CONNECT, ANSWER, REGISTER, LAST_EVENTS, DYING, LOOK = 20, 60, 90, 10, 10, 1
# Between two looks at Slurm's queue, and until a job of Slurm's ends that is asked to.
SLURM_LOOK, SLURM_END = 3, 10
# Slurm's reasons for which a job waits until somebody changes it, its account or the partition.
SLURM_NEVER = {"AccountNotAllowed", "BadConstraints", "InvalidAccount", "InvalidQOS", "JobHeldAdmin", "JobHeldUser"}
SLURM_NEVER |= {"PartitionNodeLimit", "PartitionTimeLimit", "QOSNotAllowed"}

# What a worker of this host runs: its arguments are the process that it ends with, its CPUs, and what Dask gets.
WORKER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
if os.getppid() != int(sys.argv[1]): os._exit(1)
os.sched_setaffinity(0, {int(cpu) for cpu in sys.argv[2].split(",")})
import dask, distributed
dask.config.refresh(paths=[], env={})
dask.config.set({"distributed.worker.profile.enabled": False})
from distributed.cli.dask_worker import main
main(sys.argv[3:])
"""

# Becomes another program, which hears a signal when the process ends that started it: its arguments are that process and the
# program with its own. `srun` ends its workers at SIGTERM, and does not when it is killed.
ENDS_WITH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)
if os.getppid() != int(sys.argv[1]): os._exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""

# What Slurm starts on each node, with the scheduler's address and what Dask gets: a worker for each NUMA node.
SLURM_WORKERS = """
import ctypes, glob, os, signal, socket, sys
def listed(text):
    parts = [part.split("-") for part in text.strip().split(",") if part]
    return {cpu for part in parts for cpu in range(int(part[0]), int(part[-1]) + 1)}
allowed, name, first = os.sched_getaffinity(0), os.environ["SLURMD_NODENAME"], os.getpid()
files = sorted(glob.glob("/sys/devices/system/node/node[0-9]*/cpulist"))
nodes = [cpus for cpus in (listed(open(file).read()) & allowed for file in files) if cpus] or [allowed]
for index, cpus in reversed(list(enumerate(nodes))):
    if index == 0 or os.fork() == 0:
        break
if index > 0:
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != first: os._exit(1)
if len(nodes) > 1:
    name += f"/{index + 1}of{len(nodes)}"
os.sched_setaffinity(0, cpus)
import dask
dask.config.refresh(paths=[], env={})
dask.config.set({"distributed.worker.profile.enabled": False})
from distributed.cli.dask_worker import main
# This host's address on the way to the scheduler: else a worker listens on all.
scheduler = sys.argv[1].rpartition("/")[2].rpartition(":")[0].strip("[]")
family, kind, _, _, address = socket.getaddrinfo(scheduler, 9, type=socket.SOCK_DGRAM)[0]
with socket.socket(family, kind) as way:
    way.connect(address)
    own = way.getsockname()[0]
main([sys.argv[1], "--name", name, "--host", own, *sys.argv[2:]])
"""


class Failed(Exception):
    """Why the run ends without a result; which task and worker it is about."""

    def __init__(self, reason, **where):
        super().__init__(reason)
        self.where = where


def configure(asked):
    """Sets Dask for workers that live for this run alone; settings of the user are for clusters of the user."""
    import dask

    dask.config.refresh(paths=[], env={})
    dask.config.set({
        "distributed.scheduler.allowed-failures": asked["retries"],
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.work-stealing-interval": "100ms",
        "distributed.scheduler.worker-ttl": "60s",
    })


def worker_options(asked):
    """What all workers get that are started here."""
    options = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", asked["scratch"]]
    # Without an address of its own, HTTP would be served to everybody.
    return [*options, "--dashboard-address", "127.0.0.1:0", "--death-timeout", str(REGISTER)]


def python():
    """This interpreter, as isolated as this process."""
    return [sys.executable, *(["-I"] if sys.flags.isolated else []), "-c"]


class OwnWorkers:
    """A scheduler in this process and workers of this host, each on CPUs of its own; all of it on loopback."""

    security = None

    def __init__(self, asked):
        self.cpus = {f"local-{index}": worker["cpus"] for index, worker in enumerate(asked["cluster"]["workers"])}
        self.asked, self.processes = asked, {}

    async def start(self):
        from distributed import Scheduler

        configure(self.asked)
        scheduler = await Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0")
        for name, cpus in self.cpus.items():
            command = [*python(), WORKER, str(os.getpid()), cpus, scheduler.address, "--name", name]
            command += ["--host", "127.0.0.1", *worker_options(self.asked)]
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        return scheduler.address

    def missing(self, names):
        """How many workers have not registered."""
        return len(self.cpus.keys() - names)

    async def queued(self):
        """Why they cannot have registered yet: never, as nobody else decides."""

    def gone(self):
        """The workers whose process has ended."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def all_gone(self):
        return len(self.gone()) == len(self.cpus)

    def end(self):
        """Kills what is left: a stopped worker hears nothing else."""
        for process in self.processes.values():
            process.kill()


class SlurmWorkers:
    """A scheduler in this process and workers on nodes of one allocation of Slurm, which know each other by a certificate
    that is made for this run."""

    def __init__(self, asked):
        self.asked, self.nodes = asked, asked["cluster"]["slurm_nodes"]
        self.security, self.process, self.looked = None, None, -SLURM_LOOK
        self.name = f"hostproof-features-{os.urandom(4).hex()}"
        self.said = os.fdopen(os.memfd_create("srun"), "w+b")

    async def start(self):
        from distributed import Scheduler, Security

        configure(self.asked)
        self.security = Security.temporary()
        host = await asyncio.to_thread(self.own_address)
        options = {"host": host, "port": 0, "dashboard_address": "127.0.0.1:0"}
        scheduler = await Scheduler(protocol="tls", security=self.security, **options)
        command = ["srun", f"--job-name={self.name}", f"--nodes={self.nodes}", f"--ntasks={self.nodes}", "--mem=0"]
        command += ["--ntasks-per-node=1", "--cpu-bind=none", "--kill-on-bad-exit=0", "--no-kill"]
        # In an allocation of the user's, whole nodes are his choice.
        command += [] if "SLURM_JOB_ID" in os.environ else ["--exclusive"]
        command += [*python(), SLURM_WORKERS, scheduler.address, *worker_options(self.asked), *self.keys()]
        streams = {"stdin": subprocess.DEVNULL, "stdout": self.said, "stderr": self.said}
        # Not of this process' group: who kills that does not give it the time to end its workers.
        self.process = subprocess.Popen(
            [*python(), ENDS_WITH, str(os.getpid()), *command], start_new_session=True, **streams
        )
        return scheduler.address

    def own_address(self):
        """The address of this host on the way to Slurm's nodes."""
        command = ["sinfo", "--noheader", "--Node", "--format=%o"]
        try:
            nodes = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER, check=True).stdout.split()
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or "").strip()
            raise Failed(f"Slurm cannot be asked for its nodes: {said or error}") from None
        for node in nodes:
            try:
                family, kind, _, _, address = socket.getaddrinfo(node, 9, type=socket.SOCK_DGRAM)[0]
                with socket.socket(family, kind) as way:
                    way.connect(address)
                    return way.getsockname()[0]
            except OSError:
                continue
        raise Failed(f"none of Slurm's nodes has an address that this host can reach: {', '.join(nodes) or 'no nodes'}")

    def keys(self):
        """Options of workers for TLS: the certificate and its key, in files that the user alone can read."""
        of, options = self.security, []
        for option, pem in (("ca-file", of.tls_ca_file), ("cert", of.tls_worker_cert), ("key", of.tls_worker_key)):
            path = f"{self.asked['scratch']}/{option}.pem"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(pem)
            options += [f"--tls-{option}", path]
        return options

    def missing(self, names):
        """How many workers have not registered, as far as is known."""
        wanted, nodes = 0, set()
        for name in names:
            node, _, which = name.partition("/")
            if node not in nodes:
                nodes.add(node)
                wanted += int(which.partition("of")[2] or 1)
        return wanted + self.nodes - len(nodes) - len(names)

    async def queued(self):
        """Why Slurm has not begun the job yet; it may wait for hours."""
        if time.monotonic() < self.looked + SLURM_LOOK:
            return None
        self.looked = time.monotonic()
        command = ["squeue", "--noheader", f"--name={self.name}", "--states=PENDING", "--format=%A %r"]
        options = {"capture_output": True, "text": True, "timeout": ANSWER, "stdin": subprocess.DEVNULL}
        try:
            listed = (await asyncio.to_thread(subprocess.run, command, **options)).stdout
        except (OSError, subprocess.SubprocessError):
            return None
        job, _, reason = listed.strip().partition(" ")
        if reason in SLURM_NEVER:
            raise Failed(f"Slurm does not begin job {job} as it is asked for ({reason}): see `scontrol show partition`")
        return f"{job} ({reason})" if job else None

    def gone(self):
        """`srun`, with what it said last, where it has ended, and all workers with it."""
        if self.process.poll() is None:
            return []
        lines = os.pread(self.said.fileno(), 1 << 16, 0).decode(errors="replace").strip().splitlines()
        errors = [line for line in lines if line.startswith("srun: error: ")]
        return [f"srun ({(errors or lines or ['it said nothing'])[-1]})"]

    def all_gone(self):
        return bool(self.gone())

    def end(self):
        """Lets Slurm end the job, and sees that it does."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(SLURM_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
        subprocess.run(["scancel", f"--name={self.name}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER)


