#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""speed.py SCRATCH --program PATH/multims --page docs/speed.md: measures, and writes the tables of that page anew.

What stands between `<!-- NAME: tests/bench/speed.py -->` and `<!-- end NAME -->` is replaced:

machine   what was measured, on what, when, how busy it was
requests  `multims bench` of one set, with its floors, by each number of workers
small     small sets and many parts, diff and verify: the clock, and processor time of all processes
shapes    `multims bench --shapes` of several sizes
uvh5      exports to UVH5 and imports by each number of workers, and with --pyuvdata what pyuvdata takes for the same

Everything is made below SCRATCH and removed at the end. Without --page the tables go to standard output."""
import argparse
import csv
import datetime
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SHAPES = "plain,parts,channel,spws"
SHAPE_REQUESTS = "partition scan,partition spw,split,hanning"


def run(words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bench(options, folder, *words):
    """The lines of `multims bench`; a request that failed has no figures."""
    path = os.path.join(folder, "bench.csv")
    run([options.program, "bench", folder, "--csv", path, "--runs", str(options.runs), "--quiet", *words])
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def ratio(line, base):
    return f"{float(line['median_s']) / float(base['median_s']):.2f}" if base and line["median_s"] else "–"


def requests_table(options, folder):
    workers = ",".join(map(str, options.workers))
    words = ["--sizes", str(options.size), "--paths", "tiles", "--numworkers", workers, "--floor"]
    words += ["--only", options.only] if options.only else []
    lines = bench(options, folder, *words)
    floor = {line["request"]: line for line in lines if line["path"] == "dd"}
    one, rows = {}, []
    for line in lines:
        if line["path"] == "dd":
            continue
        one.setdefault(line["request"], line)
        rows.append([line["request"], line["workers"], line["median_s"] or line["error"], line["best_s"],
                     line["GB_s"], line["x_cp"], ratio(line, floor.get(line["request"])),
                     ratio(one[line["request"]], line), line["peak_MiB"]])
    return table(["request", "workers", "s", "best", "GB/s", "× cp", "× floor", "× one worker", "peak MiB"], rows)


def timed(words):
    """Seconds by the clock, and of processors."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run(words)
    clock, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def simulate(options, path, *words):
    run([options.program, "simulate", path, *words, "--wtspectrum", "--no-sync", "--quiet"])
    return path


def bytes_of(path):
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def small_requests(options, folder):
    """Name, words, the output that is made, the bytes that a rate is of."""
    def partition(vis, parts):
        return [vis, out, "separationaxis=scan", f"numsubms={parts}", "--no-sync", "--quiet"]
    out, scale = os.path.join(folder, "out.mms"), options.scale
    ten, fifty = os.path.join(folder, "10.ms"), os.path.join(folder, "50.ms")
    many, big = os.path.join(folder, "many.ms"), os.path.join(folder, "big.ms")
    simulate(options, ten, "scans=4", "antennas=12", f"integrations={max(1, int(17 * scale))}")
    simulate(options, fifty, "scans=8", "spws=4", "antennas=10", f"integrations={max(1, int(9 * scale))}")
    simulate(options, many, f"scans={max(2, int(500 * scale))}", "antennas=10", "channels=32", "integrations=2")
    simulate(options, big, "scans=8", "spws=4", "antennas=20", f"integrations={max(1, int(27 * scale))}")
    parts, copy = os.path.join(folder, "parts.mms"), os.path.join(folder, "copy.ms")
    run([options.program, "partition", big, parts, "separationaxis=scan", "numsubms=8", "--no-sync", "--quiet"])
    shutil.copytree(big, copy, symlinks=True)
    nmany = max(2, int(500 * scale))
    return out, [
        ("`--version`", ["--version"], None),
        ("`partition`, 4 parts", ["partition", *partition(ten, 4)], ten),
        ("`partition`, 8 parts", ["partition", *partition(fifty, 8)], fifty),
        (f"`partition`, {nmany} parts", ["partition", *partition(many, nmany)], many),
        ("`listpartition`, 8 parts", ["listpartition", parts], None),
        ("`diff`, a set and its copy", ["diff", big, copy, "--quiet"], big),
        ("`diff --ignore-order`, a set and 8 parts", ["diff", big, parts, "--ignore-order", "--quiet"], big),
        ("`verify --against`, 8 parts", ["verify", parts, "--against", big, "--quiet"], big),
    ]


