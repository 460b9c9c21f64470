"""Hands the tasks of a plan to a scheduler of Dask, and tells what becomes of them.

`hostproof features run --cluster` starts this text, behind that of workers.py, with `python -c` and its own process id. It
writes one line of JSON to stdin, the request, and reads events from stdout, one line of JSON each. The transformations are
not here: they are in the program `hostproof-tabular tasks`, which a worker of Dask starts once for a run and hands one task
after the other.

Nothing here may outlive the process that started it, and nothing may wait without a limit: the kernel kills this process
with its parent, workers of `local` with this process, and what does tasks with its worker; `srun` hears of this process' end
and ends its workers, which also end without their scheduler; a worker that lives on ends what did tasks when its scheduler has
taken the last one of the run from it; whoever waits for another host has a limit; and as long as the event loop turns, an
event `alive` says so every second, without which the parent ends this process and its group.
"""

import asyncio
import ctypes
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec


def events_to(descriptor):
    """A function that writes events; a parent that does not read them any more ends this process."""

    def tell(event, **more):
        try:
            os.write(descriptor, json.dumps({"event": event, **more}).encode() + b"\n")
        except OSError:
            os._exit(1)

    return tell


def die_with(parent):
    """Lets the kernel end this process with its parent (PR_SET_PDEATHSIG), and sees that it is not gone already."""
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def request():
    """The request; when stdin ends later, so does this process."""
    line = sys.stdin.readline()

    def until_the_end():
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=until_the_end, daemon=True).start()
    return json.loads(line)


def host_facts():
    """Called on a worker: what its host is, as far as the kernel tells."""
    try:
        with open("/proc/cpuinfo") as file:
            models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        nodes = [name for name in os.listdir("/sys/devices/system/node") if name.startswith("node") and name[4:].isdigit()]
    except OSError:
        models, nodes = [], []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = models[0] if models else "unknown"
    return {"kernel": os.uname().release, "cpu_model": model, "memory_bytes": memory, "numa_nodes": max(1, len(nodes))}


def facts(program, plan):
    """Called on a worker: what it is, which build its program is, and what it sees of the plan."""
    told = {"host": socket.gethostname(), "cpus": sorted(os.sched_getaffinity(0)), "facts": host_facts()}
    try:
        told["trouble"] = f"cannot run {program}"
        build = subprocess.check_output([program, "--version"], stdin=subprocess.DEVNULL, text=True, timeout=30)
        told["build"] = " ".join(build.split())
        told["trouble"] = "does not see the work folder"
        with open(plan, "rb") as file:
            told["plan"] = hashlib.sha256(file.read()).hexdigest()
        del told["trouble"]
    except (OSError, subprocess.SubprocessError) as error:
        told["trouble"] += f": {error}"
    return told


