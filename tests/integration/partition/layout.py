#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Layout of a Multi-MS on disk, refusals, moving and copying: T1-T11, T25, T105 of multi-ms 6."""
import os
import re
import shutil
import subprocess
import sys

from common import (Differs, Skipped, axis_type, case, check, check_structure, compare_main,
                    compare_subtables, count, demand, fingerprint, links_of, main, members,
                    no_dangling_links, opened, subtables)

MOVED_KEYS = ("SCAN_NUMBER", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2")


def contents(path):
    """What a reader sees of a set: rows, keys and data."""
    t = opened(path)
    answer = [t.nrows(), *(t.getcol(c).tobytes() for c in (*MOVED_KEYS, "DATA", "UVW"))]
    t.close()
    return answer


@case("T1")
def scan_axis_of_five_scans(b):
    out = b.partition(b.data("D7.ms"), separationaxis="scan")
    check_structure(out, "scan")
    check("scans", [sorted(set(opened(p).getcol("SCAN_NUMBER"))) for p in members(out)],
          [[1], [2], [3], [4], [5]])
    names = "".join(f"  SUBMSS/out.{i:04d}.ms\n" for i in range(5))
    readme = "".join(open(os.path.join(members(out)[0], "table.info")).readlines()[3:])
    check("table.info", open(os.path.join(out, "table.info")).read(),
          "Type = Measurement Set\nSubType = CONCATENATED\n\nAxisType = scan\n" + readme
          + "Virtual concatenation of the following tables:\n" + names + "\n")
    demand(readme.startswith("This is a MeasurementSet Table"), f"readme of a part: {readme!r}")
    compare_main(b.data("D7.ms"), out)


@case("T2")
def seed_profile_links_pointing_and_syscal(b):
    out = b.partition(b.data("S2.ms"), separationaxis="scan")
    first, second = members(out)
    check("links of part 0", links_of(first), {})
    check("links of part 1", links_of(second), {"POINTING": "../out.0000.ms/POINTING",
                                                "SYSCAL": "../out.0000.ms/SYSCAL"})
    check_structure(out, "scan")


@case("T3")
def linked_profile_copies_source_and_history(b):
    out = b.partition(b.data("S2.ms"), separationaxis="scan", profile="linked")
    second = members(out)[1]
    check("folders of part 1", {n for n in subtables(second)
                                if not os.path.islink(os.path.join(second, n))},
          {"SOURCE", "HISTORY"})
    check_structure(out, "scan", profile="linked")


@case("T4")
def full_naming(b):
    out = b.partition(b.data("D7.ms"), separationaxis="scan", naming="full")
    check_structure(out, "scan", naming="full")
    check("first part", os.path.basename(members(out)[0]), "out.mms.0000.ms")


@case("T4")
def names_of_parts_follow_the_output(b):
    for output, base in (("a.b.ms", "a.b"), ("out", "out"), (".hid", ".hid"), ("x.mms/", "x")):
        out = b.partition(b.data("D7x.ms"), output.rstrip("/"), separationaxis="spw", numsubms=2)
        check(output, [os.path.basename(p) for p in members(out)],
              [f"{base}.0000.ms", f"{base}.0001.ms"])
    vis = b.data("D7x.ms")
    b.run(f"vis={vis}/", f"outputvis={b.path('s.mms')}/", "flagbackup=False")
    check("parts of s.mms/", os.path.basename(members(os.path.join(b.folder, "s.mms"))[0]),
          "s.0000.ms")


@case("T5")
def moved_renamed_and_linked_sets_stay_readable(b):
    out = b.partition(b.data("S2.ms"), separationaxis="spw")
    before = contents(out)
    renamed = b.path("renamed.mms")
    os.rename(out, renamed)
    check("after a rename", contents(renamed), before)
    os.mkdir(b.path("elsewhere"))
    moved = os.path.join(b.folder, "elsewhere", "m.mms")
    shutil.move(renamed, moved)
    check("after a move", contents(moved), before)
    no_dangling_links(moved)
    link = b.path("link.mms")
    os.symlink(moved, link)
    check("through a link", contents(link), before)
    here = os.getcwd()
    try:
        os.chdir(moved)
        check("from inside", contents("."), before)
    finally:
        os.chdir(here)
    b.run(f"vis={link}", verb="listpartition")


@case("T5")
def tar_and_untar(b):
    out = b.partition(b.data("S2.ms"), separationaxis="scan", profile="linked")
    before, files = contents(out), fingerprint(out)
    archive, place = b.path("o.tar"), b.path("other")
    os.mkdir(place)
    subprocess.run(["tar", "cf", archive, "out.mms"], cwd=b.folder, check=True)
    shutil.rmtree(out)
    subprocess.run(["tar", "xf", archive], cwd=place, check=True)
    moved = os.path.join(place, "out.mms")
    check("files", fingerprint(moved), files)
    check("contents", contents(moved), before)
    check_structure(moved, "scan", profile="linked")


@case("T6")
def shallow_and_deep_copy(b):
    source = b.data("D7.ms")
    out = b.partition(source, separationaxis="scan")
    shallow, deep = b.path("shallow.mms"), b.path("deep.ms")
    t = opened(out)
    t.copy(shallow)
    t.copy(deep, deep=True)
    t.close()
    check("rows", (count(shallow), count(deep)), (240, 240))
    said = b.run(f"vis={shallow}", verb="listpartition").stderr
    demand("This is a Multi-MS" in said, f"shallow copy: {said}")
    done = b.run(f"vis={deep}", verb="listpartition")
    demand("This is a Multi-MS" not in done.stderr + done.stdout, f"deep copy: {done.stderr}")
    plain = b.plain(out, "plain.ms")
    demand("CONCATENATED" not in open(os.path.join(plain, "table.info")).read(), "plain MS")
    compare_main(source, deep, ordered=False)


@case("T7")
def a_missing_member_is_named(b):
    out = b.partition(b.data("D7.ms"), separationaxis="scan")
    shutil.rmtree(members(out)[2])
    try:
        opened(out)
        raise Differs("it opens without a member")
    except RuntimeError as e:
        demand("out.0002.ms" in str(e), str(e))
    done = b.run(f"vis={out}", "outputvis=again.mms", "flagbackup=False", status=2)
    demand("out.0002.ms" in done.stderr, done.stderr)


@case("T8")
def rows_added_to_a_member_are_seen(b):
    out = b.partition(b.data("D7.ms"), separationaxis="scan")
    t = opened(members(out)[-1], readonly=False)
    t.addrows(3)
    t.close()
    check("rows", count(out), 243)


@case("T9")
def an_existing_output_is_refused(b):
    out = b.path("out.mms")
    os.mkdir(out)
    open(os.path.join(out, "mine"), "w").close()
    b.refuse(b.data("D7.ms"), 2, f"Output MS {out} already exists - will not overwrite it.",
             outputvis="out.mms")
    check("what was there", os.listdir(out), ["mine"])
    os.symlink("nowhere", b.path("dangling.mms"))
    b.refuse(b.data("D7.ms"), 2, "already exists", outputvis="dangling.mms")
    b.refuse(b.data("D7.ms"), 2, "already exists", outputvis="out.mms", createmms=False)


@case("T10")
def existing_flag_versions_are_refused(b):
    flags = b.path("out.mms.flagversions")
    os.mkdir(flags)
    b.refuse(b.data("D7.ms"), 2, f"The flagversions {flags} for the output MS already exists. "
             "Please delete it.", outputvis="out.mms")


@case("T11")
def missing_input_and_blank_output(b):
    b.refuse(os.path.join(b.folder, "nope.ms"), 2,
             "Visibility data set not found - please verify the name.")
    for blank in ("outputvis=", "outputvis=  "):
        done = b.run(f"vis={b.data('D7.ms')}", blank, status=2)
        demand("Please specify outputvis." in done.stderr, done.stderr)
    b.run(f"outputvis={os.path.join(b.folder, 'o.mms')}", status=2)


def flag_list(out):
    with open(out + ".flagversions/FLAG_VERSION_LIST") as f:
        return f.read().splitlines()


@case("T25")
def flags_are_saved_as_partition_1(b):
    out, flags = b.path("out.mms"), b.path("out.mms.flagversions")
    source = b.data("S2.ms")
    b.run(f"vis={source}", f"outputvis={out}", "separationaxis=spw")
    check("files", sorted(os.listdir(flags)), ["FLAG_VERSION_LIST", "flags.partition_1"])
    lines = flag_list(out)
    check("lines", len(lines), 1)
    demand(re.fullmatch(r"partition_1 : Flags autosave on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
                        lines[0]), lines[0])
    saved, t = opened(flags + "/flags.partition_1"), opened(out)
    check("rows", saved.nrows(), t.nrows())
    check("columns", sorted(saved.colnames()), ["FLAG", "FLAG_ROW"])
    for row in range(t.nrows()):
        demand((saved.getcell("FLAG", row) == t.getcell("FLAG", row)).all(), f"FLAG row {row}")
    demand((saved.getcol("FLAG_ROW") == t.getcol("FLAG_ROW")).all(), "FLAG_ROW")


@case("T105")
def blanks_in_every_path(b):
    source = b.path("my input.ms")
    shutil.copytree(b.data("S2.ms"), source)
    b.watch(source)
    os.mkdir(b.path("a folder"))
    out = os.path.join(b.folder, "a folder", "my out.mms")
    b.run(f"vis={source}", f"outputvis={out}", "separationaxis=scan")
    check("beside the output", sorted(os.listdir(os.path.dirname(out))),
          ["my out.mms", "my out.mms.flagversions"])
    check_structure(out, "scan")
    compare_main(source, out)
    compare_subtables(source, out)
    done = b.run(f"vis={out}", verb="listpartition")
    demand("my out.0001.ms" in done.stdout + done.stderr, done.stdout + done.stderr)
    shutil.rmtree(out)


@case()
def relative_paths_from_elsewhere(b):
    b.copy("D7.ms", "in.ms")
    os.makedirs(b.path("deep/er"))
    b.known.add("deep")
    cwd = os.path.join(b.folder, "deep", "er")
    b.run("vis=../../in.ms", "outputvis=../out.mms", "separationaxis=scan", "flagbackup=False",
          "-j2", cwd=cwd)
    out = os.path.join(b.folder, "deep", "out.mms")
    check("in the folder", os.listdir(cwd), [])
    check("beside the output", sorted(os.listdir(os.path.dirname(out))), ["er", "out.mms"])
    check_structure(out, "scan")
    b.run("../in.ms", "o.mms", "flagbackup=False", mpi=2, cwd=os.path.join(b.folder, "deep"))
    check_structure(os.path.join(b.folder, "deep", "o.mms"), "scan,spw")


@case()
def other_programs_open_the_whole_and_every_part(b):
    taql = shutil.which("taql")
    if not taql:
        raise Skipped("taql is not installed")
    out = b.partition(b.data("S2.ms"), separationaxis="scan")
    for path in (out, *members(out)):
        query = f"select from '{path}' where SCAN_NUMBER > 0"
        done = subprocess.run([taql, "-pr", query], capture_output=True, text=True)
        check(f"taql on {path}: {done.stdout}", done.returncode, 0)
        demand(f"{count(path)} rows" in done.stdout, f"taql: {done.stdout!r}")
        compare_open(path)


def compare_open(path):
    """Every column and sub-table opens through the set's own keywords."""
    t = opened(path)
    for name in t.colnames():
        if t.iscelldefined(name, 0):
            t.getcell(name, 0)
    t.close()
    for name, place in subtables(path).items():
        demand(os.path.isdir(place), f"{name}: {place}")
        opened(place).close()


@case()
def members_alone_are_measurement_sets(b):
    """Each part moved away alone (links followed) holds all it needs."""
    source = b.data("S2.ms")
    out = b.partition(source, separationaxis="spw")
    alone = b.path("alone.ms")
    shutil.copytree(members(out)[1], alone)
    shutil.rmtree(out)
    compare_subtables(source, alone)
    check("axis of a part", axis_type(alone), None)
    again = b.partition(alone, "again.mms", separationaxis="scan")
    check_structure(again, "scan")
    compare_main(alone, again)


if __name__ == "__main__":
    sys.exit(main(__doc__))
