# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who reads a JSON value by key: verbs, for parameters and results, and the files listed here.

A file that is not listed gets what it needs typed, from a codec such as lib/output/order_codec.c.  A file that
is listed but reads no key any more is to be taken off the list.

usage: check_json.py PROJECT
"""
import pathlib
import sys

# Parameters, results and codecs.  Of inplace and uvh5 some read the orders of their units in the same file
# that carries them out: docs/design/open.md.
READERS = {
    "base": "bytes",
    "bench": "cases report sets",
    "calibrate": "flux",
    "check": ("contents contents_print contents_tables diff_table listing listing_table report "
              "settings verify verify_ids verify_request verify_rules verify_subset verify_tables"),
    "engine": "attempts calls client commands journal journal_end program pulse stage unit",
    "inplace": ("applycal_part cal_table change change_part command flag_run flag_unit geometry "
                "maps models setjy statwt_run statwt_unit statwt_write summary undo versions"),
    "ms": "frames ms select",
    "output": "describe fitspec order_codec output resume size",
    "pipeline": "channel goodness hanning phaseshift pipeline regrid separate",
    "simulate": "simulate_layout",
    "subtables": "subtables windows",
    "tables": "create source_model taql",
    "uvh5": ("antennas asked average baselines blts catalogue export export_parts fields import import_unit "
             "judge judge_unit unit"),
}


def main():
    lib = pathlib.Path(sys.argv[1], "lib")
    listed = {f"{folder}/{name}" for folder, names in READERS.items() for name in names.split()}
    read = {path.relative_to(lib).with_suffix("").as_posix() for pattern in ("*.c", "*.cpp", "*.h")
            for path in lib.rglob(pattern) if "json_object_get" in path.read_text()}
    read = {name for name in read if not name.startswith("task/")}
    findings = [f"lib/{name} reads JSON by key: decode it in a codec" for name in sorted(read - listed)]
    findings += [f"lib/{name} reads no key any more: take it off the list" for name in sorted(listed - read)]
    print("\n".join(findings) or f"{len(read)} files read JSON by key, all listed")
    sys.exit(bool(findings) or not read)


if __name__ == "__main__":
    main()
