# SPDX-License-Identifier: LGPL-2.1-or-later
"""CASA reads the virtual models that setjy writes, and clears them."""
import os

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--oracle", required=True)
program_case.parser.add_argument("--casa", required=True)
KEYS = ("TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2")
LAWS = {  # and whether CASA takes frequencies as LSRK, which differ by up to 1e-4
    "index": (["standard=manual", "fluxdensity=[3,0.1,0.2,0.3]", "spix=-0.7", "reffreq=1.5GHz"], 2e-4),
    "curved": (["standard=manual", "fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]", "reffreq=1.5GHz"], 1e-6),
    "polarized": (["standard=manual", "fluxdensity=[3,0,0,0]", "polindex=[0.1,0.05]", "polangle=[0.2,0.1]",
                   "rotmeas=2", "reffreq=1.5GHz"], 1e-6),
    "window": (["standard=manual", "fluxdensity=[3,0,0,0]", "spix=[-0.7,0.1]", "polindex=[0.1,0.05]",
                "polangle=[0.2,0.1]", "rotmeas=2", "reffreq=1.5GHz", "scalebychan=False"], 1e-6),
    "flat": (["standard=manual", "fluxdensity=[3,0,0,0]", "spix=[-0.7,0.1]", "scalebychan=False"], 1e-6),
}


def model(path, column):
    """What CASA subtracted, or MODEL_DATA."""
    with table(path, ack=False) as t:
        order = numpy.lexsort([t.getcol(k) for k in KEYS])
        found = t.getcol("DATA") - t.getcol("CORRECTED_DATA") if column is None else t.getcol(column)
    return found[order]


class Oracle(ProgramCase):
    def test_casa_subtracts_our_models(self):
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", "corrected=False", "scans=2")
        with table(self.path("in.ms/SPECTRAL_WINDOW"), readonly=False, ack=False) as t:
            down = t.getcell("CHAN_FREQ", 1)[::-1].copy()  # a window that descends
            t.putcell("CHAN_FREQ", 1, down)
            t.putcell("CHAN_WIDTH", 1, -t.getcell("CHAN_WIDTH", 1))
        self.multims("partition", "in.ms", "in.mms", "numsubms=2", "--no-sync", "-q", "flagbackup=False")
        names = []
        for law, (words, _) in LAWS.items():
            for source, name in ("in.ms", f"{law}.ms"), ("in.mms", f"{law}.mms"), ("in.ms", f"{law}.real.ms"):
                self.run_words("cp", "-r", source, name)
                real = "usescratch=" + str(".real." in name)
                self.multims("setjy", name, *words, real, "--no-sync", "-q")
            names += [f"{law}.ms", f"{law}.mms"]
        casa = program_case.args
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "casa_models.py")
        run = self.run_words(casa.oracle + "/casa", casa.casa, script, *names, timeout=300)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        for law, (_, tolerance) in LAWS.items():
            want = model(self.path(f"{law}.real.ms"), "MODEL_DATA")
            for name in f"{law}.ms", f"{law}.mms":
                with self.subTest(name=name):
                    numpy.testing.assert_allclose(model(self.path(name), None), want, rtol=0, atol=5 * tolerance)
            with table(self.path(f"{law}.ms/SOURCE"), ack=False) as t:
                self.assertEqual([k for k in t.getkeywords() if "model" in k], [])


if __name__ == "__main__":
    program_case.main()
