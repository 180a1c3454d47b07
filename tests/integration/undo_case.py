# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of in-place work share: the bytes of a set, and runs that are killed or out of room."""
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time

import program_case
from program_case import ProgramCase


def digests(folder):
    """The bytes of all files of a set, which may change meanwhile; casacore's lock files change as tables are looked at."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if name != "table.lock" and not os.path.islink(path):
                with contextlib.suppress(FileNotFoundError), open(path, "rb") as f:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(f.read()).hexdigest()
    return found


class UndoCase(ProgramCase):
    """Work on in.mms, of which keep is a copy."""

    def renew(self):
        shutil.rmtree(self.path("in.mms"), ignore_errors=True)
        shutil.copytree(self.path("keep"), self.path("in.mms"), symlinks=True)

    def leftovers(self):
        return [name for name in os.listdir(self.folder) if name.startswith(".")]

    def start(self, words):
        return subprocess.Popen([program_case.args.program, *words], cwd=self.folder, start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self, run):
        """Kill a run and its workers, if they are still there."""
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()

    def kill(self, words, after):
        """Start a run on a fresh copy, kill it after some seconds, and restore."""
        self.renew()
        run = self.start(words)
        time.sleep(after)
        self.end(run)
        self.restore("in.mms")
        self.assertEqual(self.leftovers(), [])

    def run_without_room(self, limit, words):
        """Run where files may not grow beyond some KiB."""
        return self.run_words("bash", "-c", f"trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"",
                              program_case.args.program, *words)
