# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installation, moved: a C program built with pkg-config and with CMake, the program alone and under
mpirun, manual pages, completion."""
import json
import os
import re
import shlex
import shutil

import program_case
from machine import mpirun
from program_case import ProgramCase, parser

parser.add_argument("--build", required=True)
parser.add_argument("--cmake", required=True)
parser.add_argument("--compiler", required=True)

CLIENT = r"""
#include <inttypes.h>
#include <stdio.h>
#include "multims/multims.h"
int main(int argc, char **argv)
{
    mms_error err;
    mms_ms *ms = NULL;
    if (argc < 2 || mms_ms_open(argv[1], &ms, &err) != MMS_OK)
        return fprintf(stderr, "%s\n", argc < 2 ? "usage: rows MS" : err.msg), 1;
    printf("%s %" PRId64 "\n", mms_version(), mms_ms_nrow(ms));
    mms_ms_close(&ms);
    return 0;
}
"""


PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(client LANGUAGES C)
set(CMAKE_C_STANDARD 11)
find_package(multims 0.1 REQUIRED)
add_executable(rows rows.c)
target_link_libraries(rows PRIVATE multims::multims)
"""

# What bash does when the last word is to be completed
COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_multims
printf '%s\\n' "${COMPREPLY[@]}"
"""


# The same for zsh, whose builtins for completion work in the line editor only
COMPLETE_ZSH = r"""
compadd() {
    local word
    while [[ $1 != -- ]]; do shift; done
    shift
    for word in "$@"; do [[ $word == ${(b)PREFIX}* ]] && print -r -- $word; done
    return 0
}
compset() { PREFIX=${PREFIX#*=} }
_files() { print -r -- a-file }
source $1; shift
words=("$@") CURRENT=$# PREFIX=${words[$#]}
_multims
"""

# What zsh's line editor makes of a word and a tab
TAB_ZSH = r"""
zmodload zsh/zpty
zpty z "stty -echo; exec zsh -f -i"
zpty -w z "TERM=dumb; fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -u -D"
zpty -w z "show() { print -r -- \"<\$BUFFER>\"; BUFFER=; }; zle -N show; bindkey '^X' show; print ready"
while zpty -r z line && [[ $line != ready* ]]; do :; done
zpty -w -n z "$2"$'\t\x18'
while zpty -r z line && [[ $line != *\<*\>* ]]; do :; done
print -r -- $line
zpty -d z
"""


class Installation(ProgramCase):
    def setUp(self):
        super().setUp()
        args = program_case.args
        first = self.path("first")
        self.demand(args.cmake, "--install", args.build, "--prefix", first)
        self.prefix = self.path("moved")  # nothing in it may name the place it was installed to
        os.rename(first, self.prefix)
        self.program = os.path.join(self.prefix, "bin", "multims")

    def demand(self, *words, **options):
        run = self.run_words(*words, **options)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}\n{run.stderr}")
        return run.stdout

    def find(self, name):
        for folder, _, files in os.walk(self.prefix):
            if name in files:
                return os.path.join(folder, name)
        self.fail(f"{name} is not installed")

    def under_mpirun(self, *words):
        return self.run_words(*mpirun(2), self.program, *words)

    def build_with_pkg_config(self, source):
        """Build a C program beside the test's files; returns the environment in which it runs."""
        pc = os.path.dirname(self.find("multims.pc"))
        flags = self.demand("pkg-config", "--cflags", "--libs", "multims",
                            env={**os.environ, "PKG_CONFIG_PATH": pc})
        self.demand(program_case.args.compiler, "-std=c11", "-Wall", "-Werror", source, "-o", "built",
                    *shlex.split(flags))
        return {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(pc)}

    def test_a_c_program_builds_with_pkg_config_and_runs(self):
        self.simulate()
        with open(self.path("rows.c"), "w") as file:
            file.write(CLIENT)
        said = self.demand("./built", "in.ms", env=self.build_with_pkg_config("rows.c"))
        pc = os.path.dirname(self.find("multims.pc"))
        version = self.demand("pkg-config", "--modversion", "multims",
                              env={**os.environ, "PKG_CONFIG_PATH": pc})
        self.assertEqual(said.split(), [version.strip(), "48"])

    def test_a_program_that_is_no_worker_has_the_installed_one(self):
        self.simulate()
        here = os.path.dirname(os.path.abspath(__file__))
        environment = self.build_with_pkg_config(os.path.join(here, "../engine/host.c"))
        self.demand("./built", "task", "in.ms", "out.mms", "--no-sync", env=environment)
        self.demand(self.program, "verify", "out.mms", "--against", "in.ms")
        if "MULTIMS_LIBEXEC" not in os.environ:  # a static library knows the first place only
            os.remove(self.find("multims-worker"))
            run = self.run_words("./built", "task", "in.ms", "no.mms", env=environment)
            self.assertIn("multims-worker, the program of workers, is not there", run.stderr)

    def test_a_c_program_builds_with_cmake_and_runs(self):
        self.simulate()
        with open(self.path("rows.c"), "w") as file:
            file.write("#include <jansson.h>\n" + CLIENT)  # results are jansson's values
        with open(self.path("CMakeLists.txt"), "w") as file:
            file.write(PROJECT)
        args = program_case.args
        self.demand(args.cmake, "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                    f"-DCMAKE_C_COMPILER={args.compiler}")
        self.demand(args.cmake, "--build", "build")
        self.assertEqual(self.demand("build/rows", "in.ms").split()[1], "48")
        newer = self.path("newer")
        os.mkdir(newer)
        with open(os.path.join(newer, "CMakeLists.txt"), "w") as file:
            file.write(PROJECT.replace("multims 0.1", "multims 0.2"))
        run = self.run_words(args.cmake, "-S", newer, "-B", os.path.join(newer, "build"),
                             f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("not accepted", run.stderr)

    def test_every_public_header_is_installed(self):
        source = os.path.dirname(os.path.abspath(__file__)) + "/../../../include/multims"
        installed = os.path.join(self.prefix, "include", "multims")
        self.assertEqual(sorted(os.listdir(installed)), sorted(os.listdir(source)))

    def test_the_program_runs_alone_and_under_mpirun(self):
        self.simulate()
        self.demand(self.program, "partition", "in.ms", "local.mms", "-j", "2")
        run = self.under_mpirun("partition", "in.ms", "mpi.mms")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.demand(self.program, "diff", "local.mms", "mpi.mms", "--parts")

    def test_without_the_mpi_module_mpirun_fails_and_local_runs_do_not(self):
        mpirun(2)
        self.simulate()
        os.remove(self.find("libmultims-mpi.so"))
        run = self.under_mpirun("partition", "in.ms", "mpi.mms")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("libmultims-mpi.so", run.stderr)
        self.assertFalse(os.path.exists(self.path("mpi.mms")))
        self.demand(self.program, "partition", "in.ms", "local.mms", "-j", "2")

    def test_the_module_of_measures_is_installed_and_missed(self):
        self.simulate()
        self.demand(self.program, "split", "in.ms", "one.ms", "uvrange=>0", "datacolumn=data")
        if "MULTIMS_LIBEXEC" in os.environ:
            return  # a static library has it in itself
        module = self.find("libmultims-measures.so")
        with open(module, "rb") as file:
            whole = file.read()
        version = self.demand(self.program, "--version").split()[1].encode() + b"\0"
        for change, wanted in ((whole.replace(version, b"9" + version[1:]), "belongs to another version"),
                               (b"none", "file too short")):
            self.assertTrue(change != whole)
            os.remove(module)
            with open(module, "wb") as file:
                file.write(change)
            run = self.run_words(self.program, "split", "in.ms", "two.ms", "uvrange=>0", "datacolumn=data")
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(f"libmultims-measures.so{'' if change[0] == 127 else ':'} {wanted}", run.stderr)
        os.remove(module)
        run = self.run_words(self.program, "split", "in.ms", "two.ms", "uvrange=>0", "datacolumn=data")
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("libmultims-measures.so is not there: selections and measures need it", run.stderr)
        self.assertFalse(os.path.exists(self.path("two.ms")))
        self.demand(self.program, "partition", "in.ms", "out.mms", "-j", "2")

    def tables(self):
        return json.loads(self.demand(self.program, "tasks", "--json"))

    def page(self, name):
        with open(os.path.join(self.prefix, "share", "man", "man1", name + ".1")) as file:
            return file.read()

    def test_each_verb_has_a_page_with_its_parameters(self):
        tables = self.tables()
        for task in tables["tasks"]:
            page = self.page("multims-" + task["name"]).replace("\\-", "-")
            self.assertIn(f"multims-{task['name']} - ", page)
            self.assertIn('.SH "EXIT STATUS"', page)
            for p in task["params"] + tables["options"]:
                option = rf"(?m)^(\\fB-\w\\fP, )?\\fB--(\[no-\])?{p['name']}\\fP"
                with self.subTest(verb=task["name"], parameter=p["name"]):
                    if p["hidden"]:
                        self.assertNotRegex(page, option)
                    else:
                        self.assertRegex(page, option)
                        about = re.search(option + r".*\n(.*)", page)[0]
                        self.assertEqual("not in this version" in about, p["missing"])
            if "alias" in task:
                self.assertEqual(self.page("multims-" + task["alias"]),
                                 f".so man1/multims-{task['name']}.1\n")
            self.assertIn(f"multims-{task['name']}", self.page("multims").replace("\\-", "-"))

    def test_the_verbs_that_transform_are_explained(self):
        for verb in "mstransform", "split", "hanningsmooth":
            page = self.page("multims-" + verb)
            for title in "ON A MULTI\\-MS", "WEIGHTS", "NUMERICS", "DIFFERENCES FROM CASA":
                self.assertIn(f'.SH "{title}"', page, verb)

    def test_troff_has_no_complaint(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        folder = os.path.join(self.prefix, "share", "man")
        for name in sorted(os.listdir(os.path.join(folder, "man1"))):
            run = self.run_words("env", "-C", folder, "groff", "-man", "-ww", "-Tutf8", "-z", "-k",
                                 "man1/" + name)
            self.assertEqual((run.returncode, run.stderr), (0, ""), name)

    def complete(self, *words):
        script = os.path.join(self.prefix, "share", "bash-completion", "completions", "multims")
        return self.demand("bash", "-c", COMPLETE, "bash", script, "multims", *words).split()

    def test_completion_knows_verbs_and_parameters(self):
        tables = self.tables()
        verbs = [t[k] for t in tables["tasks"] for k in ("name", "alias") if k in t]
        self.assertEqual(set(self.complete("")),
                         {*verbs, "plan", "help", "tasks", "--help", "--version"})
        self.assertEqual(set(self.complete("plan", "")), set(verbs))
        for task in tables["tasks"]:
            shown = [p for p in task["params"] if not p["hidden"]]
            options = {"--" + p["name"] for p in shown + tables["options"]}
            options |= {"--no-" + p["name"] for p in shown if p["default"] is True}
            keys = {p["name"] + "=" for p in shown if not p["run"]}
            for verb in {task["name"], task.get("alias", task["name"])}:
                self.assertEqual(set(self.complete(verb, "--")), options)
                self.assertEqual(set(self.complete("plan", verb, "")) - {"moved/"}, keys)
            for p in shown:
                if "allowed" in p:
                    self.assertEqual(self.complete(task["name"], p["name"], "="), p["allowed"])
                    self.assertEqual(self.complete(task["name"], "--" + p["name"], ""),
                                     p["allowed"])

    def shell(self, name):
        if not shutil.which(name):
            self.skipTest(f"no {name}")
        return {**os.environ, "HOME": self.folder}

    def check_completion(self, complete):
        """What every shell must offer."""
        tables = self.tables()
        verbs = {t[k] for t in tables["tasks"] for k in ("name", "alias") if k in t}
        self.assertLessEqual({*verbs, "plan", "help", "tasks"}, set(complete("")))
        self.assertEqual(set(complete("plan", "")), verbs)
        self.assertEqual(complete("par"), ["partition"])
        for task in tables["tasks"]:
            shown = [p for p in task["params"] if not p["hidden"]]
            options = {"--" + p["name"] for p in shown + tables["options"]}
            options |= {"--no-" + p["name"] for p in shown if p["default"] is True}
            for verb in {task["name"], task.get("alias", task["name"])}:
                self.assertEqual(set(complete(verb, "--")), options)
                self.assertLessEqual({p["name"] + "=" for p in shown if not p["run"]},
                                     set(complete("plan", verb, "")))
        self.assertIn("keepflags=", complete("split", "--dryrun", "keepf"))
        self.assertEqual(complete("split2", "--datacolumn", "mo"), ["model"])
        self.assertEqual(complete("split", "-j", ""), ["auto"])

    def test_completion_of_zsh(self):
        env = self.shell("zsh")
        script = os.path.join(self.prefix, "share", "zsh", "site-functions", "_multims")
        self.demand("zsh", "-n", script, env=env)

        def complete(*words):
            said = self.demand("zsh", "-f", "-c", COMPLETE_ZSH, "zsh", script, "multims", *words,
                               env=env)
            return [word for word in said.split() if word != "a-file"]
        self.check_completion(complete)
        self.assertEqual(complete("split", "datacolumn=mo"), ["model"])
        for typed, whole in (("par", "partition "), ("split keepfl", "split keepflags="),
                             ("plan split2 datacolumn=mo", "plan split2 datacolumn=model ")):
            said = self.demand("zsh", "-f", "-c", TAB_ZSH, "zsh", os.path.dirname(script),
                               "multims " + typed, env=env)
            self.assertIn(f"<multims {whole}>", said)

    def test_completion_of_fish(self):
        env = self.shell("fish")
        script = os.path.join(self.prefix, "share", "fish", "vendor_completions.d", "multims.fish")
        self.demand("fish", "-n", script, env=env)

        def complete(*words):
            said = self.demand("fish", "-c", "source $argv[1]; complete -C $argv[2]", script,
                               " ".join(["multims", *words]), env=env)
            return [line.split("\t")[0] for line in said.splitlines()]
        self.check_completion(complete)
        self.assertIn("datacolumn=model", complete("split", "datacolumn=mo"))
        os.mkdir(self.path("input.ms"))
        self.assertEqual(complete("split", "vis=inp"), ["vis=input.ms/"])

    def test_completion_of_values(self):
        self.assertEqual(self.complete("split2", "datacolumn", "=", "mo"), ["model"])
        self.assertEqual(self.complete("split", "datacolumn=mo"), ["model"])
        self.assertEqual(self.complete("split", "keepmms", "=", "F"), ["False"])
        self.assertEqual(self.complete("split", "--dryrun", "keepf"), ["keepflags="])
        os.mkdir(self.path("in my.ms"))
        self.assertEqual(self.complete("split", "vis", "=", "in"), ["in", "my.ms/"])


program_case.main()
