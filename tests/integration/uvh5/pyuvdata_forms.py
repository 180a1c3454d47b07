# SPDX-License-Identifier: LGPL-2.1-or-later
"""Under a Python that has pyuvdata: pyuvdata_forms.py FOLDER OUT writes UVH5 files of as many forms as pyuvdata has,
from the samples in FOLDER, and a line NAME|words of importuvh5 for each."""
import os
import sys
import warnings

import numpy as np
from pyuvdata import UVData

warnings.simplefilter("ignore")
folder, out = sys.argv[1:]


def base(name="odd_windows"):
    uv = UVData()
    uv.read_uvh5(os.path.join(folder, name + ".uvh5"), run_check_acceptability=False)
    uv.data_array = uv.data_array.astype("c8")
    return uv


def write(uv, name, words="", **how):
    how = {"run_check": False, "clobber": True, **how}
    uv.write_uvh5(os.path.join(out, name + ".uvh5"), **how)
    print(f"{name}|{words}")


def small():
    uv = base("ata_v12")
    uv.select(antenna_nums=sorted(set(uv.ant_1_array.tolist()))[:6], freq_chans=np.arange(12), run_check=False)
    scale = 100 / abs(uv.data_array).max()
    uv.data_array = (np.rint(uv.data_array.real * scale) + 1j * np.rint(uv.data_array.imag * scale)).astype("c8")
    return uv


# how values are stored
for kind in "i2", "i4", "f8", "f4":
    dtype = {"f4": "c8", "f8": "c16"}.get(kind, np.dtype([("r", "<" + kind), ("i", "<" + kind)]))
    for packed in None, "lzf", "gzip":
        write(small(), f"{kind}_{packed}", data_write_dtype=dtype, data_compression=packed,
              flags_compression=packed or "gzip", nsample_compression=packed)
write(small(), "plain", chunks=None, flags_compression=None, nsample_compression=None)
write(small(), "chunked", chunks=(3, 12, 2), data_compression="gzip")

# polarizations
for order in [0], [3], [1, 0], [3, 1, 0, 2], [2, 0, 1]:
    uv = small()
    uv.reorder_pols(order=order + [p for p in range(4) if p not in order], run_check=False)
    uv.select(polarizations=uv.polarization_array[:len(order)], run_check=False)
    write(uv, "pols_" + "".join(map(str, order)))
for codes in (1, 2, 3, 4), (-1, -2, -3, -4), (4, 1):
    uv = small()
    uv.select(polarizations=uv.polarization_array[:len(codes)], run_check=False)
    uv.polarization_array = np.array(codes)
    write(uv, "pols" + "".join(map(str, codes)))

# windows
write(base(), "windows")
uv = base()
uv.select(spws=uv.spw_array[1:], run_check=False)
write(uv, "windows_left")
uv = base()
uv.reorder_freqs(spw_order="-number", channel_order="-freq", run_check=False)
write(uv, "windows_backwards")
uv = base()
uv.channel_width = uv.channel_width * np.linspace(1, 2, uv.Nfreqs)
write(uv, "widths")
uv = base()
uv.convert_to_flex_pol()
write(uv, "flexible")
uv = base()
uv.select(freq_chans=[0, 1, 2, 5, 6, 11], run_check=False)
write(uv, "channels_left")

# baseline-times
for order in "baseline", "time", "bda":
    uv = base()
    uv.reorder_blts(order=order, run_check=False)
    write(uv, "order_" + order)
