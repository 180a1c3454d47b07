# SPDX-License-Identifier: LGPL-2.1-or-later
"""casa_tasks.py JOBS.json ANSWERS.json: runs CASA's tasks on MSs; one start for all of them.

JOBS is a list of {"key", "vis", "tasks": {name: parameters}, "parts": [paths]}; ANSWERS is, by key,
what the tasks that report returned or wrote, and the error of each task that failed.  Tasks that
write a set write VIS.TASK; flagdata works on the copy VIS.flagdata."""
import json
import os
import shutil
import sys

import casatasks
import casatools


def plain(value):
    """numpy's types as Python's."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def take(path):
    with open(path) as f:
        text = f.read()
    os.unlink(path)
    return text


def listobs(vis):
    file = vis + ".listing"
    answer = casatasks.listobs(vis=vis, listfile=file, overwrite=True)
    return {"values": plain(answer), "text": take(file)}


def listpartition(vis):
    file = vis + ".listing"
    casatasks.listpartition(vis=vis, listfile=file)
    return take(file)


def flagdata(vis, parameters):
    copy = vis + ".flagdata"
    shutil.copytree(vis, copy, symlinks=True)
    casatasks.flagdata(vis=copy, mode="manual", flagbackup=False, **parameters)
    return plain(casatasks.flagdata(vis=copy, mode="summary", fieldcnt=False))


def count_rows(path):
    """A part alone, as a table, as an MS, and listed."""
    table, ms = casatools.table(), casatools.ms()
    table.open(path)
    rows = table.nrows()
    table.close()
    ms.open(path)
    rows_of_ms = ms.nrow()
    ms.close()
    listed = casatasks.listobs(vis=path)
    return [rows, rows_of_ms, sum(v["0"]["nRow"] if "nRow" in v.get("0", {}) else 0
                                  for k, v in listed.items() if k.startswith("scan_"))]


def run_task(name, vis, parameters):
    if name == "listobs":
        return listobs(vis)
    if name == "listpartition":
        return listpartition(vis)
    if name == "flagdata":
        return flagdata(vis, parameters)
    getattr(casatasks, name)(vis=vis, outputvis=f"{vis}.{name}", **parameters)
    return None


def run_job(job):
    answers = {}
    for name, parameters in job["tasks"].items():
        try:
            answers[name] = run_task(name, job["vis"], parameters)
        except Exception as error:  # whatever CASA raises is an answer
            answers[name] = {"error": f"{type(error).__name__}: {error}"}
    answers["parts"] = {path: count_rows(path) for path in job["parts"]}
    return answers


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    answers = {job["key"]: run_job(job) for job in jobs}
    with open(sys.argv[2], "w") as f:
        json.dump(answers, f)


main()