class TaskProcess:
    """On a worker: the program that does tasks of one run, one after the other, for as long as the worker has a task of it."""

    def __init__(self, job, worker):
        self.job, self.worker, self.child, self.trouble = job, worker, None, None
        # A file in memory: nobody has to read it while the process runs, and no disk can be full.
        self.errors = open(os.memfd_create("errors"), "w+b")
        begun = threading.Event()
        self.keeper = threading.Thread(target=self.keep, args=(begun,), daemon=True)
        self.keeper.start()
        begun.wait()

    @staticmethod
    def waiting(worker):
        """The processes of a worker that wait for a task."""
        return worker.__dict__.setdefault("hostproof_processes", [])

    @classmethod
    def of(cls, job, worker):
        """One that waits for a task of the run, else a new one."""
        waiting = cls.waiting(worker)
        for process in [one for one in waiting if one.job == job]:
            try:
                waiting.remove(process)
                return process
            except ValueError:
                # Another thread was faster, or it has ended.
                pass
        return cls(job, worker)

    def keep(self, begun):
        """Starts the process and sees its end, by a thread that does nothing else: the kernel ends a process with the thread
        that started it, and those of Dask come and go."""
        job, cpus = self.job, len(os.sched_getaffinity(0))
        command = [job["program"], *job["command"], "--work", job["work"]]
        command += ["--threads", str(max(1, cpus // self.worker.state.nthreads)), "--parent", str(os.getpid())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.errors, "bufsize": 0}
        try:
            self.child = subprocess.Popen(command, **pipes)
        except OSError as error:
            self.trouble = f"cannot run {job['program']}: {error}"
            return
        finally:
            begun.set()
        ended, poll = os.pidfd_open(self.child.pid), select.poll()
        poll.register(ended, select.POLLIN)
        while not poll.poll(500):
            if not self.may_live():
                self.child.kill()
        self.child.wait()
        os.close(ended)
        try:
            self.waiting(self.worker).remove(self)
        except ValueError:
            pass

    def may_live(self):
        """Whether the run goes on: until its client is gone, the worker that did a task of it has one, ended or not."""
        from distributed import Status

        is_open = self.worker.status in (Status.running, Status.paused)
        return is_open and any(str(key).endswith(self.job["token"]) for key in list(self.worker.state.tasks))

    def ask(self, task, is_wanted):
        """What it says of a task, a line; none where it has ended."""
        said, poll = b"", select.poll()
        poll.register(self.child.stdout, select.POLLIN)
        try:
            self.child.stdin.write(f"{task}\n".encode())
            while not said.endswith(b"\n"):
                if poll.poll(500):
                    more = os.read(self.child.stdout.fileno(), 1 << 16)
                    if not more:
                        return None
                    said += more
                elif not is_wanted():
                    # The client is gone, or another worker does it by now.
                    raise RuntimeError("nobody wants this task any more")
        except BrokenPipeError:
            return None
        except BaseException:
            self.child.kill()
            raise
        return said.decode(errors="replace").strip()

    def end(self):
        """How it ended that says nothing any more: its code, and what it said last."""
        self.keeper.join(DYING)
        self.child.kill()
        self.keeper.join()
        errors = os.pread(self.errors.fileno(), 1 << 20, 0).decode(errors="replace").strip()
        return self.child.returncode, errors


def carry_out(job, task):
    """Called on a worker: has a process do a task, and tells how it began and ended by an event of Dask's."""
    from distributed import Status, get_worker

    worker = get_worker()

    def tell(what, **more):
        worker.log_event(job["topic"], {"what": what, "task": task, "worker": worker.address, **more})

    def end(what, reason):
        tell(what, reason=reason[:2000])
        raise RuntimeError(reason)

    def is_wanted():
        state = worker.state.tasks.get(worker.get_current_task())
        return state and state.state == "executing" and worker.status in (Status.running, Status.paused)

    tell("started")
    process = TaskProcess.of(job, worker)
    if process.trouble:
        end("refused", process.trouble)
    said = process.ask(task, is_wanted)
    if said is None:
        code, errors = process.end()
        if code < 0:
            end("killed", f"was killed by signal {-code}")
        end("refused", errors.partition("error: ")[2] or errors or f"it ended with {code} and without a word")
    try:
        told = json.loads(said)
        refused, figures = told.get("error"), told.get("task")
    except (AttributeError, ValueError):
        refused, figures = None, None
    if not refused and not figures:
        refused = f"its answer has no figures: {said[-200:]!r}"
    if refused:
        process.child.kill()
        end("refused", refused)
    if process.keeper.is_alive():
        TaskProcess.waiting(worker).append(process)
    tell("ended", figures=figures)


class Run:
    """One plan on one scheduler."""

    def __init__(self, asked, tell):
        self.asked, self.tell = asked, tell
        cluster = asked["cluster"]
        self.own = None
        if isinstance(cluster, dict):
            self.own = SlurmWorkers(asked) if "slurm_nodes" in cluster else OwnWorkers(asked)
        self.address, self.client, self.began = asked["cluster"], None, None
        # Of the workers that were admitted: address and name; and of all that ever were.
        self.workers, self.names = {}, {}
        # The addresses of those that may work, by their names in order; none where all may that the scheduler has.
        self.chosen = None
        # Of a worker that did a task, the last one: as long as the scheduler wants one of it, its process waits for the next.
        self.held = {}

    async def all(self):
        await self.connect()
        await self.admit_first()
        self.began = time.monotonic()
        self.tell("ready")
        await self.first(self.watch(), self.work())
        # One that was lost since the watch last looked.
        self.tell_lost(await self.listed())
        self.tell("done")

    async def first(self, *works):
        """Waits until the first of some has ended, and fails as it does."""
        done, _ = await asyncio.wait([asyncio.create_task(work) for work in works], return_when="FIRST_COMPLETED")
        for one in done:
            one.result()

    async def connect(self):
        from distributed import Client

        if self.own:
            self.address = await self.own.start()
        try:
            security = self.own and self.own.security
            client = Client(self.address, asynchronous=True, set_as_default=False, timeout=CONNECT, security=security)
            self.client = await asyncio.wait_for(client, CONNECT + 5)
        except Exception as error:
            raise Failed(f"no scheduler of Dask answers at {self.address}: {error}") from None
        versions = await self.answer(self.client.get_versions(), "tell its versions")
        check_versions(versions["client"], {"the scheduler": versions["scheduler"]})
        # Without Bokeh, as in the environment of this program, Dask has no page to look at.
        dashboard = self.client.dashboard_link if find_spec("bokeh") or not self.own else None
        own = versions["client"]["packages"]
        self.tell("scheduler", address=self.address, dashboard=dashboard, dask=own["distributed"], python=own["python"])

    def now(self):
        """Seconds since the tasks were handed over."""
        return time.monotonic() - self.began

    async def answer(self, waiting, what):
        """What the scheduler answers, within a limit."""
        try:
            return await asyncio.wait_for(waiting, ANSWER)
        except asyncio.TimeoutError:
            raise Failed(f"the scheduler at {self.address} did not {what} within {ANSWER} s") from None
        except Exception as error:
            if self.client.status != "running":
                raise Failed(f"the scheduler at {self.address} is gone") from None
            raise Failed(f"the scheduler at {self.address} could not {what}: {error}") from None

    async def listed(self):
        """The workers that the scheduler has, by address."""
        return (await self.answer(self.client.scheduler.identity(n_workers=-1), "list its workers"))["workers"]

    def missing(self, listed):
        """How many workers have not registered that are waited for."""
        if self.own:
            return self.own.missing({str(worker["name"]) for worker in listed.values()})
        return max(0, (self.asked["workers"] or 1) - len(listed))

    async def admit_first(self):
        """Waits for workers: for all that are started here, or for one of another's."""
        end = time.monotonic() + REGISTER
        while missing := self.missing(listed := await self.listed()):
            if self.own and (gone := self.own.gone()):
                raise Failed(f"{gone[0]} ended before it had registered")
            if self.own and (why := await self.own.queued()):
                self.tell("queued", why=why)
                end = time.monotonic() + REGISTER
            if time.monotonic() > end:
                wanted = len(listed) + missing
                raise Failed(f"{len(listed)} of {wanted} workers registered at {self.address} within {REGISTER} s")
            await asyncio.sleep(0.05)
        if self.asked["workers"]:
            # A name may be a number.
            self.chosen = sorted(listed, key=lambda address: str(listed[address]["name"]))[: self.asked["workers"]]
            if len(self.chosen) < self.asked["workers"]:
                raise Failed(f"{self.asked['workers']} workers are to work, and there are {len(listed)}")
        await self.admit(listed)

    async def admit(self, listed):
        """Looks at workers that are new: versions, build and folder must be ours."""
        may_work = listed.keys() if self.chosen is None else self.chosen
        new = {address: worker for address, worker in listed.items() if address in may_work and address not in self.workers}
        if not new:
            return
        versions = await self.answer(self.client.get_versions(), "tell the versions of its workers")
        told = versions["workers"].items()
        check_versions(versions["client"], {f"worker {new[address]['name']}": of for address, of in told if address in new})
        plan = f"{self.asked['work']}/plan.json"
        asking = self.client.run(facts, self.asked["program"], plan, workers=list(new), on_error="return")
        told = await self.answer(asking, "ask its workers for their build")
        with open(plan, "rb") as file:
            ours = hashlib.sha256(file.read()).hexdigest()
        # One that is gone by now needs no answer.
        for address in new.keys() & (await self.listed()).keys():
            self.admit_one(address, new[address], told.get(address), ours)

    def admit_one(self, address, worker, told, ours):
        name = str(worker["name"])
        if not isinstance(told, dict):
            raise Failed(f"worker {name} cannot be asked: {told!r}", worker=name)
        at = f"worker {name} on {told['host']}"
        if "trouble" in told:
            raise Failed(f"{at} {told['trouble']}", worker=name)
        if told["build"] != self.asked["build"]:
            other = f"another build of {self.asked['program']}: {told['build']}; this one is {self.asked['build']}"
            raise Failed(f"{at} has {other}", worker=name)
        if told["plan"] != ours:
            raise Failed(f"{at} sees another folder than this host at {self.asked['work']}: all must share it", worker=name)
        self.workers[address] = self.names[address] = name
        more = {of: told[of] for of in ("host", "build", "cpus", "facts")}
        self.tell("worker", name=name, slots=worker["nthreads"], **more)

    async def watch(self):
        """Ends, with a reason, when scheduler or workers do."""
        while True:
            await asyncio.sleep(LOOK)
            if self.client.status != "running":
                raise Failed(f"the scheduler at {self.address} is gone")
            listed = await self.listed()
            for name in self.tell_lost(listed):
                if any("on" in task for task in self.asked["tasks"]):
                    raise Failed(f"worker {name} is lost, and nobody else can do its part")
            if self.own and self.own.all_gone():
                raise Failed(f"all workers are lost: {', '.join(self.own.gone())}")
            if self.chosen and not self.workers:
                raise Failed(f"all workers that may work are lost: {', '.join(self.names.values())}")
            await self.admit(listed)

    def tell_lost(self, listed):
        """Tells of workers that the scheduler no longer has; their names."""
        gone = [address for address in self.workers if address not in listed]
        names = [self.workers.pop(address) for address in gone]
        for name in names:
            self.tell("lost", worker=name, at=self.now())
        return names

    async def work(self):
        """Hands tasks over, each when those before it have ended, and waits until all have ended and were heard of."""
        token, heard = os.urandom(16).hex(), asyncio.Queue()
        job = {of: self.asked[of] for of in ("program", "command", "work")}
        job |= {"token": token, "topic": f"hostproof-{token}"}
        self.client.subscribe_topic(job["topic"], lambda event: heard.put_nowait((self.now(), event[1])))
        self.ended = {task["id"]: asyncio.Event() for task in self.asked["tasks"]}
        self.done_by = {}

        async def listen():
            while True:
                await self.hear(*await heard.get())

        async def everything():
            await asyncio.gather(*(self.one(job, token, **task) for task in self.asked["tasks"]))

        await self.first(listen(), everything())

    async def one(self, job, token, id, after, on=None):
        """One task, by any worker that may work or by one of them. Its output is a file, not its result: so nothing is done
        again when the worker is lost that did it."""
        task = id
        for other in after:
            await self.ended[other].wait()
        options = {"key": f"{task}-{token}", "retries": self.asked["retries"], "pure": False}
        if self.chosen is not None:
            options["workers"] = self.chosen if on is None else [self.chosen[on]]
        future = self.client.submit(carry_out, job, task, **options)
        while not await self.has_ended(future, task):
            pass
        self.held[self.done_by[task]] = future

    async def has_ended(self, future, task):
        """Whether the end of a task was heard of. Not if its worker was lost just after that: then Dask has it done again."""
        error = await future.exception()
        if self.client.status != "running":
            raise Failed(f"the scheduler at {self.address} is gone")
        if isinstance(error, RuntimeError):
            raise Failed(f"{error}; it was tried {self.asked['retries'] + 1} times", task=task)
        if future.status not in ("finished", "lost"):
            raise Failed(f"{error or future.status}", task=task)
        try:
            # The event came by the same way as the result.
            await asyncio.wait_for(self.ended[task].wait(), LAST_EVENTS)
        except asyncio.TimeoutError:
            if future.status == "finished":
                raise Failed("it has ended, but its event never came", task=task) from None
        return self.ended[task].is_set()

    async def hear(self, at, event):
        """Takes note of what a worker told."""
        what, task, address = event.pop("what"), event["task"], event["worker"]
        if address not in self.names:
            await self.admit(await self.listed())
        worker = self.names.get(address, address)
        if what == "refused":
            raise Failed(event["reason"], task=task, worker=worker)
        self.tell(what, **{**event, "worker": worker, "at": at})
        if what == "ended":
            self.done_by[task] = address
            self.ended[task].set()


def check_versions(client, others):
    """Refuses another Python, Dask or distributed than ours: functions travel as Python's own code."""
    for name, other in others.items():
        # Of Python's own version two numbers count, of the others all.
        for package, numbers in (("python", 2), ("dask", None), ("distributed", None)):
            found = client["packages"][package], (other or {}).get("packages", {}).get(package, "unknown")
            ours, theirs = (".".join(version.split(".")[:numbers]) for version in found)
            if ours != theirs:
                both = f"{name} has {package} {theirs} and this host's Python {package} {ours}"
                raise Failed(f"{both}: they must be the same; --python names a Python that has the same versions")


async def main(asked, tell):
    async def beats():
        while True:
            tell("alive")
            await asyncio.sleep(1)

    beat, run, code = asyncio.create_task(beats()), Run(asked, tell), 2
    try:
        await run.all()
        code = 0
    except Failed as failed:
        tell("failed", reason=" ".join(str(failed).split()), **failed.where)
    except ImportError as error:
        tell("failed", reason=f"{sys.executable} lacks what the driver needs, dask.distributed: {error}")
    except Exception as error:
        tell("failed", reason=f"the driver has a fault, please report it: {error!r}")
    finally:
        beat.cancel()
        if run.own:
            run.own.end()
        # To close clients and schedulers of Dask may take others' time, and is not needed: the kernel closes their sockets.
        os._exit(code)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    # What libraries print goes to stderr.
    own_stdout = os.dup(1)
    os.dup2(2, 1)
    asked = request()
    tell = events_to(own_stdout)
    tell("alive")
    asyncio.run(main(asked, tell))
