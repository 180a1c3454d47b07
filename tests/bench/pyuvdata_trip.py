# SPDX-License-Identifier: LGPL-2.1-or-later
"""pyuvdata_trip.py export|import IN OUT: what `multims exportuvh5` and `importuvh5` do, by pyuvdata.  Prints the
seconds by the clock and of the processor without the start of the interpreter and its imports, and the peak in MiB."""
import resource
import sys
import time

from astropy.coordinates import EarthLocation
from astropy.coordinates.sites import SiteRegistry
from astropy.utils import iers
from pyuvdata import UVData

iers.conf.auto_download = False  # nor a list of sites: no network
EarthLocation._site_registry = SiteRegistry.from_json(
    {"vla": {"name": "VLA", "aliases": [], "source": "casacore", "latitude": 34.0784, "latitude_unit": "degree",
             "longitude": -107.6177, "longitude_unit": "degree", "elevation": 2124, "elevation_unit": "meter"}})
verb, source, out = sys.argv[1:]
clock, cpu = time.monotonic(), time.process_time()
uv = UVData.from_file(source, file_type="ms" if verb == "export" else "uvh5")
if verb == "export":
    uv.write_uvh5(out)
else:
    uv.write_ms(out)
print("\n", time.monotonic() - clock, time.process_time() - cpu,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
