# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under CASA: subtract the virtual models of sets, and clear them."""
import sys

from casatasks import delmod, uvsub

for name in sys.argv[1:]:
    uvsub(name)
    delmod(name, otf=True, scr=False)
