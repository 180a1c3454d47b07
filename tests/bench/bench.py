#!/usr/bin/env python3
"""bench.py SCRATCH --program PATH/multims: how fast the verbs are on a simulated MeasurementSet,
beside `cp -r` and casacore's own copy of the values, in one run on one machine.

The input is warm: it is read once before. The cases take turns, RUNS times. Before each the disks
are synced, so that none pays for another's dirty pages; the time ends when the command does, and
multims runs with --no-sync, so all leave dirty pages behind alike. Everything is made below
SCRATCH and removed at the end. Standard output gets a line of CSV for each case:

commit, machine, case, workers, rows, MB of the input, best and median seconds, median / that of
`cp -r`, peak memory of the largest process (MiB), checksum

The checksum is the sum of the CRC-32s of the main tables' tile files, 8 hexadecimal digits. A
partition has other tiles than its input; the same axis has the same sum with any number of workers.
It is ok for verify and diff."""
import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

AXES = ("auto", "balanced", "scan", "spw", "baseline")
TRANSFORMS = {  # the interval of simulate's rows is 10 s
    "split selection": ("split", "--datacolumn=data", "--spw=0:8~55,2"),
    "split": ("split", "--datacolumn=data"),
    "channel x4": ("split", "--datacolumn=data", "--width=4"),
    "time x5": ("split", "--datacolumn=data", "--timebin=50s"),
    "channel x4, time x5": ("split", "--datacolumn=data", "--width=4", "--timebin=50s"),
    "hanningsmooth": ("hanningsmooth", "--datacolumn=data"),
}
SPWS, SCANS, CHANNELS, CORRELATIONS = 4, 8, 64, 4
ROW_BYTES = CHANNELS * CORRELATIONS * (8 + 4 + 1 / 8) + 2 * 4 * CORRELATIONS + 24
COLUMNS = ("commit", "machine", "case", "workers", "rows", "MB", "best_s", "median_s", "x_cp",
           "peak_MiB", "checksum")
VALUE_COPY = """
import sys, time
from casacore.tables import table
t = table(sys.argv[1], ack=False)
start = time.monotonic()
t.copy(sys.argv[2], deep=True, valuecopy=True).close()
print(time.monotonic() - start)
"""


class Failure(Exception):
    pass


def run(words):
    """Run a command; return its seconds, its peak memory in MiB and what it printed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(words, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), errors.seek(0)
        if process.returncode:
            text = errors.read().decode(errors="replace")
            raise Failure(f"{' '.join(words)}: exit {process.returncode}: {text[-500:]}")
        return seconds, usage.ru_maxrss // 1024, out.read().decode()


def checksum(path):
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            if "_TSM" not in name or not name.startswith("table.f"):
                continue
            crc = 0
            with open(os.path.join(folder, name), "rb") as f:
                while block := f.read(1 << 20):
                    crc = zlib.crc32(block, crc)
            total += crc
    return f"{total & 0xffffffff:08x}"


def warm(path):
    checksum(path)


def commit_of(folder):
    def git(*words):
        return subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True,
                              check=True).stdout.strip()
    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


class Case:
    """One line of the result. action(out) makes out and returns what run() does; a case with no
    output has a checksum ok."""

    def __init__(self, name, workers, action, output=True):
        self.name, self.workers, self.action, self.output = name, workers, action, output
        self.seconds, self.peak, self.checksum = [], 0, ""

    def turn(self, out):
        remove(out)
        os.sync()
        seconds, peak, _ = self.action(out)
        self.seconds.append(seconds)
        self.peak = max(self.peak, peak)
        found = checksum(out) if self.output else "ok"
        if self.checksum not in ("", found):
            raise Failure(f"{self.name}: checksum {found}, it was {self.checksum} before")
        self.checksum = found
        remove(out)


def remove(path):
    for p in (path, path + ".flagversions"):
        shutil.rmtree(p, ignore_errors=True)


def simulate_words(program, size_mb):
    antennas = 27 if size_mb >= 200 else 6
    per_integration = antennas * (antennas - 1) // 2 * SPWS * SCANS * ROW_BYTES
    integrations = max(1, round(size_mb * 1e6 / per_integration))
    return [program, "simulate", "--quiet", "--no-sync", "--json", "--wtspectrum",
            f"--antennas={antennas}", f"--spws={SPWS}", f"--scans={SCANS}",
            f"--channels={CHANNELS}", f"--correlations={CORRELATIONS}",
            f"--integrations={integrations}"]


def value_copy(python, vis, out):
    _, peak, text = run([python, "-c", VALUE_COPY, vis, out])
    return float(text), peak, ""


def cases_of(options, vis, made, verbs):
    """made: what `multims partition` made of vis, for verify and diff."""
    program = options.program

    def partition(axis, workers):
        return lambda out: run([program, "partition", vis, out, f"--separationaxis={axis}",
                                "--no-flagbackup", f"-j{workers}", "--quiet", "--no-sync"])
    cases = [Case("cp -r", 1, lambda out: run(["cp", "-r", vis, out])),
             Case("simulate", 1, lambda out: run([*options.simulate, out]))]
    if options.casacore_python:
        cases.append(Case("casacore value copy", 1,
                          lambda out: value_copy(options.casacore_python, vis, out)))
    for axis in AXES:
        for workers in options.workers:
            cases.append(Case(f"partition {axis}", workers, partition(axis, workers)))
    for name, (verb, *words) in TRANSFORMS.items():
        cases.append(Case(name, 1, lambda out, w=[program, verb, vis], more=words:
                          run([*w, out, *more, "-j1", "--quiet", "--no-sync"])))
    for verb, words in (("verify", [made, "--against", vis]),
                        ("diff", [vis, made, "--ignore-order"])):
        if verb in verbs:
            cases.append(Case(verb, 1, lambda _, w=[program, verb, *words, "--quiet", "-j1"]:
                              run(w), output=False))
    wanted = options.only
    return [c for c in cases if not wanted or c.name == "cp -r" or any(w in c.name for w in wanted)]


def check_workers(cases):
    """The output of a request doesn't depend on the number of workers."""
    sums = {}
    for c in cases:
        if sums.setdefault(c.name, c.checksum) != c.checksum:
            raise Failure(f"{c.name}: checksums differ with the number of workers")


