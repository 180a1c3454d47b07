# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench: inputs of the user's, cold caches, requests that fail, stops, what is left behind."""
import csv
import os
import signal
import subprocess
import time

import program_case
from machine import patient, wait_until
from program_case import ProgramCase


REQUESTS = ["partition scan", "partition spw", "partition balanced", "partition auto",
            "partition baseline", "split", "split width=4", "split timebin",
            "split width=4 timebin", "hanningsmooth",
            "regrid BARY", "cvel LSRK", "combinespws", "nspw=4", "exportuvh5", "importuvh5",
            "flagdata summary", "flagdata manual", "flagdata antenna", "flagdata clip", "flagdata extend",
            "flagdata tfcrop", "flagdata rflag", "statwt", "uvcontsub", "setjy", "applycal", "applycal again"]


def cwd_of(pid):
    """The folder of a process, None where that is not ours to know or it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


class Bench(ProgramCase):
    def bench(self, *words, status=0):
        """Run one turn; return its lines by request."""
        self.multims("bench", "runs=1", "numworkers=1", "csv=speed.csv", *words, status=status)
        with open(self.path("speed.csv"), newline="") as f:
            return {line["request"]: line for line in csv.DictReader(f)}

    def at_work(self):
        """Processes in this test's folder."""
        return [pid for pid in filter(str.isdigit, os.listdir("/proc"))
                if cwd_of(pid) == os.path.realpath(self.folder)]

    def assert_left(self, *names):
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(names))

    def test_all_requests_work(self):
        lines = self.bench("sizes=1")
        self.assertEqual(list(lines), ["cp -r", *REQUESTS])
        self.assertEqual([line["error"] for line in lines.values()], [""] * len(lines))

    def test_an_input_of_the_user_is_only_read(self):
        self.simulate()
        os.symlink("in.ms", self.path("link.ms"))
        for name in ("in.ms", "link.ms"):
            lines = self.bench(f"vis={name}", "only=partition scan")
            self.assertEqual(list(lines)[::len(lines) - 1], ["cp -r", "partition scan"])
            self.assertEqual(lines["cp -r"]["rows"], "48")
            self.assertEqual(lines["cp -r"]["set"], name)
        self.assert_left("in.ms", "link.ms", "speed.csv")

    def test_a_copy_has_the_checksum_of_its_input(self):
        """Of cp -r only: every other request may choose its tiles."""
        self.simulate()
        first = self.bench("vis=in.ms", "only=split")["cp -r"]["checksum"]
        self.simulate("other.ms", "flags=0.5")
        self.assertNotEqual(first, self.bench("vis=other.ms", "only=split")["cp -r"]["checksum"])
        self.assertEqual(first, self.bench("vis=in.ms", "only=split")["cp -r"]["checksum"])

    def test_cold_measures_dd_too_and_sync_syncs(self):
        lines = self.bench("sizes=1", "only=spw", "cold=True", "sync=True")
        self.assertEqual([lines["dd"][k] for k in ("cache", "sync", "path")], ["cold", "True", ""])
        self.assertGreater(float(lines["dd"]["median_s"]), 0)
        self.assert_left("speed.csv")

    def test_floor_reads_the_input_and_writes_an_output(self):
        self.multims("bench", "runs=1", "numworkers=1,2", "csv=speed.csv", "sizes=5", "floor=True",
                     "only=split width=4")
        with open(self.path("speed.csv"), newline="") as f:
            lines = [(line["request"], line["path"], float(line["median_s"]))
                     for line in csv.DictReader(f)]
        floors = [line for line in lines if line[1] == "dd"]
        self.assertEqual([line[0] for line in floors], ["split width=4", "split width=4 timebin"])
        self.assertTrue(all(line[2] > 0 for line in floors))
        self.assert_left("speed.csv")

    def test_made_sets_have_about_their_size(self):
        for shape, size in (("plain", 20), ("channel", 5), ("parts", 20), ("spws", 20)):
            lines = self.bench(f"sizes={size}", f"shapes={shape}", "only=partition spw")
            with self.subTest(shape=shape):
                self.assertAlmostEqual(float(lines["cp -r"]["MB"]), size, delta=0.25 * size)

    def test_made_sets_can_be_kept(self):
        lines = self.bench("sizes=1", "only=spw", "keep=True", "shapes=channel,spws")
        self.assertNotIn("", [line["set"] for line in lines.values()])
        self.assert_left("speed.csv", "channel-1.ms", "spws-1.ms")
        self.assertEqual(self.answer("select", "spws-1.ms")["ddids"], list(range(64)))
        self.multims("bench", "runs=1", "sizes=1", "shapes=spws", "keep=True", status=1)
        self.assert_left("speed.csv", "channel-1.ms", "spws-1.ms")

    def test_small_parts_are_one_for_each_scan(self):
        self.bench("sizes=1", "only=partition scan", "shapes=parts", "keep=True")
        plan = self.answer("partition", "parts-1.ms", "out.mms", "--dryrun",
                           "separationaxis=scan", "numsubms=100")
        self.assertEqual(len(plan["parts"]), 100)

    def test_few_channels_leave_out_what_needs_more(self):
        lines = self.bench("sizes=1", "shapes=channel", "only=split,hanning")
        self.assertIn("split timebin", lines)
        for name in ("split width=4", "hanningsmooth"):
            self.assertNotIn(name, lines)

    def test_a_request_that_fails_is_1_and_the_others_are_measured(self):
        self.simulate()
        lines = self.bench("vis=in.ms", "only=split,hanning", "datacolumn=model", status=1)
        self.assertEqual(lines["cp -r"]["error"], "")
        for name in ("split", "hanningsmooth"):
            self.assertRegex(lines[name]["error"], f"^multims: exit 2: multims {name}: .*MODEL")
            self.assertEqual(lines[name]["median_s"], "")

    def test_a_stop_leaves_nothing(self):
        self.simulate()
        with subprocess.Popen([program_case.args.program, "bench", "vis=in.ms", "runs=1000"],
                              cwd=self.folder, stderr=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as process:
            process.stderr.readline()  # the first turn is over
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=patient(60))
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assert_left("in.ms")

    def test_a_killed_run_is_swept_by_the_next(self):
        self.simulate()
        with subprocess.Popen([program_case.args.program, "bench", "vis=in.ms", "runs=1000"],
                              cwd=self.folder, stderr=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL) as process:
            process.stderr.readline()
            process.kill()
        self.assertEqual(len(os.listdir(self.folder)), 2)
        wait_until(lambda: not self.at_work(), 10)  # its child ends by itself
        self.bench("vis=in.ms", "only=spw")
        self.assert_left("in.ms", "speed.csv")

    def test_a_launcher_is_refused(self):
        for rank in "PMIX_RANK", "PMI_RANK", "ALPS_APP_PE":
            run = self.multims("bench", "sizes=1", status=2,
                               env={**os.environ, rank: "0", "MULTIMS_TRANSPORT": "local"})
            self.assertIn("run it without a launcher", run.stderr)
        self.assert_left()


program_case.main()
