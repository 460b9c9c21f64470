"""What the three peers of the feature workload share: arguments, the files, the clock of a phase."""

import argparse
import ctypes
import glob
import json
import os
import signal
import time
from contextlib import contextmanager

parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source", required=True, help="folder with events, users and items as Parquet")
parser.add_argument("--out", required=True, help="folder for the features")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--parent", type=int, help="process to end with")
args = parser.parse_args()

if args.parent is not None:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != args.parent:
        raise SystemExit("error: the process that started this script is gone")

os.makedirs(args.out, exist_ok=True)
target = os.path.join(args.out, "features-00000.parquet")


def files(name):
    """The Parquet files of a table: NAME/*.parquet, or where there is no such folder NAME*.parquet."""
    inside = os.path.join(args.source, name)
    found = glob.glob(glob.escape(inside) + ("/*.parquet" if os.path.isdir(inside) else "*.parquet"))
    if not found:
        raise SystemExit(f"error: {args.source} holds no Parquet files of {name}. Generate them there and start again.")
    return sorted(found)


@contextmanager
def phase(name):
    """Times a phase and prints it as a line of JSON."""
    start = time.perf_counter()
    yield
    print(json.dumps({"phase": name, "seconds": time.perf_counter() - start}), flush=True)


def sync():
    """Waits until the features are on the drive."""
    with phase("save.sync"):
        for path in (target, args.out):
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
