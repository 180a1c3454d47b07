#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets as somebody else may hand them over: names that lead elsewhere, links, pipes, modes, and
folders that nobody may look into.  Nothing is written but the output, and nothing is guessed."""
import contextlib
import os
import resource
import shutil
import socket
import stat

from casacore.tables import makescacoldesc, table

import robust

PARTITION = ("partition", "in.ms", "out.mms", "numsubms=2", "--no-sync")
SPLIT = ("split", "in.ms", "out.ms", "datacolumn=data", "--no-sync")
PLAIN = ("partition", "in.ms", "out.ms", "createmms=False", "--no-sync")
NOBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def make_input(case):
    case.assert_done(case.run_to_end("simulate", "in.ms", "antennas=4", "scans=2", "integrations=2",
                                     "channels=8", "spws=2", "--no-sync", "--quiet"))


class Hostile(robust.Case):
    def setUp(self):
        super().setUp()
        make_input(self)

    def assert_refused(self, words, *texts, prefix=()):
        result = self.run_to_end(*words, prefix=list(prefix))
        self.assertIn(result.returncode, (1, 2), f"{words}: {result.stderr}")
        for text in texts:
            self.assertIn(text, result.stderr)
        self.assertFalse(any("out.m" in name for name in os.listdir(self.folder)), words)


class Names(Hostile):
    """A keyword that names a sub-table is text; as a path it is one folder of the output."""
    NAMES = ("../evil", "../../../evil", "/tmp/evil", "a/b", "..", ".", "table.dat", "table.lock",
             "table.f0", "SUBMSS")

    def rename(self, name):
        """python-casacore takes a dot for a record in a record, so the bytes are changed."""
        stand_in = "Q" * len(name)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.putkeyword(stand_in, "Table: " + self.path("in.ms/ANTENNA"))
        with open(self.path("in.ms/table.dat"), "r+b") as f:
            data = f.read()
            f.seek(0)
            length = len(name).to_bytes(4, "big")
            f.write(data.replace(length + stand_in.encode(), length + name.encode()))

    def test_names_that_lead_elsewhere(self):
        shutil.copytree(self.path("in.ms"), self.path("whole.ms"))
        for name in self.NAMES:
            with self.subTest(name=name):
                shutil.rmtree(self.path("in.ms"))
                shutil.copytree(self.path("whole.ms"), self.path("in.ms"))
                self.rename(name)
                for words in PARTITION, SPLIT, PLAIN, ("select", "in.ms"):
                    self.assert_refused(words, f'sub-table keyword "{name}"')
                found = self.run_to_end("verify", "in.ms")
                self.assertEqual(found.returncode, 1, found.stderr)
                self.assertIn(f'"{name}"', found.stdout)
                self.assert_folder("in.ms", "whole.ms")


class Links(Hostile):
    """What the output is written to is in the output: never where a link of the input leads."""

    def test_files_of_a_subtable_that_are_links(self):
        os.mkdir(self.path("elsewhere"))
        for name in os.listdir(self.path("in.ms/HISTORY")):
            os.rename(self.path(f"in.ms/HISTORY/{name}"), self.path(f"elsewhere/{name}"))
            os.symlink(self.path(f"elsewhere/{name}"), self.path(f"in.ms/HISTORY/{name}"))
        os.symlink(self.path("elsewhere"), self.path("in.ms/HISTORY/folder"))
        with open(self.path("precious"), "w") as f:
            f.write("mine")
        os.symlink(self.path("precious"), self.path("in.ms/HISTORY/table.dat_tmp"))
        before = robust.tree(self.path("elsewhere"))
        for words in PARTITION, SPLIT, PLAIN:
            self.assert_done(self.run_to_end(*words))
            self.assertEqual(robust.tree(self.path("elsewhere")), before)
            with open(self.path("precious")) as f:
                self.assertEqual(f.read(), "mine")
            for folder, folders, files in os.walk(self.path(words[2])):
                for name in folders + files:
                    path = os.path.realpath(os.path.join(folder, name))
                    self.assertTrue(path.startswith(os.path.realpath(self.path(words[2]))), path)
            with table(self.path(words[2]) + "/HISTORY", ack=False) as t:
                self.assertGreater(t.nrows(), 0)
            shutil.rmtree(self.path(words[2]))
            shutil.rmtree(self.path(words[2]) + ".flagversions", ignore_errors=True)


class OtherKinds(Hostile):
    """Only files are opened where files should be; who opens a pipe waits for good."""
    PLACES = ("table.dat", "table.info", "table.lock", "table.f0", "ANTENNA/table.dat",
              "ANTENNA/table.lock", "FIELD/table.info", "HISTORY/table.f0", "SOURCE/notes")

    @staticmethod
    def make_pipe(path):
        os.mkfifo(path)

    @staticmethod
    def make_socket(path):
        s = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(os.path.dirname(path))
        try:
            s.bind(os.path.basename(path))
        finally:
            os.chdir(here)
            s.close()

    @staticmethod
    def make_device(path):
        os.symlink("/dev/zero", path)

    def check(self, make, kind):
        for place in self.PLACES:
            saved, path = self.path("saved"), self.path("in.ms/" + place)
            if os.path.exists(path):
                os.rename(path, saved)
            make(path)
            with self.subTest(place=place, kind=kind):
                for words in PARTITION, SPLIT:
                    self.assert_refused(words, place, kind)
                for words in (("verify", "in.ms"), ("diff", "in.ms", "in.ms")):
                    want = (0, 1, 2) if "HISTORY" in place or "notes" in place else (1, 2)
                    self.assertIn(self.run_to_end(*words).returncode, want, words)
            os.unlink(path)
            if os.path.exists(saved):
                os.rename(saved, path)

    def test_pipes(self):
        self.check(self.make_pipe, "a named pipe")

    def test_sockets(self):
        self.check(self.make_socket, "a socket")

    def test_devices(self):
        self.check(self.make_device, "a device")


class Modes(Hostile):
    """New files have the modes of new files, whatever those of the input are."""

    def test_modes_follow_the_mask(self):
        for name in "ANTENNA", "SOURCE", "HISTORY", "FIELD":
            for folder, _, files in os.walk(self.path("in.ms/" + name)):
                os.chmod(folder, 0o2777)
                for file in files:
                    os.chmod(os.path.join(folder, file), 0o6777)
        for mask in 0o002, 0o022, 0o027, 0o077:
            for words in PARTITION, SPLIT, PLAIN:
                with self.subTest(mask=mask, words=words):
                    self.assert_done(self.run_to_end(*words, umask=mask))
                    self.check(self.path(words[2]), mask)
                    if os.path.exists(self.path(words[2]) + ".flagversions"):
                        self.check(self.path(words[2]) + ".flagversions", mask)
                        shutil.rmtree(self.path(words[2]) + ".flagversions")
                    shutil.rmtree(self.path(words[2]))

    def check(self, output, mask):
        for folder, folders, files in os.walk(output):
            for name in [""] + folders + files:
                info = os.lstat(os.path.join(folder, name))
                if not stat.S_ISLNK(info.st_mode):
                    want = (0o777 if stat.S_ISDIR(info.st_mode) else 0o666) & ~mask
                    self.assertEqual(stat.S_IMODE(info.st_mode), want, os.path.join(folder, name))


class Counts(Hostile):
    """Numbers that say how long cells are are held against the cells; nobody makes room first."""
    COUNTS = (("SPECTRAL_WINDOW", "NUM_CHAN"), ("POLARIZATION", "NUM_CORR"),
              ("FIELD", "NUM_POLY"), ("FEED", "NUM_RECEPTORS"))
    VALUES = (2147483647, 1000000000, -1, -2147483648)
    IDS = (("DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID"), ("DATA_DESCRIPTION", "POLARIZATION_ID"))

    def limit(self):
        """No verb on this set needs a tenth of it."""
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    @contextlib.contextmanager
    def changed(self, name, column, value):
        with table(self.path("in.ms/" + name), readonly=False, ack=False) as t:
            before = t.getcell(column, 0)
            t.putcell(column, 0, value)
        try:
            with self.subTest(column=column, value=value):
                yield
        finally:
            with table(self.path("in.ms/" + name), readonly=False, ack=False) as t:
                t.putcell(column, 0, before)

    def refuse_all(self, name, column, *texts):
        for words in PARTITION, SPLIT, (*SPLIT, "width=2"), (*PARTITION, "spw=0:1~5"), \
                ("hanningsmooth", "in.ms", "out.ms", "datacolumn=data", "--no-sync"):
            result = self.run_to_end(*words, preexec_fn=self.limit)
            self.assertIn(result.returncode, (1, 2), f"{words}: {result.stderr}")
            self.assertNotIn("memory", result.stderr)
            for text in texts:
                self.assertIn(text, result.stderr)
            self.assert_folder("in.ms")

    def test_counts(self):
        for name, column in self.COUNTS:
            for value in self.VALUES:
                with self.changed(name, column, value):
                    self.refuse_all(name, column, f"{name} row 0: {column} is {value}")
                    self.assertIn(self.run_to_end("select", "in.ms", "spw=0:1~5").returncode, (1, 2))
                    found = self.run_to_end("verify", "in.ms")
                    self.assertEqual(found.returncode, 1, found.stderr)
                    self.assertIn(column, found.stdout)

    def test_ids(self):
        """Of a window that is not there nothing is asked for, however large its number is."""
        for name, column in self.IDS:
            for value in self.VALUES[:2]:
                with self.changed(name, column, value):
                    self.refuse_all(name, column)


class Types(Hostile):
    """Numbers of twice the size have no room where ids are read: they are refused by name."""

    def test_scalars(self):
        column = "SCAN_NUMBER"
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.removecols(column)
            t.addcols(makescacoldesc(column, 0.0))
        for words in PARTITION, SPLIT, ("select", "in.ms"), ("info", "in.ms"), ("listpartition", "in.ms"):
            self.assert_refused(words, f"column {column} has not the type of an MS")

    def test_scalars_of_averages(self):
        """They are copied as they are; rows are not made of them."""
        column = "EXPOSURE"
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            values = t.getcol(column)
            t.removecols(column)
            t.addcols(makescacoldesc(column, 0.0, valuetype="float"))
            t.putcol(column, values)
        for more in ("timeaverage=True", "timebin=20s"), ("combinespws=True",):
            self.assert_refused(("mstransform", "in.ms", "out.ms", "datacolumn=data", *more, "--no-sync"),
                                f"column {column} is of type float; only double is calculated with")
        self.assert_refused(("statwt", "in.ms", "datacolumn=data"),
                            f"column {column} has not the type of an MS")
        self.assert_done(self.run_to_end(*SPLIT))


class Closed(Hostile):
    """What may not be looked at is not absent: every verb says so, and status 0 is no answer."""
    PLACES = ("SOURCE", "ANTENNA", "FIELD", "POINTING", "HISTORY", "SOURCE/table.dat",
              "STATE/table.f0", "table.info", "table.lock", "FEED/table.lock")

    def test_places_without_permission(self):
        prefix = NOBODY if os.geteuid() == 0 else []
        for place in self.PLACES:
            path = self.path("in.ms/" + place)
            if not os.path.exists(path):
                continue
            mode = stat.S_IMODE(os.stat(path).st_mode)
            os.chmod(path, 0)
            with self.subTest(place=place):
                for words in PARTITION, SPLIT, PLAIN:
                    self.assert_refused(words, place, "Permission denied", prefix=prefix)
            os.chmod(path, mode)


if __name__ == "__main__":
    robust.main("__main__")