def small_table(options, folder):
    out, requests = small_requests(options, folder)
    seconds = {name: [] for name, _, _ in requests}
    for _ in range(options.runs):
        for name, words, _ in requests:
            for made in (out, out + ".flagversions"):
                shutil.rmtree(made, ignore_errors=True)
            seconds[name].append(timed([options.program, *words]))
    rows = []
    for name, _, vis in requests:
        size = bytes_of(vis) if vis else 0
        clock, cpu = (statistics.median(s[i] for s in seconds[name]) for i in (0, 1))
        rows.append([name, f"{size / 1e6:.0f}" if size else "–", f"{1e3 * clock:.1f}", f"{1e3 * cpu:.1f}",
                     f"{size / clock / 1e9:.2f}" if size else "–"])
    return table(["request", "MB", "clock, ms", "processors, ms", "GB/s"], rows)


def shapes_table(options, folder):
    lines = bench(options, folder, "--shapes", options.shapes, "--sizes", options.sizes, "--only", SHAPE_REQUESTS,
                  "--paths", "tiles", "--numworkers", "1")
    sets = list(dict.fromkeys(line["set"] for line in lines))
    names = list(dict.fromkeys(line["request"] for line in lines if line["request"] != "cp -r"))
    found = {(line["set"], line["request"]): line for line in lines}

    def cell(line):
        return f"{line['x_cp']} ({float(line['median_s']):.2f})" if line and line["median_s"] else "–"
    return table(["set, MB", *names], [[s, *(cell(found.get((s, n))) for n in names)] for s in sets])


def taken(words):
    """Seconds by the clock and of processors, the MiB of the largest process, and what it said."""
    start = time.monotonic()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: wait status {status}\n{said}")
    return [time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], said


