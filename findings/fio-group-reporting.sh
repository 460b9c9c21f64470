#!/usr/bin/env bash
# fio 3.33 with group_reporting and several sections: the one entry of the JSON has the name of the first section, the options of
# the last, and the sums of all. Nothing in it says that there were others:
#
#   [reads] rw=randread bs=4k   [writes] rw=randwrite bs=64k numjobs=3   ->   one entry
#   jobname         reads                          (first)
#   job options     rw=randwrite, bs=64k, numjobs=3  (last), beside reads that they do not explain
#   job_runtime     the sum over the four jobs, about 4000 ms, beside read.runtime of about 1000 ms
#
# Whoever holds the rate against the depth that stands beside it finds more requests in flight than were asked for, or less.
# What tells the case: requests of a direction that the options do not have, and a job_runtime that is longer than
# numjobs x (runtime of reads + of writes + of trims).
#
# Output seen on Debian 12 (fio 3.33-3): name reads, rw randwrite, bs 64k, numjobs 3; reads and writes both more than 0;
# job_runtime 4.0 times read.runtime; with new_group in the second section two entries, each with its own name and options.
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

# sections FILE [LINE]: two sections in one group, or, with a line for the second, in two.
sections() {
    cat >"$1" <<JOB
[global]
ioengine=null
size=1g
runtime=1
time_based
group_reporting
thread
[reads]
rw=randread
bs=4k
[writes]
${2:-}
rw=randwrite
bs=64k
numjobs=3
JOB
}
sections one.fio
sections two.fio new_group
fio --output-format=json one.fio >one.json
fio --output-format=json two.fio >two.json
python3 - <<'CHECK'
import json
[one] = json.load(open("one.json"))["jobs"]
options = one["job options"]
longer = one["job_runtime"] / one["read"]["runtime"]
print(f"one group: {one['jobname']}, {options}, job_runtime {longer:.1f} times read.runtime")
assert one["jobname"] == "reads", "the name is no longer the first section's"
assert (options["rw"], options["bs"], options["numjobs"]) == ("randwrite", "64k", "3"), "the options are no longer the last section's"
assert one["read"]["total_ios"] > 0 and one["write"]["total_ios"] > 0
assert 3.5 < longer < 4.5, "job_runtime is no longer the sum over all jobs"
jobs = json.load(open("two.json"))["jobs"]
print("two groups:", [(job["jobname"], job["job options"]["rw"]) for job in jobs])
assert [(job["jobname"], job["job options"]["rw"]) for job in jobs] == [("reads", "randread"), ("writes", "randwrite")]
CHECK
