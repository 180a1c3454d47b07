# SPDX-License-Identifier: LGPL-2.1-or-later
"""flagdata: the same flags on an MS and on its Multi-MSs; what is saved; kills; bad input."""
import hashlib
import os
import signal
import subprocess
import time

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

KEYS = ("TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "FIELD_ID")


def flags(path):
    """FLAG of all rows as one array of bytes, and FLAG_ROW, rows sorted by their keys."""
    t = table(path, ack=False)
    order = numpy.lexsort([t.getcol(k) for k in KEYS])
    cells = [t.getcell("FLAG", int(i)).ravel() for i in order]
    found = numpy.concatenate(cells), t.getcol("FLAG_ROW")[order]
    t.close()
    return found


def bytes_of(path):
    """{file: hash} of all files of a set."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            with open(file, "rb") as f:
                found[os.path.relpath(file, path)] = hashlib.sha256(f.read()).hexdigest()
    return found


def spoil(path):
    """Plant interference: what tfcrop, rflag and clip are to find."""
    t = table(path, ack=False, readonly=False)
    for row in range(0, t.nrows(), 7):
        data = t.getcell("DATA", row)
        data[row % data.shape[0]] *= 50
        t.putcell("DATA", row, data)
    t.close()


class Smoke(ProgramCase):
    def both(self, *words, simulated=("integrations=6",)):
        """Flag an MS and Multi-MSs along three axes; all must get the same flags."""
        self.simulate("in.ms", *simulated)
        spoil(self.path("in.ms"))
        axes = "scan", "spw", "baseline"
        for axis in axes:
            self.multims("partition", "in.ms", f"{axis}.mms", f"separationaxis={axis}", "numsubms=3",
                         "flagbackup=False")
        self.multims("flagdata", "in.ms", *words)
        wanted = flags(self.path("in.ms"))
        for axis in axes:
            self.multims("flagdata", f"{axis}.mms", *words, "-j2")
            got = flags(self.path(f"{axis}.mms"))
            for g, w in zip(got, wanted):
                numpy.testing.assert_array_equal(g, w, err_msg=axis)
        return wanted

    def test_manual(self):
        before = self.simulate("in.ms")
        self.multims("flagdata", before, "mode=manual", "antenna=0", "flagbackup=False")
        t = table(self.path("in.ms"), ack=False)
        zero = (t.getcol("ANTENNA1") == 0) ^ (t.getcol("ANTENNA2") == 0)
        numpy.testing.assert_array_equal(t.getcol("FLAG")[zero], True)
        numpy.testing.assert_array_equal(t.getcol("FLAG_ROW")[zero], True)

    def test_clip_is_the_same_on_parts(self):
        cells, _ = self.both("mode=clip", "clipminmax=[0,20]")
        self.assertGreater(cells.sum(), 0)

    def test_tfcrop_is_the_same_on_parts(self):
        self.both("mode=tfcrop")

    def test_rflag_is_the_same_on_parts(self):
        self.both("mode=rflag")

    def test_quack_is_the_same_on_parts(self):
        self.both("mode=quack", "quackinterval=15", "spw=1")

    def test_a_list_is_the_same_on_parts(self):
        self.both("mode=list", "inpfile=[\"mode='clip' clipminmax=[0.,20.]\",\"mode='extend' "
                  "growtime=20.0\",\"mode='unflag' scan='1' spw='0:0'\"]")

    def test_thresholds_are_the_same_on_parts(self):
        self.simulate("in.ms", "integrations=6")
        self.multims("partition", "in.ms", "x.mms", "separationaxis=baseline", "numsubms=3")
        one = self.answer("flagdata", "in.ms", "mode=rflag", "action=calculate")
        self.assertEqual(one, self.answer("flagdata", "x.mms", "mode=rflag", "action=calculate"))
        for name in "timedev", "freqdev":  # in the folder of the run, with numbers as Python has them: CASA 6.7.0
            with open(self.path(f"rflag_output_thresholds_{name}0.txt"), encoding="utf-8") as file:
                rows = str([[float(x) for x in row] for row in one[name]]).replace(" ", "")
                self.assertEqual(file.read(), f"{{'name':'Rflag','{name}':{rows}}}\n\n")

    def test_summary_counts(self):
        self.simulate("in.ms")
        self.multims("flagdata", "in.ms", "mode=manual", "scan=1", "spw=0")
        report = self.answer("flagdata", "in.ms", "mode=summary", "spwcorr=True")
        t = table(self.path("in.ms"), ack=False)
        cells = t.getcol("FLAG")
        self.assertEqual(report["flagged"], cells.sum())
        self.assertEqual(report["total"], cells.size)
        self.assertEqual(report["scan"]["1"]["flagged"], cells[t.getcol("SCAN_NUMBER") == 1].sum())
        self.assertIn("of", self.multims("flagdata", "in.ms", "mode=summary").stdout)

    def test_nothing_is_written_by_calculate_or_a_refusal(self):
        self.simulate("in.ms")
        before = bytes_of(self.path("in.ms"))
        run = self.multims("flagdata", "in.ms", "mode=manual", "action=calculate")
        self.assertIn("would change", run.stdout)
        run = self.multims("flagdata", "in.ms", "mode=manual", "--dryrun")
        self.assertIn("nothing is changed", run.stdout)
        for words, status in ((("mode=manual", "scan=99"), 3), (("mode=shadow", "addantenna=no"), 2),
                              (("mode=clip", "datacolumn=NONE"), 2), (("mode=clip", "clipminmax=[1]"), 2),
                              (("mode=clip", "clipminmax=[1"), 2), (("mode=clip", "timeavg=True", "timebin=-5s"), 2),
                              (("mode=tfcrop", "ntime=soon"), 2), (("action=perhaps",), 2),
                              (("mode=list", "inpfile=none.txt"), 2), (("mode=magic",), 2)):
            with self.subTest(words=words):
                self.multims("flagdata", "in.ms", *words, status=status)
        self.assertEqual(bytes_of(self.path("in.ms")), before)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms"])

    def test_a_wrong_line_refuses_the_whole_list(self):
        self.simulate("in.ms")
        before = bytes_of(self.path("in.ms"))
        with open(self.path("list.txt"), "w") as f:
            f.write("# flags\nscan='1'\nscna='2'\n")
        run = self.multims("flagdata", "in.ms", "mode=list", "inpfile=list.txt", status=2)
        self.assertIn("Line 3", run.stderr)
        self.assertEqual(bytes_of(self.path("in.ms")), before)

    def test_a_backup_brings_the_old_flags_back(self):
        self.simulate("in.ms")
        self.multims("partition", "in.ms", "x.mms", "flagbackup=False")
        before = flags(self.path("x.mms"))
        self.multims("flagdata", "x.mms", "mode=manual")
        self.assertTrue(flags(self.path("x.mms"))[0].all())
        self.multims("flagmanager", "x.mms", "restore", "flagdata_1")
        for got, wanted in zip(flags(self.path("x.mms")), before):
            numpy.testing.assert_array_equal(got, wanted)

    def test_kills_leave_the_old_bytes_or_a_finished_run(self):
        self.simulate("in.ms", "integrations=40", "antennas=10")
        self.multims("partition", "in.ms", "x.mms", "flagbackup=False", "numsubms=4")
        before = bytes_of(self.path("x.mms"))
        started = time.monotonic()
        self.multims("flagdata", "x.mms", "mode=manual", "action=calculate")
        length = time.monotonic() - started
        for i in range(12):
            p = subprocess.Popen([program_case.args.program, "flagdata", "x.mms", "mode=manual",
                                  "flagbackup=False", "-j2"], cwd=self.folder, start_new_session=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            time.sleep(length * (0.3 + i * 0.12))
            try:
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            p.wait()
            self.restore("x.mms")
            if bytes_of(self.path("x.mms")) != before:
                self.assertTrue(flags(self.path("x.mms"))[0].all(), f"kill {i}")
                self.multims("flagdata", "x.mms", "mode=unflag", "flagbackup=False")
                before = bytes_of(self.path("x.mms"))
            self.assertFalse([n for n in os.listdir(self.folder) if n.startswith(".")])


if __name__ == "__main__":
    program_case.main()
