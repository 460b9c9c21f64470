"""What the peers of the feature workload share: arguments, the files, the clock of a phase, and other processes."""

import argparse
import ctypes
import glob
import json
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager

parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source", required=True, help="folder with events, users and items as Parquet")
parser.add_argument("--out", required=True, help="folder for the features")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--parent", type=int, help="process to end with")
args = parser.parse_args()


def end_with(parent):
    """Lets the kernel end this process when its parent, the process of this id, ends."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("error: the process that started this one is gone")


if args.parent is not None:
    end_with(args.parent)

os.makedirs(args.out, exist_ok=True)


def part(number):
    """The path of a file of the result."""
    return os.path.join(args.out, f"features-{number:05}.parquet")


target = part(0)  # for engines that save one file


def files(name):
    """The Parquet files of a table: NAME/*.parquet, or where there is no such folder NAME*.parquet."""
    inside = os.path.join(args.source, name)
    found = glob.glob(glob.escape(inside) + ("/*.parquet" if os.path.isdir(inside) else "*.parquet"))
    if not found:
        raise SystemExit(f"error: {args.source} holds no Parquet files of {name}. Generate them there and start again.")
    return sorted(found)


def each(template, values):
    """Columns of SQL: the template with each value as k."""
    return ", ".join(template.format(k=value) for value in values)


@contextmanager
def phase(name):
    """Times a phase and prints it as a line of JSON."""
    start = time.perf_counter()
    yield
    print(json.dumps({"phase": name, "seconds": time.perf_counter() - start}), flush=True)


def saved():
    """The files of the result that are there."""
    return sorted(glob.glob(glob.escape(args.out) + "/features-*.parquet"))


def sync():
    """Waits until the features are on the drive."""
    with phase("save.sync"):
        for path in (*saved(), args.out):
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


@contextmanager
def work_folder():
    """A folder for what must be put down for a while, on the drive of the result; one that a kill left is removed."""
    folder = os.path.abspath(os.path.join(args.out, ".features-work"))
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def take(folder):
    """Makes the Parquet files in a folder the result, in place of an older one."""
    for path in saved():
        os.remove(path)
    for number, path in enumerate(sorted(glob.glob(glob.escape(folder) + "/*.parquet"))):
        os.rename(path, part(number))


def cpu_seconds(process):
    """The CPU time of a process so far."""
    with open(f"/proc/{process}/stat") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def all_work(workers):
    """Sees that each worker process is there, and is not idle while others work: the time would be that of fewer workers."""
    if len(workers) != args.threads:
        raise SystemExit(f"error: {len(workers)} of {args.threads} workers have started. Start again.")
    before = [cpu_seconds(worker) for worker in workers]
    yield
    seconds = [cpu_seconds(worker) - earlier for worker, earlier in zip(workers, before)]
    told = ", ".join(f"{one:.1f}" for one in seconds)
    # Where the busiest worked for less than this there may have been less to do than workers.
    little = 10
    if max(seconds) > little and min(seconds) < max(seconds) / 10:
        raise SystemExit(f"error: not all workers worked: CPU seconds {told}. Start again.")
    print(f"CPU seconds of the workers: {told}", file=sys.stderr)
