#!/usr/bin/env bash
# fio 3.33 reads three ways of writing a number, all of them common, as something else, and says nothing:
#
#   size = 8m       (blanks around the equals sign)   8 bytes, not 8 MiB
#   runtime=2sec    (a suffix longer than `s`)        2 microseconds, not 2 seconds: no I/O, exit code 0
#   io_size=1.5m    (a fraction of a unit)            1 byte, rounded up to one block, not 1.5 MiB
#
# Output seen on Debian 12 (fio 3.33-3), job by job:
#   blanks 8, plain 8388608; sec 0, s more than 0 over 2000 ms; fraction 4096, whole 1048576
#
# Installs fio with its libraries from Debian's packages in a temporary folder; no root, no device, no file is touched
# (ioengine=null). Fails if the behaviour changes.
set -euo pipefail
version=3.33-3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances fio | grep -E '^[a-z0-9]' | grep -vxE 'fio|libc6|libgcc-s1|gcc-12-base|python3.*|libpython3.*|debconf.*|perl.*|dpkg.*')
# What this system has already, and what only names others, cannot be fetched and is not needed.
for package in $depends; do
    apt-get download -qq "$package" >/dev/null 2>&1 || true
done
apt-get download -qq "fio=$version"
for package in *.deb; do
    dpkg -x "$package" unpacked
done
fio() {
    LD_LIBRARY_PATH="$folder/unpacked/usr/lib/x86_64-linux-gnu:$folder/unpacked/lib/x86_64-linux-gnu" unpacked/usr/bin/fio "$@"
}
[ "$(fio --version)" = fio-3.33 ] || { echo "not fio 3.33: $(fio --version)" >&2; exit 1; }

cat >numbers.fio <<'JOB'
[global]
ioengine=null
rw=read
stonewall
[blanks]
bs=1
size = 8m
[plain]
bs=4k
size=8m
[sec]
bs=4k
size=1g
time_based
runtime=2sec
[s]
bs=4k
size=1g
time_based
runtime=2s
[fraction]
bs=4k
size=4m
io_size=1.5m
[whole]
bs=4k
size=4m
io_size=1m
JOB
fio --output-format=json numbers.fio >result.json
python3 - <<'CHECK'
import json
jobs = {job["jobname"]: job["read"] for job in json.load(open("result.json"))["jobs"]}
for name, read in jobs.items():
    print(f"{name}: {read['io_bytes']} bytes in {read['runtime']} ms")
expected = {"blanks": 8, "plain": 8388608, "sec": 0, "fraction": 4096, "whole": 1048576}
for name, size in expected.items():
    assert jobs[name]["io_bytes"] == size, f"{name} is no longer {size} bytes"
assert jobs["s"]["runtime"] >= 2000 and jobs["s"]["io_bytes"] > 0, "2s is no longer two seconds"
CHECK
