#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py SCRATCH --program PATH/multims: judges the figures of `multims bench`.

It lets the verb measure, then times some of the same requests with its own clock on the same input,
together with what the verb doesn't know: casacore's copy of the values (python-casacore, without
its start) and, with --oracle, CASA. It fails when its median of a request and the verb's differ by
more than --factor. Standard output gets the verb's CSV, then lines of

request, median seconds of the verb, median seconds here, here / cp -r here

and then what the oracle's bench prints. Everything is made below SCRATCH and removed at the end."""
import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REQUESTS = {  # verb and words by the verb's own names, all with one worker
    "partition scan": ("partition", "separationaxis=scan", "flagbackup=False"),
    "split": ("split",),
    "hanningsmooth": ("hanningsmooth",),
}
VALUE_COPY = """
import sys, time
from casacore.tables import table
t = table(sys.argv[1], ack=False)
start = time.monotonic()
t.copy(sys.argv[2], deep=True, valuecopy=True).close()
print(time.monotonic() - start)
"""


def run(words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}")
    return done


def ask_the_verb(options, folder):
    """Return the input, and the verb's medians by request; its CSV is printed."""
    path = os.path.join(folder, "bench.csv")
    words = [options.program, "bench", folder, "--csv", path, "--runs", str(options.runs),
             "--numworkers", ",".join(map(str, options.workers)), "--label", label()]
    if options.vis:
        words += ["--vis", options.vis]
    else:
        words += ["--sizes", str(options.size), "--keep"]
    run(words, stdout=subprocess.DEVNULL)
    with open(path) as f:
        sys.stdout.write(f.read())
    with open(path, newline="") as f:
        lines = list(csv.DictReader(f))
    # the last path of a request is the default one
    medians = {line["request"]: float(line["median_s"]) for line in lines
               if line["workers"] == "1"}
    return options.vis or os.path.join(folder, lines[0]["set"] + ".ms"), medians


def label():
    done = subprocess.run(["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe",
                           "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def timed(words):
    start = time.monotonic()
    run(words, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def value_copy(python, vis, out):
    return float(run([python, "-c", VALUE_COPY, vis, out], stdout=subprocess.PIPE).stdout)


def actions_of(options, vis, out):
    """What to time, by name: functions that return seconds."""
    def request(verb, *words):
        return lambda: timed([options.program, verb, vis, out, "--datacolumn=data", *words, "-j1",
                              "--quiet", "--no-sync"])
    actions = {"cp -r": lambda: timed(["cp", "-r", vis, out])}
    if options.casacore_python:
        actions["casacore value copy"] = lambda: value_copy(options.casacore_python, vis, out)
    actions.update((name, request(*words)) for name, words in REQUESTS.items())
    return actions


def time_in_turn(actions, runs, out):
    seconds = {name: [] for name in actions}
    for _ in range(runs):
        for name, action in actions.items():
            shutil.rmtree(out, ignore_errors=True)
            os.sync()
            seconds[name].append(action())
    shutil.rmtree(out, ignore_errors=True)
    return {name: statistics.median(s) for name, s in seconds.items()}


def compare(verb, here, factor):
    """Print both; return the requests on which they disagree."""
    print("request,verb_s,here_s,x_cp")
    wrong = []
    for name, seconds in here.items():
        said = verb.get(name)
        print(f"{name},{'' if said is None else f'{said:.3f}'},{seconds:.3f},"
              f"{seconds / here['cp -r']:.2f}")
        if said is not None and not 1 / factor <= said / seconds <= factor:
            wrong.append(name)
    sys.stdout.flush()
    return wrong


def compare_with_casa(options, vis, folder):
    """The same requests beside CASA: the oracle's own bench."""
    words = [sys.executable, os.path.join(options.oracle, "bench.py"), vis, folder, "--program",
             options.program, "--runs", str(options.runs), "--workers",
             *map(str, options.workers)]
    for word in ("partition", "split", "time", "hanning"):
        words += ["--only", word]
    if options.casa:
        words += ["--casa", options.casa]
    run(words)


def parse_options():
    a = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("scratch", help="folder on the disk to measure")
    a.add_argument("--program", required=True, help="multims")
    a.add_argument("--vis", help="MeasurementSet to measure with; default: one is made")
    a.add_argument("--size", type=int, default=2400, help="MB of that (%(default)s)")
    a.add_argument("--runs", type=int, default=5, help="turns of each request (%(default)s)")
    a.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    a.add_argument("--factor", type=float, default=1.5, help="allowed difference (%(default)s)")
    a.add_argument("--casacore-python", default="/usr/bin/python3",
                   help="a Python with casacore for the value copy; empty: leave it out")
    a.add_argument("--oracle", help="folder with the bench.py that puts CASA beside it")
    a.add_argument("--casa", help="CASA for that, as its bench.py takes it")
    return a.parse_args()


def main():
    options = parse_options()
    options.program = os.path.abspath(options.program)
    os.makedirs(options.scratch, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="multims-bench-", dir=options.scratch) as folder:
        folder = os.path.abspath(folder)
        vis, verb = ask_the_verb(options, folder)
        out = os.path.join(folder, "out.ms")
        here = time_in_turn(actions_of(options, vis, out), options.runs, out)
        wrong = compare(verb, here, options.factor)
        if options.oracle:
            compare_with_casa(options, vis, folder)
    if wrong:
        sys.exit(f"the verb and this script disagree on: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
