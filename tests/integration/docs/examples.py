# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples run: those of each verb's help and manual page, or with --pages those of the pages of docs.

A page's commands run in their order in one folder, where the sets and files are that they name."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy
from casacore.tables import table

import caltable
import program_case
from machine import MPIEXEC
from program_case import SharedSets, parser

sys.path.append(str(pathlib.Path(__file__).parent.parent / "resume"))
from interrupting import Interrupting  # noqa: E402

parser.add_argument("--project", required=True)
parser.add_argument("--pages", action="store_true", help="the pages of docs, not the verbs")
COMMAND = re.compile(r"^ {2,4}(?:\$ )?((?:multims|mpirun|echo|watch) .*)$", re.M)
PAGES = ("README", "docs/flagging", "docs/statwt", "docs/uvh5", "docs/sharing", "docs/transforms",
         "docs/each", "docs/running-under-mpi", "docs/regridding", "docs/man/multims")
MAKERS = ("partition", "mstransform", "split", "hanningsmooth", "cvel", "uvcontsub", "phaseshift", "exportuvh5",
          "importuvh5")
FILES = {
    "flags.txt": "scan='1' mode='manual' reason='BAD'\nmode='clip' clipminmax=[0,1e6]\n",
    "commands.txt": "1+1\n# a comment\nn=3; n*n\n",
    "request.json": '{"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"}\n',
    "calibrate.py": "import os, sys\nassert os.path.isdir(sys.argv[1])\n",
    "calibrate.sh": "#!/bin/sh\ntest -d \"$1\" && { [ -z \"$2\" ] || cp -r \"$1\" \"$2\"; }\n",
}
STOPPED = ("resume", "status", "clean")  # verbs whose examples speak of a run that was stopped


def project():
    return pathlib.Path(program_case.args.project)


def commands_of(text):
    """The commands of a text, lines that end with a backslash joined."""
    return COMMAND.findall(re.sub(r" \\\n +", " ", text))


def verbs():
    run = subprocess.run([program_case.args.program, "tasks", "--json"], stdout=subprocess.PIPE, check=True)
    return [task["name"] for task in json.loads(run.stdout)["tasks"]]