uv = base()
uv.integration_time = uv.integration_time * (1 + np.arange(uv.Nblts) % 3)
write(uv, "integrations")
uv = base()
dice = np.random.default_rng(1)
uv.select(blt_inds=np.sort(dice.permutation(uv.Nblts)[:uv.Nblts // 2]), run_check=False)
write(uv, "ragged")
uv = base()
uv.conjugate_bls("ant2<ant1")
write(uv, "conjugated")
uv = base()
uv.flag_array[::3] = True
uv.nsample_array[::3] = 0
uv.data_array[::3] = 0
write(uv, "padding", "keepabsent=True")
uv = small()
uv.data_array[3] = np.nan
uv.flag_array[3] = True
write(uv, "nan")

# antennas, telescopes
for every in False, True:
    uv = base("ata_v12")
    uv.select(antenna_nums=sorted(set(uv.ant_1_array.tolist()))[2:7], keep_all_metadata=every, run_check=False)
    write(uv, f"antennas_{every}")
uv = small()
n = uv.telescope.Nants
uv.telescope.feed_array = np.array([["x", "y"], ["y", "x"]])[np.arange(n) % 2]
uv.telescope.feed_angle = np.array([[np.pi / 2, 0], [0, np.pi / 2]])[np.arange(n) % 2]
uv.telescope.Nfeeds = 2
uv.telescope.mount_type = ["alt-az", "fixed", "phased"] * (n // 3) + ["other"] * (n % 3)
write(uv, "feeds")
uv = small()
uv.telescope.feed_array = np.array([["x"]] * n)
uv.telescope.feed_angle = np.array([[0.25]] * n)
uv.telescope.Nfeeds = 1
uv.select(polarizations=[-5], run_check=False)
write(uv, "one_feed")
uv = small()
uv.telescope.antenna_diameters = np.linspace(5, 6, n)
uv.telescope.name, uv.telescope.instrument = "HERE", "THAT"
write(uv, "telescope")

# keywords, units
uv = small()
uv.extra_keywords = {"text": "a text", "real": 1.5, "whole": 3, "yes": True, "none": None, "complex": 1 + 2j}
uv.vis_units = "Jy"
uv.pol_convention = "avg"
uv.gst0, uv.dut1, uv.earth_omega, uv.timesys, uv.rdate = 1.0, 0.1, 360.9, "UTC", "2020-01-01"
write(uv, "keywords")

# phase centres
times = np.linspace(-0.01, 0.01, 5)
for kind, words in (("ephem", ""), ("moving", ""), ("unprojected", "unprojected=zenith"), ("driftscan", "refused"),
                    ("near_field", "refused")):
    uv = small()
    first = uv.phase_center_id_array[0]
    more = {"ephem": {"cat_type": "ephem", "cat_times": uv.time_array.mean() + times,
                      "cat_lon": 1 + times / 10, "cat_lat": 0.5 + times / 20, "cat_frame": "icrs"},
            "moving": {"cat_type": "sidereal", "cat_lon": 1.0, "cat_lat": 0.5, "cat_frame": "fk5", "cat_epoch": 2000.0,
                       "cat_pm_ra": 3.0, "cat_pm_dec": -2.0, "cat_vrad": 20.0, "cat_dist": 5.0},
            "unprojected": {"cat_type": "unprojected"},
            "driftscan": {"cat_type": "driftscan", "cat_lon": 0.0, "cat_lat": 1.5, "cat_frame": "altaz",
                          "cat_epoch": 2000.0},
            "near_field": {"cat_type": "near_field", "cat_lon": 1.0, "cat_lat": 0.5, "cat_dist": 4000.0,
                           "cat_frame": "icrs", "cat_epoch": 2000.0}}[kind]
    new = uv._add_phase_center("b" + kind, **more)
    uv.phase_center_id_array[uv.Nblts // 2:] = new
    uv.phase_center_id_array[0] = first
    write(uv, "centre_" + kind, words)
for frame, epoch in ("fk5", 2000.0), ("icrs", None), ("fk4", 1950.0), ("gcrs", None), ("galactic", None), ("fk5", 1975.0):
    uv = small()
    entry = uv.phase_center_catalog[uv.phase_center_id_array[0]]
    entry["cat_frame"], entry["cat_epoch"] = frame, epoch
    write(uv, f"frame_{frame}_{epoch}", "refused" if frame == "galactic" or epoch == 1975 else "")
