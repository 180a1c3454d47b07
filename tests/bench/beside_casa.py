#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""beside_casa.py IN.ms SCRATCH --program PATH/multims --casa SCRIPT FOLDER: flags, weights, continuum and calibration
by CASA and by multims with one worker, in turns on copies of one set; no backup of flags, nothing is synced.

SCRIPT runs CASA's Python: `SCRIPT FOLDER -c PROGRAM`.  Time is processor time, user and system, so that other work
on the machine counts little; that of CASA is without its start, that of multims with all of its processes.  Prints a
table of medians, with `cp` of the columns that the request reads and writes beside; IN.ms is only read."""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
WORKER = """
import json, resource, sys, casatasks
def used():
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
for line in sys.stdin:
    task, words = json.loads(line)
    start, error = used(), ""
    try:
        getattr(casatasks, task)(**words)
    except Exception as e:
        error = repr(e)
    print("\\n@" + json.dumps([used() - start, error]), flush=True)
"""
FLAG = dict(flagbackup=False)
READ, FLAGS = ["DATA"], ["FLAG"]
# name: task, words, columns that are read and written; of G the table of gains
REQUESTS = {
    "summary": ("flagdata", dict(mode="summary", **FLAG), FLAGS),
    "manual, everything": ("flagdata", dict(mode="manual", **FLAG), FLAGS * 2),
    "manual, few rows": ("flagdata", dict(mode="manual", spw="0", antenna="1", **FLAG), FLAGS * 2),
    "clip": ("flagdata", dict(mode="clip", clipminmax=[0, 1e6], **FLAG), READ + FLAGS),
    "extend": ("flagdata", dict(mode="extend", growtime=50.0, **FLAG), FLAGS * 2),
    "tfcrop": ("flagdata", dict(mode="tfcrop", **FLAG), READ + FLAGS * 2),
    "rflag": ("flagdata", dict(mode="rflag", **FLAG), READ + FLAGS * 2),
    "statwt": ("statwt", dict(datacolumn="data", timebin=1), READ + FLAGS + ["WEIGHT", "SIGMA", "WEIGHT_SPECTRUM"]),
    "uvcontsub": ("uvcontsub", dict(fitspec="0:0~50", fitorder=1), None),
    "applycal": ("applycal", dict(gaintable="G", calwt=True, **FLAG), READ * 2 + FLAGS + ["WEIGHT_SPECTRUM"]),
    "applycal again": ("applycal", dict(gaintable="G", calwt=True, **FLAG), READ * 2 + FLAGS + ["WEIGHT_SPECTRUM"]),
}


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Casa:
    def __init__(self, script, folder):
        self.process = subprocess.Popen([script, folder, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def run(self, task, words):
        self.process.stdin.write(json.dumps([task, words]) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        sys.exit("CASA has ended")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def run_program(program, task, words):
    start = children()
    done = subprocess.run([program, task, *(f"{k}={v}" for k, v in words.items()), "-j1", "--quiet", "--no-sync"],
                          capture_output=True, text=True)
    return children() - start, done.stderr if done.returncode else ""


def make_gains(vis, path):
    """A table of type G, some solutions in time; CASA makes its own."""
    import numpy
    import caltable
    from casacore.tables import table
    with table(vis, ack=False) as t:
        times = numpy.unique(t.getcol("TIME"))
    times = times[::max(1, len(times) // 8)]
    with table(f"{vis}/ANTENNA", ack=False) as t:
        nantenna = t.nrows()
    with table(f"{vis}/SPECTRAL_WINDOW", ack=False) as t:
        nspw = t.nrows()
    chance = numpy.random.default_rng(5)
    shape = (len(times), nantenna, nspw, 1, 2)
    caltable.make(path, "G Jones", vis, 1 + 0.2 * (chance.normal(size=shape) + 1j * chance.normal(size=shape)), times=times)


def column_files(vis, names):
    """The files of columns, as often as they are named."""
    from casacore.tables import table
    with table(vis, ack=False) as t:
        managers = t.getdminfo().values()
    numbers = {c: m["SEQNR"] for m in managers for c in m["COLUMNS"]}
    files = os.listdir(vis)
    return [os.path.join(vis, f) for n in names if n in numbers
            for f in files if f.startswith(f"table.f{numbers[n]}_") or f == f"table.f{numbers[n]}"]


def copy_seconds(files, folder):
    """Processor time of cp of files."""
    os.makedirs(folder)
    start = children()
    for f in files:
        subprocess.run(["cp", f, folder], check=True)
    seconds = children() - start
    shutil.rmtree(folder)
    return seconds


class Turns:
    def __init__(self, options, casa):
        self.o, self.casa = options, casa
        self.vis, self.work = os.path.abspath(options.vis), os.path.join(options.scratch, "work.ms")
        self.gains = os.path.join(options.scratch, "G")

    def prepare(self, task, again):
        for name in "work.ms", "work.ms.flagversions", "out.ms":
            shutil.rmtree(os.path.join(self.o.scratch, name), ignore_errors=True)
        if task != "uvcontsub":
            subprocess.run(["cp", "-r", self.vis, self.work], check=True)
        if again:
            self.program(task, self.words(task, REQUESTS["applycal"][1]))

    def words(self, task, words):
        own = dict(words, vis=self.vis if task == "uvcontsub" else self.work)
        if task == "uvcontsub":
            own["outputvis"] = os.path.join(self.o.scratch, "out.ms")
        if "gaintable" in own:
            own["gaintable"] = self.gains
        return own

    def program(self, task, words):
        return run_program(self.o.program, task, words)

    def turn(self, name):
        """Seconds of CASA (None without) and of the program."""
        task, words, _ = REQUESTS[name]
        found = []
        for who in (self.casa.run if self.casa else None), self.program:
            if not who:
                found.append(None)
                continue
            self.prepare(task, name.endswith("again"))
            seconds, error = who(task, self.words(task, words))
            if error:
                sys.exit(f"{name}: {error}")
            found.append(seconds)
        return found

    def line(self, name):
        both = [self.turn(name) for _ in range(self.o.runs)]
        casa = statistics.median(b[0] for b in both) if self.casa else None
        ours = statistics.median(b[1] for b in both)
        columns = REQUESTS[name][2]
        cp = statistics.median(copy_seconds(column_files(self.vis, columns) if columns else [], self.work + ".cp")
                               for _ in range(self.o.runs)) if columns else None
        cells = [name, f"{casa:.2f}" if casa else "–", f"{ours:.3f}", f"{casa / ours:.1f}" if casa else "–",
                 f"{cp:.3f}" if cp else "–", f"{ours / cp:.1f}" if cp else "–"]
        print("| " + " | ".join(cells) + " |", flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("vis"), a.add_argument("scratch")
    a.add_argument("--program", required=True)
    a.add_argument("--casa", nargs=2, metavar=("SCRIPT", "FOLDER"))
    a.add_argument("--runs", type=int, default=3)
    a.add_argument("--only", action="append", default=[], help="requests with this in their name")
    o = a.parse_args()
    o.program, o.scratch = os.path.abspath(o.program), os.path.abspath(o.scratch)
    os.makedirs(o.scratch, exist_ok=True)
    casa = Casa(*o.casa) if o.casa else None
    turns = Turns(o, casa)
    if casa:
        casa.run("gencal", dict(vis=turns.vis, caltable=turns.gains, caltype="amp", antenna="0,1", parameter=[1.2, 0.9]))
    else:
        make_gains(turns.vis, turns.gains)
    print("| request | CASA, s | multims, s | CASA / multims | `cp` of its columns, s | × cp |\n|---|---|---|---|---|---|")
    for name in REQUESTS:
        if not o.only or any(word in name for word in o.only):
            turns.line(name)
    turns.prepare("uvcontsub", False)
    shutil.rmtree(turns.gains)
    if casa:
        casa.end()


if __name__ == "__main__":
    main()