def print_results(cases, options, rows, megabytes):
    floor = statistics.median(cases[0].seconds)
    commit = options.commit or commit_of(os.path.dirname(os.path.abspath(__file__)))
    machine = f"{platform.node()}/{os.cpu_count()} cpus"
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(COLUMNS)
    for c in cases:
        median = statistics.median(c.seconds)
        lines.writerow((commit, machine, c.name, c.workers, rows, round(megabytes),
                        f"{min(c.seconds):.3f}", f"{median:.3f}", f"{median / floor:.2f}", c.peak,
                        c.checksum))


def compare_with_casa(options, vis, folder):
    """The same requests beside CASA: the oracle's own bench."""
    words = [sys.executable, os.path.join(options.oracle, "bench.py"), vis, folder, "--program",
             options.program, "--runs", str(options.runs), "--workers",
             *map(str, options.workers)]
    for word in ("partition", "split", "time", "hanning"):
        words += ["--only", word]
    if options.casa:
        words += ["--casa", options.casa]
    sys.stdout.flush()
    subprocess.run(words, check=True)


def bench(options, folder):
    vis, made = os.path.join(folder, "in.ms"), os.path.join(folder, "made.mms")
    options.simulate = simulate_words(options.program, options.size)
    made_of = json.loads(run([*options.simulate, vis])[2])
    verbs = {t["name"] for t in json.loads(run([options.program, "tasks", "--json"])[2])["tasks"]}
    run([options.program, "partition", vis, made, "--quiet", "--no-sync"])
    warm(vis), warm(made)
    cases = cases_of(options, vis, made, verbs)
    for turn in range(options.runs):
        for c in cases:
            c.turn(os.path.join(folder, "out.ms"))
            print(f"# {turn + 1}/{options.runs} {c.name}, {c.workers}: {c.seconds[-1]:.3f} s",
                  file=sys.stderr, flush=True)
    check_workers(cases)
    print_results(cases, options, made_of["rows"], made_of["bytes"] / 1e6)
    if options.oracle:
        compare_with_casa(options, vis, folder)


def parse_options():
    a = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("scratch", help="folder on the disk to measure, with room for four such sets")
    a.add_argument("--program", required=True, help="multims")
    a.add_argument("--size", type=float, default=2000, help="MB of the set (%(default)s)")
    a.add_argument("--runs", type=int, default=5, help="turns of each case (%(default)s)")
    a.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    a.add_argument("--only", action="append", default=[], help="cases that have this word")
    a.add_argument("--commit", help="name of the version; default: that of the sources")
    a.add_argument("--casacore-python", default="/usr/bin/python3",
                   help="a Python with casacore for the value copy; empty: leave it out")
    a.add_argument("--oracle", help="folder with the bench.py that puts CASA beside it")
    a.add_argument("--casa", help="CASA for that, as its bench.py takes it")
    return a.parse_args()


def main():
    options = parse_options()
    options.program = os.path.abspath(options.program)
    os.makedirs(options.scratch, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="multims-bench-", dir=os.path.abspath(options.scratch))
    try:
        bench(options, folder)
    except (Failure, subprocess.CalledProcessError) as e:
        sys.exit(f"bench: {e}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