class Examples(SharedSets, Interrupting):
    """Sets are made once and copied; a page finds those that it names."""

    def make_set(self, path):
        """Four bands of 128 channels about the line of hydrogen; field 0 is 3C286."""
        self.multims("simulate", path, "antennas=5", "spws=4", "channels=128", "freq=1.42e9", "width=4e3",
                     "scans=4", "fields=4", "integrations=3", "correlations=RR,RL,LR,LL", "corrected=True",
                     "noise=0.5", "--no-sync", "--quiet")
        with table(f"{path}/FIELD", readonly=False, ack=False) as fields:
            fields.putcell("NAME", 0, "3C286")

    def make(self, name, path):
        """The set, table or file of a name in an example."""
        first = f"{self.sets}/in.ms"
        if name in FILES:
            with open(path, "w") as file:
                file.write(FILES[name])
            os.chmod(path, 0o755)
        elif name.endswith((".G", ".B")):
            shape = (5, 4, 128 if name.endswith("B") else 1, 2)
            kind = "B Jones" if name.endswith("B") else "G Jones"
            caltable.make(path, kind, first, numpy.full(shape, 2 + 0j))
        elif name.endswith(".mms"):
            axis = "spw" if name == "in.mms" else "scan"
            self.multims("partition", first, path, f"separationaxis={axis}", "numsubms=4", "--no-sync", "-q")
        elif name.endswith(".uvh5"):
            self.multims("exportuvh5", first, path, "datacolumn=data", "-q")
        else:
            self.make_set(path)

    def bring(self, name):
        """Copy what an example names into its folder, where it is not there yet."""
        kept = f"{self.sets}/{name}"
        if os.path.exists(self.path(name)):
            return
        if not os.path.exists(f"{self.sets}/in.ms"):
            self.make_set(f"{self.sets}/in.ms")
        if not os.path.exists(kept):
            self.make(name, kept)
        if os.path.isdir(kept):
            shutil.copytree(kept, self.path(name), symlinks=True)
        else:
            shutil.copy(kept, self.path(name))

    def run_command(self, command):
        environment = {**os.environ, "PATH": os.path.dirname(program_case.args.program) + ":" + os.environ["PATH"]}
        run = self.run_words("bash", "-c", command, env=environment)
        told = f"{command}\n{run.stdout}\n{run.stderr}"
        self.assertIn(run.returncode, (0, 1) if " diff " in command else (0,), told)
        self.assertNotRegex(run.stderr, r"(?m)^SEVERE|^ERROR", told)

    def check_output(self, words):
        """A set that was made has rows, and their values are finite."""
        for word in words:
            path = self.path(re.sub("^outputvis=", "", word))
            if re.search(r"\.m?ms$", path) and os.path.isdir(path):
                with table(path, ack=False) as out:
                    self.assertGreater(out.nrows(), 0, path)
                    for row in 0, out.nrows() // 2, out.nrows() - 1:
                        self.assertTrue(numpy.isfinite(out.getcell("DATA", row)).all(), path)

    def inputs(self, command, made):
        """The names in a command that stand for what was there before it."""
        names = re.findall(r"[\w]+\.(?:mms|ms|uvh5|txt|json|py|sh|G|B)\b", command)
        return [n for n in names if not n.startswith("out") and n not in made and
                (n in FILES or not n.endswith((".txt", ".json", ".py", ".sh")))]

    def made(self, command):
        """What a command makes, or would: outputvis, by its name or its place."""
        words = [w for w in shlex.split(command) if not w.startswith("-") and w != "plan"]
        verb, *rest = words[words.index("multims") + 1:] if "multims" in words else [""]
        place = {"simulate": 0, **dict.fromkeys(MAKERS, 1)}.get(verb, len(rest))
        return re.findall(r"outputvis='?([\w.]+)", command) + [w for w in rest[place:place + 1] if "=" not in w]

    def check_command(self, command):
        words, made = shlex.split(command, comments=True), self.made(command)
        if words[0] == "mpirun" and not MPIEXEC or words[:2] == ["multims", "bench"] and "/scratch" in words:
            return
        needed = [w for w in words if w in ("aoflagger", "wsclean", "taql", "watch")]
        if [w for w in needed if not shutil.which(w)] or ("uvh5" in command and not self.hdf5()):
            return
        for name in self.inputs(command, made):
            self.bring(name)
        if words[0] == "watch":
            command = command.partition(" ")[2]
        if {"out.mms", "out.mms.multims"} & set(words) and set(STOPPED) & set(words):
            self.stop_a_run()
        else:
            self.clear(["out.ms", *made])
        self.run_command(command)
        self.check_output(made)

    def hdf5(self):
        return "without HDF5" not in self.multims("--version").stdout

    def stop_a_run(self):
        self.bring("in.ms")
        self.clear(["out.mms", "out.mms.flagversions", "out.mms.multims"])
        self.interrupt()

    def clear(self, names):
        """Remove what an earlier example has made under these names."""
        for name in names:
            for path in self.path(name), self.path(name + ".flagversions"):
                if os.path.isdir(path):
                    shutil.rmtree(path)
                elif os.path.exists(path):
                    os.remove(path)

    def check_text(self, text):
        commands = list(dict.fromkeys(commands_of(text)))
        self.assertGreater(len(commands), 0)
        for command in commands:
            with self.subTest(command=command):
                self.check_command(command)

    def check_verb(self, verb):
        told = self.multims(verb, "--help").stdout.partition("\nExamples:\n")[2]
        page = project() / "docs" / "man" / f"{verb}.md"
        page = page.read_text() if page.exists() else ""
        self.check_text(told + page.partition("## More examples")[0])  # those are spectral_pages.py's


def add(name, run):
    setattr(Examples, "test_" + re.sub(r"\W", "_", name), run)


def main():
    program_case.args, rest = parser.parse_known_args()
    for verb in () if program_case.args.pages else verbs():
        add(f"verb_{verb}", lambda self, verb=verb: self.check_verb(verb))
    for page in PAGES if program_case.args.pages else ():
        add(f"page_{page}", lambda self, page=page: self.check_text((project() / f"{page}.md").read_text()))
    program_case.main()


if __name__ == "__main__":
    main()
