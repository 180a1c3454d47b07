#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Multi-MS is the plain MS of the same request, cut into parts (D20): the same rows and values,
and the same sub-tables row for row, on every axis; selections of each recorded set."""
import shutil
import sys

import numpy as np

from common import (case, check, check_ids, check_structure, compare_main, compare_subtable,
                    compare_subtables, count, date, demand, get, main, members, subtables)

AXES = {"scan": "scan", "spw": "spw", "auto": "scan,spw", "balanced": "scan,spw",
        "baseline": "baseline"}


def middle(path):
    """A time range with the middle half of the rows' times."""
    times = np.unique(get(path, "TIME"))
    return f"{date(times[len(times) // 4] - 0.01)}~{date(times[3 * len(times) // 4] + 0.01)}"


REQUESTS = {
    "S2.ms": [{}, {"spw": "2,1:5~20"}, {"spw": "1:0~10;50~63,0"}, {"correlation": "XX"},
              {"correlation": "YY,XX", "spw": "1"}, {"field": "1"}, {"antenna": "DV14&*"},
              {"timerange": middle}, {"intent": "*PHASE*"}, {"intent": "*ATMOSPHERE*"},
              {"observation": "0", "scan": "3"}, {"array": "0", "uvrange": ">50m"},
              {"spw": "2", "field": "1", "antenna": "!DV19", "timerange": middle}],
    "alma2": [{"spw": "1:5~20,2", "scan": "3", "correlation": "XX,YY"}, {"field": "0", "spw": "2,1"}],
    "lofar": [{}, {"antenna": "0~3&"}, {"spw": "0:2~5", "correlation": "XX,YY"}, {"datacolumn": "corrected"},
              {"timerange": middle, "datacolumn": "data"}],
    "D9b.ms": [{}, {"field": "1"}, {"spw": "2,0:1~2"}, {"scan": "2~3", "antenna": "1&*"},
               {"timerange": middle}],
    "D2s.ms": [{"spw": "1,0"}, {"correlation": "RR"}, {"spw": "0:1~3", "correlation": "LL"}],
    "D7x.ms": [{"spw": "3,2", "scan": "3,1"}, {"field": "4,2"}],
    "alma9": [{"antenna": "0~3&"}, {"scan": "9,3", "spw": "2,0", "correlation": "YY"},
              {"timerange": middle, "spw": "1"}],
}


def compare_with_plain(b, source, plain, axis, request, numsubms):
    out = b.partition(source, f"{axis}.mms", separationaxis=axis, numsubms=numsubms, **request)
    check_structure(out, AXES[axis])
    check_ids(out)
    demand(count(out) > 0 and len(members(out)) >= 1, "nothing was written")
    compare_main(plain, out)
    compare_subtables(plain, out, skip=("HISTORY",), empty=())
    old = subtables(source)["HISTORY"]
    compare_subtable("HISTORY", old, subtables(out)["HISTORY"], count(old))


def requests_of(b, name):
    source = b.data(name)
    for request in REQUESTS[name]:
        yield source, {k: v(source) if callable(v) else v for k, v in request.items()}


def all_axes(b, name):
    for i, (source, request) in enumerate(requests_of(b, name)):
        try:
            plain = b.plain(source, f"{i}.ms", **request)
            for axis in AXES:
                b.known.add(f"{axis}.mms")
                compare_with_plain(b, source, plain, axis, request, 2 + i % 3)
                b.run(f"vis={b.folder}/{axis}.mms", verb="listpartition")
                remove(b, f"{axis}.mms")
            remove(b, f"{i}.ms")
        except Exception as e:
            raise type(e)(f"{name} {request}: {e}") from None


def remove(b, name):
    shutil.rmtree(f"{b.folder}/{name}")


@case()
def alma_with_caldevice_and_pointing(b):
    all_axes(b, "S2.ms")


@case()
def alma_with_absent_subtables(b):
    all_axes(b, "alma2")


@case()
def lofar(b):
    all_axes(b, "lofar")


@case()
def synthetic(b):
    for name in ("D9b.ms", "D2s.ms", "D7x.ms"):
        all_axes(b, name)


@case()
def alma_of_nine_scans(b):
    all_axes(b, "alma9")


@case()
def a_date_without_a_time_means_the_same_on_every_axis(b):
    """Completed once, from the first selected row of the input (issue section 3)."""
    source = b.data("alma9")
    day = date(get(source, "TIME")[0])[:10]
    request = {"timerange": f">{day}", "scan": "4~9", "spw": "0"}
    plain = b.plain(source, **request)
    rows = count(plain)
    for axis in AXES:
        out = b.partition(source, f"{axis}.mms", separationaxis=axis, numsubms=3, **request)
        check(f"rows on axis {axis}", count(out), rows)
    compare_main(plain, out)


if __name__ == "__main__":
    sys.exit(main(__doc__))
