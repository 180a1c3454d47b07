# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who reads a JSON value by key: codecs, NAME_codec.c, and the files listed here, each for what it reads.

A file that is not listed gets what it needs typed, from a codec such as lib/output/order_codec.c.  A file that
is listed but reads no key any more is to be taken off the list.

usage: check_json.py PROJECT
"""
import pathlib
import re
import sys

READS = re.compile(r"\bjson_object_get\(|\bjson_unpack|\bmms_text_of\(|\bmms_keys_\w+\(")

READERS = {
    # that by which codecs read, and codecs that stand beside the objects that they take across
    "codecs": {
        "base": "base_priv bytes keys keys_priv",
        "engine": ("attempts calls client commands entry journal journal_end journal_files program pulse queue server "
                   "stage unit watch"),
        "ms": "frames ms select",
        "pipeline": "channel continuum cut derive form goodness hanning phaseshift pipeline regrid separate time",
    },
    # parameters: what of them was given, and those that are objects: flag commands, models, tables of calibration
    "parameters": {
        "calibrate": "flux",
        "inplace": "cal_lines cal_table command geometry maps setjy",
        "output": "fitspec",
        "task": ("applycal bench cal_library call command_paths command_settings command_unit declare/python exec flag_save flag_words "
                 "history_texts info resume setjy verify verify_run"),
    },
    # what a run tells, or adds to what its units told
    "results": {
        "bench": "cases report sets",
        "check": ("contents contents_print contents_tables diff_table listing listing_table report settings "
                  "verify verify_ids verify_rules verify_subset verify_tables"),
        "inplace": "change flag_run resume statwt_run summary",
        "output": "describe output resume size whole",
        "task": ("change clean consolidate console_session each_parts each_report exec_report exportuvh5 flag_report "
                 "flagdata flagmanager flagmanager_report flagmanager_units importuvh5 job_summary list listpartition partition parts plan_print select_report "
                 "setjy_report simulate status status_read statwt summary uvcontsub"),
        "uvh5": "average export_parts import",
    },
    # keywords and rows of tables, CASA's records of models, the header of a UVH5 file, the record of an undo
    "files": {
        "calibrate": "components",
        "inplace": "undo versions",
        "ms": "model",
        "simulate": "simulate_layout",
        "subtables": "subtables windows",
        "tables": "create source_model taql",
        "task": "each_note each_templates",
        "uvh5": "antennas asked baselines catalogue export fields",
    },
}


def main():
    lib = pathlib.Path(sys.argv[1], "lib")
    listed = {f"{folder}/{name}" for files in READERS.values() for folder, names in files.items()
              for name in names.split()}
    read = {path.relative_to(lib).with_suffix("").as_posix() for pattern in ("*.c", "*.cpp", "*.h")
            for path in lib.rglob(pattern) if READS.search(path.read_text())}
    read = {name for name in read if not name.endswith("_codec")}
    findings = [f"lib/{name} reads JSON by key: decode it in a codec" for name in sorted(read - listed)]
    findings += [f"lib/{name} reads no key any more: take it off the list" for name in sorted(listed - read)]
    print("\n".join(findings) or f"{len(read)} files read JSON by key, all listed")
    sys.exit(bool(findings) or not read)


if __name__ == "__main__":
    main()
