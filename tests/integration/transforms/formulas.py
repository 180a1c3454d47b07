# SPDX-License-Identifier: LGPL-2.1-or-later
"""The formulas of transform-numerics 0.4 to 0.7 and 3 to 5 in numpy, from the text alone.

A cell array is [row][channel][correlation]; sums are float32 in the stated order, vectorised over
rows.  numerics=casa.
"""
import numpy as np
from casacore.tables import table

FLT_MIN = np.float32(1.17549435e-38)
IDS = ["OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "STATE_ID", "FIELD_ID", "DATA_DESC_ID"]
SPANNED = {"scan": "SCAN_NUMBER", "state": "STATE_ID", "field": "FIELD_ID"}
SCALARS = IDS + ["ANTENNA1", "ANTENNA2", "TIME", "TIME_CENTROID", "INTERVAL", "EXPOSURE",
                 "FLAG_ROW"]


def sigma_to_weight(s):
    with np.errstate(all="ignore"):
        return np.where(s > FLT_MIN, 1.0 / (s * s).astype(float), 0).astype(np.float32)


def weight_to_sigma(w):
    with np.errstate(all="ignore"):
        return np.where(w > FLT_MIN, 1.0 / np.sqrt(w).astype(float), -1).astype(np.float32)


def pairs(data):
    """Complex cells as pairs of floats, real ones as one float: a last axis more."""
    if not np.iscomplexobj(data):
        return data[..., None].astype(np.float32)
    return np.stack([data.real, data.imag], axis=-1).astype(np.float32)


def joined(cells):
    return cells[..., 0] + 1j * cells[..., 1] if cells.shape[-1] == 2 else cells[..., 0]


class Sums:
    """The restart rule: sums of flagged samples until the first good one, then of good ones."""

    def __init__(self, terms, weights, flag):
        self.sum, self.weight, self.flag = terms.copy(), weights.copy(), flag.copy()

    def add(self, rows, terms, weights, flag):
        old = self.flag[rows]
        restart, same = old & ~flag, old == flag
        for total, term in ((self.sum, terms), (self.weight, weights)):
            wide = (...,) + (None,) * (total.ndim - flag.ndim)
            total[rows] = np.where(restart[wide], term,
                                   np.where(same[wide], total[rows] + term, total[rows]))
        self.flag[rows] = old & flag


def along_channels(terms, weights, flag):
    """Sums over axis 1."""
    sums = Sums(terms[:, 0], weights[:, 0], flag[:, 0])
    for k in range(1, flag.shape[1]):
        sums.add(slice(None), terms[:, k], weights[:, k], flag[:, k])
    return sums


def mean_spectrum(x, flag):
    sums = along_channels(x, np.ones_like(x), flag)
    return sums.sum / sums.weight


class Spectra:
    """Rows of one data description on their way through the chain."""

    def __init__(self, rows, columns, has_spectrum):
        shape = rows["FLAG"].shape
        self.rows, self.flag, self.has_spectrum = rows, rows["FLAG"], has_spectrum
        self.data = {c: pairs(rows[c]) for c in columns}
        self.weighted = has_spectrum
        spread = lambda x: np.broadcast_to(x[:, None, :], shape).copy()
        self.w = rows.get("WEIGHT_SPECTRUM", spread(rows["WEIGHT"]))
        self.sigma = rows.get("SIGMA_SPECTRUM", spread(rows["SIGMA"]))
        self.s = sigma_to_weight(self.sigma)
        self.w_flag = self.s_flag = self.flag
        self.steps = set()

    def weight_of(self, column):
        return self.w if column == "CORRECTED_DATA" else self.s

    def average_channels(self, n):
        self.steps.add("spectral")
        kept = self.flag.shape[1] // n
        cut = lambda x: x[:, :kept * n].reshape(-1, n, *x.shape[2:])
        back = lambda x: x.reshape(-1, kept, *x.shape[1:])
        main = None
        for column, cells in self.data.items():
            w = cut(self.weight_of(column)) if self.weighted else np.ones_like(cut(self.s))
            sums = along_channels(cut(cells) * w[..., None], w, cut(self.flag))
            some = sums.weight > 0
            with np.errstate(all="ignore"):
                mean = np.where(some[..., None], sums.sum / sums.weight[..., None],
                                np.float32(0))
            self.data[column] = back(mean)
            main = back(sums.flag | ~some) if main is None else main
        self.flag = main
        for weight, flag in (("w", "w_flag"), ("s", "s_flag")):
            w = cut(getattr(self, weight))
            sums = along_channels(w, w, cut(getattr(self, flag)))
            setattr(self, weight, back(sums.sum))
            setattr(self, flag, back(sums.flag))

    def smooth(self):
        self.steps.add("spectral")
        edges = np.zeros(self.flag.shape, bool)
        edges[:, [0, -1]] = True
        quarter, half = np.float32(0.25), np.float32(0.5)
        for column, d in self.data.items():
            out = d.copy()
            out[:, 1:-1] = (quarter * d[:, :-2] + half * d[:, 1:-1]) + quarter * d[:, 2:]
            self.data[column] = out
        self.flag = edges | either(self.flag)
        self.w, self.w_flag = smooth_weights(self.w, self.w_flag)
        self.s, self.s_flag = smooth_weights(self.s, self.s_flag)

    def average_time(self, timebin, timespan, maxuvw):
        self.steps.add("time")
        self.weighted = True
        first, places = time_bins(self.rows, timebin, timespan, maxuvw)
        self.rows = row_products(self, first, places)
        cells = {}
        for name, (terms, weights) in self.time_terms().items():
            sums = Sums(terms[first], weights[first], self.flag[first])
            for bins, rows in places:
                sums.add(bins, terms[rows], weights[rows], self.flag[rows])
            cells[name] = sums
        for column in self.data:
            sums = cells[column]
            n = sums.weight[..., None]
            with np.errstate(all="ignore"):
                self.data[column] = np.where(n > 0, sums.sum / n, sums.sum)
        self.w, self.s = cells["w"].sum, cells["s"].sum
        self.flag = self.w_flag = self.s_flag = cells["w"].flag

    def time_terms(self):
        terms = {c: (d * self.weight_of(c)[..., None], self.weight_of(c))
                 for c, d in self.data.items()}
        return {**terms, "w": (self.w, self.w), "s": (self.s, self.s)}

    def result(self):
        """What the output's rows must hold."""
        out = {k: v for k, v in self.rows.items() if k in SCALARS or k == "UVW"}
        out["FLAG"] = self.flag
        single = len(self.data) == 1
        for column, cells in self.data.items():
            out["DATA" if single else column] = joined(cells)
        out.update(self.weights())
        return out

    def weights(self):
        corrected = "CORRECTED_DATA" in self.data
        from_sigma = self.s if "DATA" in self.data else self.w
        w, w_flag = (self.w, self.w_flag) if corrected else (self.s, self.s_flag)
        s_flag = self.s_flag if "DATA" in self.data else self.w_flag
        if not self.steps:
            return self.plain_weights(corrected)
        out = {"WEIGHT": mean_spectrum(w, w_flag), "WEIGHT_SPECTRUM": w,
               "SIGMA_SPECTRUM": weight_to_sigma(from_sigma)}
        if "spectral" in self.steps:
            out["SIGMA"] = mean_spectrum(out["SIGMA_SPECTRUM"], s_flag)
        else:
            out["SIGMA"] = weight_to_sigma(mean_spectrum(from_sigma, s_flag))
        return out

    def plain_weights(self, corrected):
        weight, sigma = self.rows["WEIGHT"], self.rows["SIGMA"]
        out = {"WEIGHT": weight, "SIGMA": sigma, "WEIGHT_SPECTRUM": self.w,
               "SIGMA_SPECTRUM": self.sigma}
        if not corrected:
            out["WEIGHT"] = sigma_to_weight(sigma)
        elif "DATA" not in self.data:
            out["SIGMA"] = weight_to_sigma(weight)
            out["SIGMA_SPECTRUM"] = weight_to_sigma(self.w)
        return out


def either(flag):
    """Flag of a channel or of one of its neighbours."""
    out = flag.copy()
    out[:, 1:] |= flag[:, :-1]
    out[:, :-1] |= flag[:, 1:]
    return out


def smooth_weights(w, flag):
    """The variance of the sum; channels without weight are left out."""
    good = w > FLT_MIN
    with np.errstate(all="ignore"):
        inverse = np.where(good, 1 / w, 0).astype(np.float32)
    bad = flag | ~good
    a = np.zeros_like(w[:, 1:-1])
    for shift, c in ((0, 0.25), (1, 0.5), (2, 0.25)):
        a = a + np.float32(c * c) * inverse[:, shift:shift + a.shape[1]]
    with np.errstate(all="ignore"):
        inner = np.where(a > FLT_MIN, 1 / a, a)
    out, out_flag = w.copy(), either(bad)
    out[:, 1:-1] = inner
    out_flag[:, [0, -1]] = True
    return out, out_flag


def time_bins(rows, timebin, timespan, maxuvw):
    """The first row of each bin, and for each later place in a bin: (bins, their rows)."""
    keys = [k for k in IDS if k not in {SPANNED[s] for s in timespan}]
    order = np.argsort(rows["TIME"], kind="stable")
    key = list(zip(*(rows[k].tolist() for k in keys + ["ANTENNA1", "ANTENNA2"])))
    is_open, first, later = {}, [], {}
    for r in order.tolist():
        b, place = is_open.get(key[r], (None, 0))
        if b is None or ends(rows, first[b], r, timebin, maxuvw):
            is_open[key[r]] = (len(first), 1)
            first.append(r)
            continue
        later.setdefault(place, ([], []))
        later[place][0].append(b)
        later[place][1].append(r)
        is_open[key[r]] = (b, place + 1)
    return np.array(first), [(np.array(b), np.array(r)) for _, (b, r) in sorted(later.items())]


def ends(rows, start, row, timebin, maxuvw):
    if rows["TIME"][row] - rows["TIME"][start] > 0.999 * timebin:
        return True
    step = rows["UVW"][row] - rows["UVW"][start]
    return maxuvw > 0.001 and (step**2).sum() > maxuvw**2


def row_products(spectra, first, places):
    """Times, UVW and ids of the averaged rows (5.3, 5.5)."""
    rows = spectra.rows
    all_flagged = spectra.flag.all(axis=(1, 2))
    if "CORRECTED_DATA" in spectra.data:
        weight = rows["WEIGHT"].astype(float).sum(axis=1)
    else:
        weight = sigma_to_weight(rows["SIGMA"]).astype(float).sum(axis=1)
    t0 = rows["TIME"][first]
    flagged = all_flagged[first].copy()
    last = first.copy()
    terms = lambda r, b: np.column_stack([np.ones(len(r)), rows["EXPOSURE"][r], rows["UVW"][r],
                                          rows["TIME_CENTROID"][r] - t0[b]])
    plain = terms(first, np.arange(len(first)))
    w = np.where(flagged, 1.0, weight[first])
    heavy, total = plain * w[:, None], w.copy()
    for b, r in places:
        used = flagged[b] | ~all_flagged[r]
        b, r = b[used], r[used]
        restart = flagged[b] & ~all_flagged[r]
        flagged[b] &= all_flagged[r]
        w = np.where(flagged[b], 1.0, weight[r])
        for sums, term in ((plain, terms(r, b)), (heavy, terms(r, b) * w[:, None]), (total, w)):
            keep = ~restart if sums.ndim == 1 else ~restart[:, None]
            sums[b] = np.where(keep, sums[b], 0) + term
        last[b] = r
    out = {k: v[first] for k, v in rows.items() if k in SCALARS}
    dt = rows["TIME"][last] - t0
    half = (rows["INTERVAL"][first] + rows["INTERVAL"][last]) / 2
    with np.errstate(all="ignore"):
        mean = np.where(total[:, None] == 0, plain / plain[:, :1], heavy / total[:, None])
    out.update(TIME=t0 + dt / 2, INTERVAL=np.where(dt == 0, rows["INTERVAL"][first], dt + half),
               EXPOSURE=plain[:, 1], UVW=mean[:, 2:5], TIME_CENTROID=t0 + mean[:, 5],
               FLAG_ROW=np.zeros(len(first), bool))
    return out


# ---- reading -----------------------------------------------------------------------------

def read(path, ddid, columns):
    """The rows of one data description, and whether WEIGHT_SPECTRUM has cells."""
    with table(path, ack=False) as main:
        part = main.query(f"DATA_DESC_ID == {ddid}")
        rows = {c: part.getcol(c) for c in SCALARS + ["UVW", "FLAG", "WEIGHT", "SIGMA", *columns]}
        for c in "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM":
            if c in part.colnames() and part.iscelldefined(c, 0):
                rows[c] = part.getcol(c)
    return rows


def telescope(path):
    with table(path + "/OBSERVATION", ack=False) as observation:
        return observation.getcol("TELESCOPE_NAME")[0]


def transform(path, ddid, columns, chanbin=1, hanning=False, timebin=0, timespan=(), maxuvw=0):
    """The rows that a transform of one data description must write."""
    rows = read(path, ddid, columns)
    spectra = Spectra(rows, columns, "WEIGHT_SPECTRUM" in rows)
    if timebin:
        if timebin > 30 and telescope(path) == "ALMA":
            timespan = set(timespan) | {"state"}
        spectra.average_time(timebin, timespan, maxuvw)
    if chanbin > 1:
        spectra.average_channels(min(chanbin, spectra.flag.shape[1]))
    if hanning:
        spectra.smooth()
    return spectra.result()
