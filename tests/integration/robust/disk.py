#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""partition where it can't write: a full disk, before and after the plan's check, and folders and
file systems that refuse writes (design D7, D9).  Mounts are made in a namespace of our own."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import robust
from undo_case import digests

INSIDE = "MULTIMS_ROBUST_NAMESPACE"
INPUT = "hd142_b9cont_self_tav.ms"
COARSE, FINE = 10, 10


def enter_namespace():
    """Start again where mounts are ours alone; stay where that is forbidden."""
    if INSIDE in os.environ or not shutil.which("unshare"):
        return
    words = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
    can = subprocess.run([*words, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if can.returncode == 0:
        os.environ[INSIDE] = "1"
        os.execvp(words[0], [*words, sys.executable, *sys.argv])


class Mounts(robust.Case):
    def setUp(self):
        if INSIDE not in os.environ:
            self.skipTest("mounts are forbidden here")
        super().setUp()

    def mount(self, *words):
        subprocess.run(["mount", *words, self.folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)


class FullDisk(Mounts):
    def setUp(self):
        super().setUp()
        self.input = self.data(INPUT)
        self.before = robust.tree(self.input)

    def tearDown(self):
        self.assertEqual(robust.tree(self.input), self.before, "the input has changed")

    def new_disk(self, size):
        self.mount("-t", "tmpfs", "-o", f"size={size}", "none")

    def replace_disk(self, size):
        subprocess.run(["umount", self.folder], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.folder], check=True)

    def free(self):
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def words(self, *more):
        return "partition", self.input, "out.mms", "separationaxis=scan", "-j", "2", *more

    def fill(self, left):
        """Take the disk but for left bytes; a worker that was just started may write beside us."""
        with open(self.path("fill"), "wb", buffering=0) as f, contextlib.suppress(OSError):
            f.write(b"x" * max(0, self.free() - left))

    def test_refused_by_the_plan(self):
        self.new_disk(8 << 20)
        self.assert_ended(self.run_to_end(*self.words()), 2, "out.mms needs about ",
                          " MiB, the disk has 8 MiB left")
        self.assert_folder()
        self.assert_ended(self.run_to_end(*self.words("--dryrun")), 2, "out.mms needs about ")

    def test_not_refused_when_rows_are_averaged(self):
        """A plan doesn't know how few rows are left; that is no reason to refuse."""
        self.new_disk(6 << 20)
        result = self.run_to_end("split", self.input, "out.ms", "datacolumn=data", "timebin=60s",
                                 "combine=scan,state")
        self.assert_done(result)
        self.assertIn("the disk has 6 MiB left", result.stderr)
        self.assert_folder("out.ms")

    def test_a_disk_that_is_just_large_enough(self):
        """Many shapes of cells, and threads: no room is held back for rows to come."""
        with tempfile.TemporaryDirectory(dir=os.path.dirname(self.folder)) as folder:
            shapes = os.path.join(folder, "shapes.ms")
            subprocess.run([robust.args.program, "simulate", shapes, "spws=8", "integrations=60",
                            "channels=64,63,62,61,60,59,58,57", "corrected=True", "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            words = "split", shapes, "out.ms", "datacolumn=all", "--no-sync", "-j"
            self.new_disk(512 << 20)
            room = self.free()
            self.assert_done(self.run_to_end(*words, "2"))
            used = room - self.free()
            for jobs in "1", "3":
                self.replace_disk(used + (6 << 20))
                self.assert_done(self.run_to_end(*words, jobs))

    def peak(self, *words):
        """The most that a run takes of the disk at once."""
        room = least = self.free()
        run = self.start(*words)
        while run.process.poll() is None:
            least = min(least, self.free())
        self.assert_done(run.wait())
        return room - min(least, self.free())

    def test_no_more_is_asked_for_than_is_needed(self):
        """Flags are bits, POINTING is there once, and rows that are not selected take nothing."""
        self.new_disk(64 << 20)
        for words in (self.words(), self.words("numsubms=4", "flagbackup=False"),
                      self.words("createmms=False"), self.words("spw=0"),
                      ("split", self.input, "out.ms", "datacolumn=data", "--no-sync"),
                      ("split", self.input, "out.ms", "datacolumn=data", "spw=1", "width=4")):
            with self.subTest(words=words):
                self.assert_enough_at_its_peak(words)

    def assert_enough_at_its_peak(self, words):
        """A disk of the peak's size will do; a busy machine may have passed the peak over, then it is looked at again."""
        peak = 0
        for _ in range(5):
            self.replace_disk(64 << 20)
            peak = max(peak, self.peak(*words))
            self.replace_disk(peak + peak // 50 + (256 << 10))
            result = self.run_to_end(*words)
            if result.returncode != 1 or "No space left" not in result.stderr:
                break
        self.assert_done(result)

    def run_and_fill(self, left):
        """Start, and take the space as soon as the plan has been found to fit."""
        run = self.start(*self.words())
        while run.process.poll() is None and not os.listdir(self.folder):
            time.sleep(0.0002)
        run.send_all(signal.SIGSTOP)
        self.fill(left)
        run.send_all(signal.SIGCONT)
        result = run.wait()
        self.assertEqual(run.strays(), {}, "processes are left")
        return result

    def check_filled(self, result, left):
        if result.returncode == 0:
            self.assert_folder("fill", "out.mms", "out.mms.flagversions")
            return
        self.assert_ended(result, 1)
        self.assertRegex(result.stderr.splitlines()[-1],
                         f"^multims partition: .*{self.folder}/\\.out\\.mms\\.mms-part-.*"
                         ": No space left on device")
        self.assert_folder("fill")

    @staticmethod
    def amounts(used):
        """Over the whole run, and closer to each other at its end, where the parts are joined."""
        parts = [used * i // COARSE for i in range(COARSE)]
        return [64 << 10, *parts[1:], *(used - (64 << 10) * i for i in range(FINE, 0, -1))]

    def test_filled_after_the_check(self):
        self.new_disk(64 << 20)
        room = self.free()
        self.assert_done(self.run_to_end(*self.words()))
        used = room - self.free()
        statuses = []
        for left in self.amounts(used):
            subprocess.run(["umount", self.folder], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={64 << 20}", "none",
                            self.folder], check=True)
            with self.subTest(left=left, used=used):
                result = self.run_and_fill(left)
                self.check_filled(result, left)
                statuses.append(result.returncode)
        self.assertGreaterEqual(statuses.count(1), COARSE, "the disk was not full")
        os.unlink(self.path("fill"))
        if not os.path.exists(self.path("out.mms")):
            self.assert_done(self.run_to_end(*self.words()))


class FullDiskUvh5(Mounts):
    """Files and sets of UVH5 verbs: refused by the plan (exit 2), or the disk fills later (exit 1)."""
    AVERAGE = ("chanaverage=True", "chanbin=2")
    GZIP = "compression=gzip"

    def setUp(self):
        super().setUp()
        said = subprocess.run([robust.args.program, "--version"], capture_output=True, text=True)
        if "without HDF5" in said.stdout:
            self.skipTest("a build without HDF5")
        self.input = tempfile.mkdtemp(prefix="robust-", dir=robust.args.scratch)
        self.addCleanup(shutil.rmtree, self.input)
        for words in (("simulate", "in.ms", "antennas=20", "channels=32", "integrations=40"),
                      ("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data")):
            subprocess.run([robust.args.program, *words, "--quiet"], check=True, cwd=self.input)

    def words(self, verb, *more):
        if verb == "importuvh5":
            return verb, os.path.join(self.input, "in.uvh5"), "out", "-j", "2", *more
        return (verb, os.path.join(self.input, "in.ms"), "out", "datacolumn=data", "-j", "2", *more)

    def new_disk(self, size):
        subprocess.run(["umount", "-q", self.folder], check=False)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.folder],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-q", "-l", self.folder], check=False)

    def test_refused_by_the_plan(self):
        for words in (self.words("exportuvh5"), self.words("exportuvh5", *self.AVERAGE),
                      self.words("exportuvh5", self.GZIP),
                      self.words("exportuvh5", *self.AVERAGE, self.GZIP), self.words("importuvh5")):
            with self.subTest(words):
                self.new_disk(4 << 20)
                result = self.run_to_end(*words)  # keys of averages are there already
                self.assert_ended(result, 2)
                self.assertRegex(result.stderr, " MiB, the disk has [1-4] MiB left")
                self.assert_folder()

    def run_and_fill(self, words, left):
        """As soon as something is staged the disk is full."""
        run = self.start(*words)
        while run.process.poll() is None and not os.listdir(self.folder):
            time.sleep(0.0002)
        run.send_all(signal.SIGSTOP)
        with open(self.path("fill"), "wb", buffering=0) as f, contextlib.suppress(OSError):
            disk = os.statvfs(self.folder)
            f.write(b"x" * max(0, disk.f_bavail * disk.f_frsize - left))
        run.send_all(signal.SIGCONT)
        result = run.wait()
        self.assertEqual(run.strays(), {}, "processes are left")
        return result

    def test_filled_after_the_check(self):
        statuses = []
        for words in (self.words("exportuvh5"), self.words("exportuvh5", *self.AVERAGE),
                      self.words("exportuvh5", self.GZIP),
                      self.words("exportuvh5", *self.AVERAGE, self.GZIP), self.words("importuvh5")):
            for left in 64 << 10, 3 << 20:
                with self.subTest(words, left=left):
                    self.new_disk(128 << 20)
                    result = self.run_and_fill(words, left)
                    statuses.append(result.returncode)
                    if result.returncode == 0:
                        self.assert_folder("fill", "out")
                        continue
                    if result.returncode == 2 and self.AVERAGE[0] in words:  # keys, and no more
                        self.assertIn("out needs about", result.stderr)
                        self.assert_folder("fill")
                        continue
                    self.assert_ended(result, 1)
                    self.assertRegex(
                        result.stderr.splitlines()[-1],
                        f"^multims {words[0]}: .*{self.folder}/\\.out\\..*"
                        "(No space left on device|needs about .* MiB left)")
                    self.assert_folder("fill")
        self.assertGreaterEqual(statuses.count(1), 3, "the disk was not full")

    def is_planned(self):
        with contextlib.suppress(FileNotFoundError), open(self.path("out.multims/journal.jsonl")) as journal:
            return '"ev":"plan"' in journal.read()
        return False

    def kill_when_planned(self, words):
        """Kill a run that has taken its room; it may be done before."""
        for _ in range(20):
            run = self.start(*words)
            while run.process.poll() is None and not self.is_planned():
                time.sleep(0.0002)
            run.send_all(signal.SIGKILL)
            run.wait()
            if not os.path.lexists(self.path("out")):
                return
            subprocess.run(["rm", "-rf", self.path("out")], check=True)
        self.fail("always faster")

    def test_gone_on_with_in_the_room_that_it_has(self):
        for words in (self.words("exportuvh5"), self.words("exportuvh5", self.GZIP)):
            with self.subTest(words):
                self.new_disk(48 << 20)
                self.kill_when_planned(words)
                self.assert_done(self.run_to_end(*words, "--resume"))
                self.assert_folder("out")


class FullDiskInPlace(Mounts):
    """Work in place is done, with its HISTORY, or all is as it was."""

    def test_filled_at_any_time(self):
        self.mount("-t", "tmpfs", "-o", "size=32m", "none")
        for words in (("simulate", "in.ms", "antennas=4", "scans=2", "channels=16", "integrations=5",
                       "--no-sync"),
                      ("partition", "in.ms", "keep", "numsubms=2", "flagbackup=False", "--no-sync")):
            self.assert_done(self.run_to_end(*words, "--quiet"))
        statuses = []
        for left in range(80, 440, 24):
            statuses.append(self.run_with_room(left << 10, "flagdata", "in.mms", "mode=clip",
                                               "clipminmax=[0,1]", "flagbackup=False"))
        self.assertEqual(set(statuses), {0, 1})

    def run_with_room(self, left, *words):
        shutil.rmtree(self.path("in.mms"), ignore_errors=True)
        shutil.copytree(self.path("keep"), self.path("in.mms"), symlinks=True)
        before = digests(self.path("in.mms"))
        with open(self.path("fill"), "wb", buffering=0) as f, contextlib.suppress(OSError):
            disk = os.statvfs(self.folder)
            f.write(b"x" * max(0, disk.f_bavail * disk.f_frsize - left))
        result = self.run_to_end(*words)
        os.unlink(self.path("fill"))
        with self.subTest(left=left, said=result.stderr):
            self.assert_folder("in.mms", "in.ms", "keep")
            if result.returncode == 0:
                self.assertNotIn("HISTORY is not", result.stderr)
                self.assertNotEqual(digests(self.path("in.mms")), before)
            else:
                self.assert_ended(result, 1, "No space left on device")
                self.assertEqual(digests(self.path("in.mms")), before)
        return result.returncode


class OtherDisk(Mounts):
    """Outputs, journals and parts on a second file system, in the folder other."""

    def setUp(self):
        super().setUp()
        self.mount("-t", "tmpfs", "-o", "size=64m", "none")
        for words in (("simulate", "in.ms", "antennas=6", "scans=6", "channels=32", "integrations=10", "--no-sync"),
                      ("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=6", "flagbackup=False",
                       "--no-sync")):
            self.assert_done(self.run_to_end(*words, "--quiet"))
        os.mkdir(self.path("other"))

    def mount_other(self, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.path("other")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("other")], check=True)

    def fill_other(self, left):
        disk = os.statvfs(self.path("other"))
        with open(self.path("other/fill"), "wb", buffering=0) as f, contextlib.suppress(OSError):
            f.write(b"x" * max(0, disk.f_bavail * disk.f_frsize - left))

    def listed(self):
        return sorted(os.listdir(self.folder)), sorted(os.listdir(self.path("other")))

    def records(self, journal):
        with contextlib.suppress(FileNotFoundError), open(self.path(journal)) as file:
            return file.read()
        return ""

    def kill_half_done(self, journal, *words):
        """Kill all of a run of which a part is done, and others are not."""
        for _ in range(20):
            run = self.start(*words)
            while run.process.poll() is None and '"aside":false' not in self.records(journal):
                time.sleep(0.0002)
            run.send_all(signal.SIGKILL)
            if run.wait().returncode and '"aside":false' in self.records(journal):
                return
            subprocess.run(["rm", "-rf", self.path(words[2]), self.path("other/job")], check=True)
        self.fail("always faster")

    def test_an_output_there(self):
        """It is made there, and where there is no room it fails there; what is beside the input stays as it is."""
        self.mount_other(32 << 20)
        words = "partition", "in.ms", "other/out.mms", "separationaxis=scan", "numsubms=6", "flagbackup=False"
        before = self.listed()[0]
        self.kill_half_done("other/out.mms.multims/journal.jsonl", *words, "-j", "1")
        self.assert_done(self.run_to_end("resume", "other/out.mms"))
        self.assertEqual(self.listed(), (before, ["out.mms"]))
        shutil.rmtree(self.path("other/out.mms"))
        self.fill_other(1 << 20)
        result = self.run_to_end(*words)
        self.assert_ended(result, 2, "other/out.mms needs about ", " MiB, the disk has ")
        os.unlink(self.path("other/fill"))
        run = self.start(*words)
        while run.process.poll() is None and not os.listdir(self.path("other")):
            time.sleep(0.0002)
        run.send_all(signal.SIGSTOP)
        self.fill_other(64 << 10)
        run.send_all(signal.SIGCONT)
        self.assert_ended(run.wait(), 1, "No space left on device")
        self.assertEqual(self.listed(), (before, ["fill"]))

    def test_a_job_folder_there(self):
        self.mount_other(8 << 20)
        words = "partition", "in.ms", "out.mms", "separationaxis=scan", "numsubms=6", "flagbackup=False"
        self.kill_half_done("other/job/journal.jsonl", *words, "-j", "1", "--job-dir", "other/job")
        self.assert_done(self.run_to_end("resume", "other/job"))
        self.assertEqual(self.listed(), (["in.mms", "in.ms", "other", "out.mms"], ["job"]))
        self.assertIn("complete", self.run_to_end("status", "other/job").stdout)
        self.assert_done(self.run_to_end("diff", "in.ms", "out.mms"))

    def test_a_job_folder_without_room(self):
        """Where no journal can be begun the run is refused; where its disk fills later the output is made all the
        same, and nobody is told that the run could be gone on with."""
        self.mount_other(1 << 20)
        self.fill_other(0)
        words = "partition", "in.ms", "out.mms", "separationaxis=scan", "numsubms=6", "--job-dir", "other/job"
        result = self.run_to_end(*words)
        if result.returncode:
            self.assertIn("other/job", result.stderr)
            self.assertFalse(os.path.exists(self.path("out.mms")))
        else:
            self.assertIn("other/job can't be written (No space left on device): no --resume", result.stderr)
            self.assert_done(self.run_to_end("verify", "out.mms", "--against", "in.ms"))

    def test_parts_of_each(self):
        """A copy for which there is no room costs that part alone; what is on the other disk is done."""
        self.mount_other(2 << 20)
        shutil.copytree(self.path("in.mms/SUBMSS/in.0000.ms"), self.path("other/b.ms"))
        shutil.copytree(self.path("in.mms/SUBMSS/in.0000.ms"), self.path("a.ms"))
        self.fill_other(64 << 10)
        words = "each", "a.ms", "other/b.ms", "--staged", "--keepgoing"
        program = "--", "sh", "-c", 'echo new >> "$0/table.info"', "{vis}"
        self.assert_ended(self.run_to_end(*words, *program), 1, "b.ms: staged: a copy takes ")
        os.unlink(self.path("other/fill"))
        self.assert_done(self.run_to_end(*words, "--resume", *program))
        for name in "a.ms", "other/b.ms":
            with open(self.path(name + "/table.info")) as file:
                self.assertEqual(file.read().count("new\n"), 1)
        self.assertEqual(self.listed(), (["a.ms", "in.mms", "in.ms", "other"], ["b.ms"]))

    def mount_part(self):
        """The third part is a file system of its own."""
        part = self.path("in.mms/SUBMSS/in.0002.ms")
        shutil.copytree(part, self.path("part"), symlinks=True)
        shutil.rmtree(part)
        os.mkdir(part)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", part], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", part], check=True)
        shutil.copytree(self.path("part"), part, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(self.path("part"))
        return part

    def test_a_part_that_is_a_mount(self):
        """Its files can't be moved into the undo, and come back all the same; nor can a copy replace it, which is
        said."""
        part = self.mount_part()
        before = digests(self.path("in.mms"))
        words = "setjy", "in.mms", "standard=manual", "fluxdensity=[2,0,0,0]", "--no-sync", "-j", "1"
        self.assert_done(self.run_to_end(*words))
        changed = digests(self.path("in.mms"))
        self.assertNotEqual({n: v for n, v in changed.items() if "in.0002" in n},
                            {n: v for n, v in before.items() if "in.0002" in n})
        run = self.start("setjy", "in.mms", "standard=manual", "fluxdensity=[3,0,0,0]", "--no-sync", "-j", "1")
        while run.process.poll() is None and self.records("in.mms.multims/journal.jsonl").count('"ev":"done"') < 4:
            time.sleep(0.0002)
        run.send_all(signal.SIGKILL)
        run.wait()
        self.assert_done(self.run_to_end("clean", "in.mms", "--restore"))
        self.assertEqual(digests(self.path("in.mms")), changed)
        result = self.run_to_end("each", part, "--staged", "--", "sh", "-c", 'echo new >> "$0/table.info"', "{vis}")
        self.assert_ended(result, 1, "in.0002.ms: ", "Device or resource busy")
        self.assertEqual(digests(self.path("in.mms")), changed)


class ReadOnly(Mounts):
    def test_output_on_a_read_only_disk(self):
        self.mount("-t", "tmpfs", "-o", "ro", "none")
        result = self.run_to_end("partition", self.data("D7.ms"), "out.mms")
        self.assert_ended(result, 2, f"{self.folder}: ", "Read-only file system")
        self.assert_folder()

    def test_input_on_a_read_only_disk(self):
        """With lock files and without: reading needs neither the right to lock nor to make them."""
        for locked in (True, False):
            input_ms = self.copy("D7.ms", f"{locked}.ms")
            if not locked:
                subprocess.run(["find", input_ms, "-name", "table.lock", "-delete"], check=True)
        scratch = tempfile.mkdtemp(prefix="robust-", dir=robust.args.scratch)
        self.addCleanup(shutil.rmtree, scratch)
        self.mount("--bind", self.folder)
        subprocess.run(["mount", "-o", "remount,bind,ro", self.folder], check=True)
        for locked in (True, False):
            output = os.path.join(scratch, f"{locked}.mms")
            self.assert_done(self.run_to_end("partition", self.path(f"{locked}.ms"), output))


class UnwritableFolder(robust.Case):
    def test_output_in_a_folder_without_the_right_to_write(self):
        """Root may write everywhere, unless that right is taken from it."""
        os.mkdir(self.path("closed"), 0o555)
        drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        result = self.run_to_end("partition", self.data("D7.ms"), "closed/out.mms",
                                 prefix=drop if os.geteuid() == 0 else [])
        self.assert_ended(result, 2, f"{self.folder}/closed: ", "Permission denied")
        self.assert_folder("closed")
        self.assertEqual(os.listdir(self.path("closed")), [])

    def test_input_without_the_right_to_read(self):
        closed = self.copy("D7.ms")
        os.chmod(os.path.join(closed, "table.dat"), 0)
        drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        result = self.run_to_end("partition", "in.ms", "out.mms",
                                 prefix=drop if os.geteuid() == 0 else [])
        self.assert_ended(result, 2, "in.ms/table.dat", "Permission denied")
        self.assert_folder("in.ms")


if __name__ == "__main__":
    enter_namespace()
    robust.main("__main__")
