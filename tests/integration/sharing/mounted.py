# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems whose files can share blocks, in a file, mounted for a test: as root."""
import os
import shutil
import subprocess

MAKE = {"xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q"]}


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True).stdout


class Mounted:
    """One of them below scratch; ends with close()."""

    def __init__(self, kind, scratch, megabytes=512):
        self.kind, self.lack = kind, self.find_lack(kind)
        self.image, self.folder = os.path.join(scratch, kind + ".img"), os.path.join(scratch, kind)
        self.open = False
        if self.lack:
            return
        self.clean()
        os.makedirs(self.folder)
        try:
            with open(self.image, "wb") as f:
                f.truncate(megabytes << 20)
            run(*MAKE[kind], self.image)
            run("mount", "-o", "loop", "-t", kind, self.image, self.folder)
            self.open = True
        except subprocess.CalledProcessError as e:
            self.lack = f"{kind} can't be mounted here: {e.stdout.strip().splitlines()[-1:]}"
            self.close()

    @staticmethod
    def find_lack(kind):
        """Why it can't be, or None."""
        if os.geteuid() != 0:
            return f"a {kind} is mounted by root"
        if not shutil.which(MAKE[kind][0]):
            return f"no {MAKE[kind][0]}"
        return None

    def clean(self):
        """What a run that was killed has left."""
        if os.path.ismount(self.folder):
            run("umount", self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.path.exists(self.image):
            os.remove(self.image)

    def close(self):
        if self.open:
            run("umount", self.folder)
        self.open = False
        self.clean()

    def used(self):
        """Bytes that are taken."""
        run("sync", "-f", self.folder)
        info = os.statvfs(self.folder)
        return (info.f_blocks - info.f_bfree) * info.f_frsize

    def free(self):
        run("sync", "-f", self.folder)
        info = os.statvfs(self.folder)
        return info.f_bavail * info.f_frsize
