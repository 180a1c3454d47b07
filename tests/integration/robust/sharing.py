#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several runs at once: of one input, and to one output; many parts; and how runs end under
mpirun (design D4, D7, D16)."""
import os
import resource
import shutil

import robust

INPUT = "hd142_b9cont_self_tav.ms"
PARTS = 500


class Sharing(robust.Case):
    def setUp(self):
        super().setUp()
        self.copy(INPUT)
        self.before = robust.tree(self.path("in.ms"))

    def tearDown(self):
        self.assertEqual(robust.tree(self.path("in.ms")), self.before, "the input has changed")

    def begin(self, output, *words):
        return self.start("partition", "in.ms", output, "separationaxis=scan", "--no-sync", *words)

    def end_all(self, runs):
        results = [run.wait() for run in runs]
        for run in runs:
            self.assertEqual(run.strays(), {}, "processes are left")
        return results

    def assert_same_outputs(self, names):
        for name in names[1:]:
            robust.assert_equal_tables(self, self.path(name), self.path(names[0]))

    def test_many_workers_of_one_run(self):
        runs = [self.begin("one.mms", "-j", "1"), self.begin("eight.mms", "-j", "8")]
        for result in self.end_all(runs):
            self.assert_done(result)
        self.assert_same_outputs(["one.mms", "eight.mms"])

    def test_runs_of_one_input(self):
        names = [f"{i}.mms" for i in range(4)]
        for result in self.end_all([self.begin(name, "-j", "2") for name in names]):
            self.assert_done(result)
        self.assert_same_outputs(names)
        self.assert_folder("in.ms", *names, *(f"{name}.flagversions" for name in names))

    def test_runs_to_one_output(self):
        """Exactly one wins; the others say so and leave nothing."""
        for _ in range(3):
            results = self.end_all([self.begin("out.mms", "-j", "1") for _ in range(4)])
            self.assertEqual([r.returncode for r in results].count(0), 1,
                             [r.stderr for r in results])
            for result in results:
                if result.returncode:
                    self.assertIn(result.returncode, (1, 2))
                    self.assertIn("already exists", result.stderr.splitlines()[-1])
            self.assert_folder("in.ms", "out.mms", "out.mms.flagversions")
            self.assert_done(self.run_to_end("verify", "out.mms", "--against", "in.ms"))
            shutil.rmtree(self.path("out.mms"))
            shutil.rmtree(self.path("out.mms.flagversions"))


class ManyParts(robust.Case):
    """More parts than a process may have files open, twice over when their files are counted."""

    def limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    def run_limited(self, *words):
        result = self.run_to_end(*words, preexec_fn=self.limit)
        self.assert_done(result)
        return result

    def test_500_parts(self):
        self.run_limited("simulate", "in.ms", "--antennas", "4", "--scans", str(PARTS),
                         "--integrations", "2", "--channels", "4", "--correlations", "2",
                         "--no-sync")
        self.run_limited("partition", "in.ms", "out.mms", "separationaxis=scan",
                         f"numsubms={PARTS}", "--no-sync")
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), PARTS)
        listed = self.run_limited("listpartition", "out.mms").stdout.splitlines()
        self.assertEqual(len(listed), 1 + PARTS)
        self.run_limited("verify", "out.mms", "--against", "in.ms")
        self.run_limited("partition", "out.mms", "again.mms", "separationaxis=spw", "--no-sync")
        self.run_limited("diff", "in.ms", "again.mms", "--ignoreorder")
        robust.assert_equal_tables(self, self.path("out.mms"), self.path("in.ms"))


class Mpi2(robust.Case):
    """What ends a run alone ends it under mpirun, with the same status."""
    ranks = 2

    def test_bad_arguments(self):
        for words, status in ((("nope.ms", "out.mms"), 2),
                              ((self.data("D7.ms"), "out.mms", "numsubms=0"), 2),
                              ((self.data("D7.ms"), "out.mms", "spw=0:a~b"), 2),
                              ((self.data("D7.ms"), "out.mms", "scan=99"), 3)):
            with self.subTest(words=words):
                self.assertEqual(self.run_to_end("partition", *words).returncode, status)
                self.assert_folder()

    def test_unknown_verb(self):
        self.assertEqual(self.run_to_end("partitoin").returncode, 2)

    def test_part_fails(self):
        """The column can be planned for and not read: its file is cut off."""
        broken = self.copy("D7.ms")
        cut = max((os.path.join(broken, name) for name in os.listdir(broken)
                   if "TSM" in name), key=os.path.getsize)
        os.truncate(cut, os.path.getsize(cut) // 2)
        words = ["partition", "in.ms", "out.mms", "separationaxis=scan"]
        result = self.run_to_end(*words, "tiles=False")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"(?m)^multims partition: sub-MS out\.\d{4}\.ms: .*"
                         + self.path("in.ms"))
        self.assert_folder("in.ms")
        result = self.run_to_end(*words)  # the tiles' length is known before anything is written
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(os.path.basename(cut), result.stderr)
        self.assert_folder("in.ms")


class Mpi3(Mpi2):
    ranks = 3


class Alone(Mpi2):
    ranks = 0


if __name__ == "__main__":
    robust.main("__main__")
