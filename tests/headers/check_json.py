# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who reads a JSON value by key: verbs, for parameters and results; codecs, NAME_codec.c; and the files listed here,
each for what it reads.

A file that is not listed gets what it needs typed, from a codec such as lib/output/order_codec.c.  A file that
is listed but reads no key any more is to be taken off the list.

usage: check_json.py PROJECT
"""
import pathlib
import sys

READERS = {
    # that by which codecs read, and codecs that stand beside the objects that they take across
    "codecs": {
        "base": "bytes keys",
        "engine": "attempts calls client commands entry journal journal_end journal_files program pulse queue stage unit",
        "ms": "frames ms select",
        "pipeline": "channel goodness hanning phaseshift pipeline regrid separate",
    },
    # parameters that are objects: flag commands, models, tables of calibration
    "parameters": {
        "calibrate": "flux",
        "inplace": "applycal_part cal_table command geometry maps setjy",
        "output": "fitspec",
    },
    # what a run tells, or adds to what its units told
    "results": {
        "bench": "cases report sets",
        "check": ("contents contents_print contents_tables diff_table listing listing_table report settings "
                  "verify verify_ids verify_rules verify_subset verify_tables"),
        "inplace": "change flag_run resume statwt_run summary",
        "output": "describe output resume size",
        "uvh5": "average export_parts import",
    },
    # keywords and rows of tables, the header of a UVH5 file, the record of an undo
    "files": {
        "inplace": "undo versions",
        "simulate": "simulate_layout",
        "subtables": "subtables windows",
        "tables": "create source_model taql",
        "uvh5": "antennas asked baselines catalogue export fields",
    },
}


def main():
    lib = pathlib.Path(sys.argv[1], "lib")
    listed = {f"{folder}/{name}" for files in READERS.values() for folder, names in files.items()
              for name in names.split()}
    read = {path.relative_to(lib).with_suffix("").as_posix() for pattern in ("*.c", "*.cpp", "*.h")
            for path in lib.rglob(pattern) if "json_object_get" in path.read_text()}
    read = {name for name in read if not name.startswith("task/") and not name.endswith("_codec")}
    findings = [f"lib/{name} reads JSON by key: decode it in a codec" for name in sorted(read - listed)]
    findings += [f"lib/{name} reads no key any more: take it off the list" for name in sorted(listed - read)]
    print("\n".join(findings) or f"{len(read)} files read JSON by key, all listed")
    sys.exit(bool(findings) or not read)


if __name__ == "__main__":
    main()