def uvh5_requests(options, folder):
    """Who, which verb, the words, and what is made."""
    made, back = os.path.join(folder, "made.uvh5"), os.path.join(folder, "back.ms")
    vis, file = os.path.join(folder, "in.ms"), os.path.join(folder, "in.uvh5")
    for workers in options.workers:
        many = ["-j", str(workers), "--no-sync", "--quiet"]
        yield f"multims -j {workers}", "export", [options.program, "exportuvh5", vis, made, "datacolumn=data", *many], made
        yield f"multims -j {workers}", "import", [options.program, "importuvh5", file, back, *many], back
    if options.pyuvdata:
        trip = [options.pyuvdata, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pyuvdata_trip.py")]
        yield "pyuvdata", "export", [*trip, "export", vis, made], made
        yield "pyuvdata", "import", [*trip, "import", file, back], back


def uvh5_table(options, folder):
    folder = os.path.join(folder, "uvh5")
    os.mkdir(folder)
    rows_of_one = 378  # baselines of 28 antennas
    times = max(1, int(options.uvh5 * 1e6 / (rows_of_one * 64 * 4 * 8)))
    vis, values = os.path.join(folder, "in.ms"), times * rows_of_one * 64 * 4
    run([options.program, "simulate", vis, "antennas=28", "scans=1", "spws=1", "channels=64", "corrected=False",
         f"integrations={times}", "--no-sync", "--quiet"])
    run([options.program, "exportuvh5", vis, os.path.join(folder, "in.uvh5"), "datacolumn=data", "--no-sync", "--quiet"])
    found, load = {}, os.getloadavg()[0]
    for _ in range(options.runs):
        for who, verb, words, made in uvh5_requests(options, folder):
            numbers, said = taken(words)
            if who == "pyuvdata":
                numbers = [float(word) for word in said.split()[-3:]]
            found.setdefault((verb, who), []).append(numbers)
            (shutil.rmtree if os.path.isdir(made) else os.remove)(made)
    rows = []
    for (verb, who), numbers in sorted(found.items()):
        clock, cpu, peak = (statistics.median(n[i] for n in numbers) for i in range(3))
        theirs = found.get((verb, "pyuvdata"))
        other = statistics.median(n[0] for n in theirs) / clock if theirs else 0
        rows.append([verb, who, f"{clock:.2f}", f"{min(n[0] for n in numbers):.2f}", f"{cpu:.2f}",
                     f"{8 * values / clock / 1e9:.2f}", f"{other:.1f}" if other else "–", f"{peak:.0f}"])
    shutil.rmtree(folder)
    return (f"{datetime.date.today()}, {8 * values / 1e9:.2f} GB of visibilities, medians of {options.runs}, load when it "
            f"began {load:.1f}, when it ended {os.getloadavg()[0]:.1f}:\n\n" + table(
        ["verb", "by", "s", "best", "processors, s", "GB/s of visibilities", "× pyuvdata", "peak MiB"], rows))


def machine_text(options, scratch, load):
    model = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read())[1]) >> 20
    kind = run(["stat", "-f", "-c", "%T", scratch]).strip()
    version = run([options.program, "--version"]).splitlines()[0]
    return (f"{datetime.date.today()}, {version}, {model[1] if model else platform.machine()}, "
            f"{len(os.sched_getaffinity(0))} cores, {memory} GiB, Linux {platform.release().split('-')[0]}, {kind}; medians of "
            f"{options.runs}, warm, not synced. Load when it began {load[0]:.1f}, when it ended "
            f"{os.getloadavg()[0]:.1f}: where it is not near 0 and {max(options.workers)}, others worked here, and the "
            "clock tells more of them than of us.")


TABLES = {"requests": requests_table, "small": small_table, "shapes": shapes_table, "uvh5": uvh5_table}


def put(page, name, text):
    begin, end = f"<!-- {name}: tests/bench/speed.py -->", f"<!-- end {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        sys.exit(f"the page has no place for {name}: {begin} … {end}")
    head, rest = page.split(begin)
    return f"{head}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}"


def parse_options():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("scratch", help="folder on the disk to measure")
    a.add_argument("--program", required=True, help="multims")
    a.add_argument("--page", help="page whose tables are replaced")
    a.add_argument("--size", type=int, default=2400, help="MB of the set of the requests (%(default)s)")
    a.add_argument("--only", help="requests alone whose names have one of these words")
    a.add_argument("--scale", type=float, default=1, help="of the small sets (%(default)s)")
    a.add_argument("--shapes", default=SHAPES, help="as multims bench takes them (%(default)s)")
    a.add_argument("--sizes", default="10,100,1000", help="MB of these (%(default)s)")
    a.add_argument("--uvh5", type=float, default=1000, help="MB of visibilities of UVH5 files (%(default)s)")
    a.add_argument("--pyuvdata", help="a Python with pyuvdata and casacore, measured beside")
    a.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES), help="those that are made (all)")
    a.add_argument("--runs", type=int, default=5, help="turns (%(default)s)")
    a.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    return a.parse_args()


def main():
    options = parse_options()
    options.program = os.path.abspath(options.program)
    page = open(options.page).read() if options.page else None
    load = os.getloadavg()
    os.makedirs(options.scratch, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="multims-speed-", dir=options.scratch) as folder:
        folder = os.path.abspath(folder)
        texts = {name: make(options, folder) for name, make in TABLES.items() if name in options.tables}
        if len(texts) == len(TABLES):
            texts["machine"] = machine_text(options, folder, load)
    for name, text in texts.items():
        if page is None:
            print(f"{name}\n\n{text}\n")
        else:
            page = put(page, name, text)
    if page is not None:
        with open(options.page, "w") as f:
            f.write(page)


if __name__ == "__main__":
    main()
