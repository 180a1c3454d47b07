# SPDX-License-Identifier: LGPL-2.1-or-later
"""clip, quack, extend, tfcrop and rflag beside a model of them in numpy, written from their description
alone, on random data: planted interference, edges, baselines that are all flagged, one channel, one time."""
import shutil

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--seeds", type=int, default=3)
F = numpy.float32

SETS = {
    "plain": [],
    "one_channel": ["channels=1"],
    "one_time": ["integrations=1"],
    "few": ["channels=3", "integrations=3"],
}


def plant(path, seed):
    random = numpy.random.default_rng(seed)
    with table(path, readonly=False, ack=False) as t:
        data, flag = t.getcol("DATA"), t.getcol("FLAG")
        shape = data.shape
        data[:] = 5 + random.normal(0, 0.3, shape) + 1j * random.normal(0, 0.3, shape)
        data[random.random(shape) < 0.02] *= 6
        data[:, -1] *= 1 + 0.8 * (random.random((shape[0], 1)) < 0.3)  # at an edge
        data[:, shape[1] // 2] += 4 * (random.random((shape[0], 1)) < 0.2)
        data[random.random(shape) < 0.01] *= 0.1
        first = t.getcol("TIME") == t.getcol("TIME").min()
        data[first] *= 1.7
        flag[:] = random.random(shape) < 0.05
        flag[(t.getcol("ANTENNA1") == 0) & (t.getcol("ANTENNA2") == 1)] = True
        t.putcol("DATA", data.astype(numpy.complex64))
        t.putcol("FLAG", flag)


# ---- row by row --------------------------------------------------------------------------------------------------


def clip(rows, low, high):
    value = numpy.abs(rows["DATA"])
    return rows["FLAG"] | (value > high) | (value < low) | ~numpy.isfinite(value)


def quack(rows, interval, mode):
    flag = rows["FLAG"].copy()
    for scan in set(rows["SCAN_NUMBER"]):
        at = rows["SCAN_NUMBER"] == scan
        time = rows["TIME"][at]
        begin, end = time.min(), time.max()
        hit = {"beg": time <= begin + interval, "endb": time >= end - interval,
               "tail": time > begin + interval, "end": time < end - interval}[mode]
        flag[numpy.flatnonzero(at)[hit]] = True
    return flag


# ---- maps: [time, channel, correlation] of one baseline -------------------------------------------------------------


def chunks(rows):
    """Rows of a scan, field and window; of each, those of each baseline, in order of time."""
    keys = numpy.stack([rows[k] for k in ("SCAN_NUMBER", "FIELD_ID", "DATA_DESC_ID")], 1)
    for key in numpy.unique(keys, axis=0):
        at = numpy.flatnonzero((keys == key).all(1))
        at = at[numpy.lexsort((rows["ANTENNA2"][at], rows["ANTENNA1"][at], rows["TIME"][at]))]
        pairs = rows["ANTENNA1"][at] * 1000 + rows["ANTENNA2"][at]
        yield [at[pairs == p] for p in numpy.unique(pairs)]


def extend_map(f, growtime, growfreq, pols, neartime=False, nearfreq=False, around=False):
    g = f.copy()
    if neartime:
        g[1:] |= f[:-1]
        g[:-1] |= f[1:]
    if nearfreq:
        g[:, 1:] |= f[:, :-1]
        g[:, :-1] |= f[:, 1:]
    if around:
        wide = numpy.pad(f, ((1, 1), (1, 1), (0, 0))).astype(int)
        count = sum(wide[1 + i:wide.shape[0] - 1 + i, 1 + k:wide.shape[1] - 1 + k]
                    for i in (-1, 0, 1) for k in (-1, 0, 1) if i or k)
        g |= ~f & (count > 4)
    out = g.copy()
    if growfreq > 0:
        out |= (100 * g.sum(1, keepdims=True) >= growfreq * g.shape[1])
    if growtime > 0:
        out |= (100 * g.sum(0, keepdims=True) >= growtime * g.shape[0])
    if pols:
        out |= out.any(2, keepdims=True)
    return out


def extend(rows, **how):
    flag = rows["FLAG"].copy()
    for chunk in chunks(rows):
        for at in chunk:
            flag[at] = extend_map(flag[at], **how)
    return flag


# ---- tfcrop -------------------------------------------------------------------------------------------------------


def total(values):
    s = F(0)
    for v in values:
        s = F(s + v)
    return s


def fit_line(t, good, use, where, f):
    n = good.sum()
    mean = F(total(t[good]) / F(n)) if n else F(0)
    sigma = F(numpy.sqrt(F(total((t[good] - mean) ** 2) / F(n)))) if n else F(0)
    with numpy.errstate(all="ignore"):
        variance, i = sigma * sigma, use.astype(F)
        s, sx, sy = (total(x / variance) for x in (numpy.ones(len(use), F), i, t[use]))
        sxx, sxy = total(i * i / variance), total(i * t[use] / variance)
        delta = F(s * sxx - sx * sx)
        a, b = F((sxx * sy - sx * sxy) / delta), F((s * sxy - sx * sy) / delta)
        f[where] = a + b * where.astype(F)


def fit_poly(t, good, use, where, degree, f):
    if len(use) <= degree:
        return fit_line(t, good, use, where, f)
    x = use + 1.0
    solved = numpy.linalg.lstsq(x[:, None] ** numpy.arange(degree + 1), t[use].astype(float),
                                rcond=None)[0]
    for i in where:
        v = F(0)
        for k in range(degree + 1):
            v = F(v + solved[k] * (i + 1.0) ** k)
        f[i] = v


def bridge(a, g):
    t = a.copy()
    for i in range(len(t)):
        if t[i] == 0:
            left, right = t[:i][t[:i] != 0], t[i + 1:][t[i + 1:] != 0]
            ends = ([left[-1]] if len(left) else []) + ([right[0]] if len(right) else [])
            t[i] = F(sum(ends) / F(len(ends))) if ends else F(0)
        if t[i] == 0:
            g[i] = True
    return t


def piece_fit(a, g, most, top):
    g, n = g.copy(), len(a)
    t = bridge(a, g)
    f = t.copy()
    for j in range(5):
        pieces, degree = min(2 * j + 1, most), min((1, 1, 2, 3, 3)[j], top)
        p, front = n // pieces, n % pieces // 2
        for q in range(pieces):
            low = 0 if q == 0 else front + q * p
            high = n - 1 if q == pieces - 1 else min(front + (q + 1) * p, n - 1)
            where = numpy.arange(low, high + 1)
            use = where[~g[where]]
            if degree == 1:
                fit_line(t, ~g, use, where, f)
            else:
                fit_poly(t, ~g, use, where, degree, f)
        for i in range(2, n - 2):
            f[i] = F(total(f[i - 2:i + 3]) / F(5))
        good = ~g
        with numpy.errstate(all="ignore"):
            s = numpy.sqrt(F(total((t[good] - f[good]) ** 2) / F(max(good.sum(), 1))))
            g |= t - f > F(3 if j < 2 else 2) * s
    return f


def crop(v, flag, along, tol, poly):
    """v, flag: [time, channel], one product; flag is changed."""
    x, h = (v, flag) if along == "freq" else (v.T, flag.T)  # [line across, point along]
    n = (~h).sum(0)
    a = numpy.array([F(total(x[~h[:, i], i]) / F(n[i])) if n[i] else F(0) for i in range(x.shape[1])], F)
    if not n.any():
        return
    f = piece_fit(a, n == 0, 7 if poly else 1, 3 if poly else 1)
    for line in range(len(x)):
        previous = 0.0
        with numpy.errstate(all="ignore"):
            ratio = x[line] / f
            for _ in range(5):
                good = ~h[line]
                if not good.any():
                    break
                s = float(numpy.sqrt(F(total((ratio[good] - F(1)) ** 2) / F(good.sum()))))
                h[line] |= good & (numpy.abs(ratio - F(1)) > tol * s)
                if abs(previous - s) < 0.1:
                    break
                previous = s


def tfcrop(rows, extended=False):
    flag, value = rows["FLAG"].copy(), numpy.abs(rows["DATA"])
    for chunk in chunks(rows):
        for at in chunk:
            f = flag[at]
            for p in range(f.shape[2]):
                one = f[:, :, p].copy()
                crop(value[at][:, :, p], one, "freq", 3.0, True)
                crop(value[at][:, :, p], one, "time", 4.0, False)
                f[:, :, p] = one
            flag[at] = extend_map(f, 50, 80, True) if extended else f
    return flag


# ---- rflag --------------------------------------------------------------------------------------------------------


def spread(x):
    return numpy.median(x) + 1.4826 * numpy.median(numpy.abs(x - numpy.median(x)))


def windows(data, flag, winsize):
    """[central time, channel, correlation]: standard deviations, NaN where all is flagged; and the first
    and last time of each."""
    n = len(data)
    half = (min(winsize, n) - 1) // 2
    found = []
    for i in range(half, n - half):
        good, d = ~flag[i - half:i + half + 1], data[i - half:i + half + 1]
        count = good.sum(0)
        with numpy.errstate(all="ignore"):
            v = 0
            for part in d.real, d.imag:
                part = numpy.where(good, part, 0)
                mean = part.astype(float).sum(0) / count
                v = v + numpy.maximum(0, (part * part).astype(float).sum(0) / count - mean**2)
            found.append((i - half, i + half, numpy.sqrt(v)))
    return found


def deviations(data, flag):
    """[part][time, channel, correlation] from the medians of unflagged channels."""
    found = []
    for part in data.real, data.imag:
        masked = numpy.ma.array(part, mask=flag)
        median = numpy.ma.median(masked, axis=1, keepdims=True).filled(0)
        found.append(numpy.abs(part - median))
    return found


def rflag(rows):
    before, flag, data = rows["FLAG"], rows["FLAG"].copy(), rows["DATA"]
    for chunk in chunks(rows):
        nchan = data[chunk[0]].shape[1]
        sums, counts = numpy.zeros((2, nchan)), numpy.zeros((2, nchan))
        for at in chunk:
            for _, _, v in windows(data[at], before[at], 3):
                sums[0] += numpy.nansum(v, axis=1)
                counts[0] += numpy.isfinite(v).sum(1)
            for d in deviations(data[at], before[at]):
                sums[1] += numpy.where(before[at], 0, d).sum((0, 2))
                counts[1] += (~before[at]).sum((0, 2))
        noise, scatter = (5 * spread(numpy.where(c > 0, s / numpy.maximum(c, 1), 0))
                          for s, c in zip(sums, counts))
        for at in chunk:
            f = flag[at]
            for first, last, v in windows(data[at], before[at], 3):
                f[first:last + 1] |= numpy.nan_to_num(v) > noise
            for d in deviations(data[at], before[at]):
                f |= d > scatter
            flag[at] = f
    return flag


MODES = {
    "clip": (["clipminmax=[4,6.5]"], lambda rows: clip(rows, 4, 6.5)),
    "quack": (["quackinterval=7"], lambda rows: quack(rows, 7, "beg")),
    "quack_tail": (["mode=quack", "quackinterval=12", "quackmode=tail"],
                   lambda rows: quack(rows, 12, "tail")),
    "quack_endb": (["mode=quack", "quackinterval=12", "quackmode=endb"],
                   lambda rows: quack(rows, 12, "endb")),
    "extend": (["growtime=30", "growfreq=40"],
               lambda rows: extend(rows, growtime=30, growfreq=40, pols=True)),
    "extend_near": (["mode=extend", "growtime=0", "growfreq=0", "extendpols=False", "flagneartime=True",
                     "flagnearfreq=True"],
                    lambda rows: extend(rows, growtime=0, growfreq=0, pols=False, neartime=True,
                                        nearfreq=True)),
    "extend_around": (["mode=extend", "growtime=0", "growfreq=0", "growaround=True"],
                      lambda rows: extend(rows, growtime=0, growfreq=0, pols=True, around=True)),
    "tfcrop": (["extendflags=False"], tfcrop),
    "tfcrop_extended": (["mode=tfcrop"], lambda rows: tfcrop(rows, True)),
    "rflag": (["extendflags=False"], rflag),
}


def read(path):
    with table(path, ack=False) as t:
        return {k: t.getcol(k) for k in ("DATA", "FLAG", "TIME", "SCAN_NUMBER", "FIELD_ID",
                                         "DATA_DESC_ID", "ANTENNA1", "ANTENNA2")}


class Model(ProgramCase):
    def check(self, name, words):
        given = dict(w.split("=") for w in words)
        self.multims("simulate", "in.ms", "antennas=3", "scans=2", "spws=1", "--no-sync", "--quiet",
                     *(f"{k}={v}" for k, v in {"channels": 40, "integrations": 9, **given}.items()))
        for seed in range(program_case.args.seeds):
            plant(self.path("in.ms"), seed)
            rows = read(self.path("in.ms"))
            for mode, (asked, model) in MODES.items():
                shutil.copytree(self.path("in.ms"), self.path("set"))
                self.multims("flagdata", "set", *([] if asked[0].startswith("mode=") else [f"mode={mode}"]), *asked,
                              "flagbackup=False", "--no-sync")
                want, found = model(rows), read(self.path("set"))["FLAG"]
                self.assertEqual((want != found).sum(), 0, f"{name} {seed}: {mode}, of "
                                 f"{(found != rows['FLAG']).sum()} that changed")
                if name == "plain":
                    self.assertTrue((found != rows["FLAG"]).any(), mode)
                shutil.rmtree(self.path("set"))


def add(name, words):
    setattr(Model, f"test_{name}", lambda self: self.check(name, words))


for set_name, set_words in SETS.items():
    add(set_name, set_words)
program_case.main()
