# SPDX-License-Identifier: LGPL-2.1-or-later
"""Output grids a second time, from the text of transform-numerics 6.3 alone, in numpy's long double.

grid(freq, width, request) gives (centres, widths) or raises Refused.  request: mode, nchan, start and
step (numbers, None where not given), optical, restfreq.
"""
import math

import numpy as np

L = np.longdouble
C0 = L(299792458)


class Refused(Exception):
    pass


class Velocity:
    """One definition of velocity: to and from frequency."""

    def __init__(self, optical, rest):
        self.optical, self.rest = optical, L(rest)

    def of(self, freq):
        return C0 * (self.rest / L(freq) - 1) if self.optical else C0 * (1 - L(freq) / self.rest)

    def freq(self, v):
        return self.rest / (1 + L(v) / C0) if self.optical else self.rest * (1 - L(v) / C0)


def channel_b(f, w, request, end):
    """Integers: ranges of channels."""
    n = len(f)
    step = max(1, int(abs(request["step"] or 1)))
    band = request["nchan"] * step if request["nchan"] > 0 else n
    if request["start"] is None:
        centre = int(np.argmax(f >= (f[0] + f[-1]) / 2))
    else:
        centre = math.floor(request["start"])
        if not 0 <= centre < n:
            raise Refused("start")
        centre += -(band // 2) if end else band // 2
    if centre - (band // 2 if band >= 0 else -(-band // 2)) < 0:
        band = 2 * centre + 1
    if n < centre + int(band / 2):
        band = 2 * (n - centre)
    low = centre - int(band / 2)
    high = low + band - 1
    if high == n and band > 1:
        high = n - 1
    if band < 1 or low < 0 or high > n - 1:
        raise Refused("range")
    step = min(step, band)
    if step == band:
        groups = [(low, high)]
    else:
        first = centre - step // 2 if (band // step) % 2 else centre
        groups = [(k, min(k + step - 1, high)) for k in range(first, high + 1, step)]
        at = first - 1
        while at >= low:
            groups.insert(0, (max(at - step + 1, low), at))
            at -= step
    return [(L(f[a] - w[a] / 2), L(f[b] + w[b] / 2)) for a, b in groups]


class Wanted:
    """Centre, band and width of the request, before it is fitted into the band."""

    def __init__(self, f, w, request, end):
        self.f, self.w = f, w
        self.centre, self.band, self.width = L(-1), L(-1), None
        self.nchan = request["nchan"] if request["nchan"] > 0 else -1
        self.end, self.from_start = end, True
        self.given = True
        self.mode = request["mode"]
        step = abs(request["step"]) if request["step"] else None
        self.step = step
        self.start = request["start"]
        if self.mode == "velocity":
            self.v = Velocity(request["optical"], request["restfreq"])
        getattr(self, "from_" + ("optical" if self.mode == "velocity" and request["optical"]
                                 else self.mode))()

    def from_channel(self):
        start = int(self.start or 0)
        if self.reverse_start is not None:
            start = self.reverse_start
        if not 0 <= (self.start or 0) < 2 * len(self.f):
            raise Refused("start")
        if start < 0 or start >= len(self.f):
            start, self.end = 0, False
        step = 1 if self.step is None and self.unset_step else self.step
        if step:
            self.width = L(step * self.w[0])
        half = self.w[start] / 2
        self.centre = L(self.f[start] + half if self.end else self.f[start] - half)

    def from_frequency(self):
        if self.step:
            self.width = L(self.step)
        if self.start is None:
            self.given = False
            self.centre = L(-9e99)
            return
        half = np.float64(self.step or self.w[0]) / 2
        self.centre = L(self.start + half if self.end else self.start - half)

    def velocity_start(self):
        """The velocity of the first channel's outer edge."""
        half = self.w[0] / 2
        step = np.float64(self.step if self.step
                          else self.v.of(self.f[0] - half) - self.v.of(self.f[0] + half))
        return L(np.float64(self.start) - step / 2 if self.end
                 else np.float64(self.start) + step / 2)

    def toward_inside(self):
        if self.from_start:
            self.centre += -self.band / 2 if self.end else self.band / 2

    def from_velocity(self):
        if self.start is not None:
            v = self.velocity_start()
            self.centre = self.v.freq(v)
        else:
            self.given = self.from_start = False
            self.centre = L((self.f[0] + self.f[-1]) / 2)
            v = self.v.of(self.centre)
        if self.nchan > 0:
            width = 2 * (self.v.freq(v - L(self.step) / 2) - self.centre) if self.step \
                else L(self.w[0])
            self.width = width if self.step else None
            self.band = self.nchan * width
            self.toward_inside()
            self.from_start = False
        elif self.step:
            self.width = 2 * (self.v.freq(v - L(self.step) / 2) - self.v.freq(v))

    def from_optical(self):
        f0, w0 = self.f[0], self.w[0]
        if self.start is not None:
            v = self.velocity_start()
            self.centre = self.v.freq(v)
        else:
            self.given = self.from_start = False
            self.centre = L((f0 - w0 + self.f[-1] + self.w[-1]) / 2)
            v = self.v.of(self.centre)
        if self.nchan > 0:
            h = L(1) if self.from_start else L(1) / 2
            step = L(self.step) if self.step else abs(self.v.of(f0 - w0) - self.v.of(f0 + w0))
            reach = self.nchan * step * h
            far = v - reach if self.from_start and not self.end else v + reach
            self.band = abs(self.v.freq(far) - self.centre) / h
            if self.from_start:
                v += self.nchan * step / 2 if self.end else -self.nchan * step / 2
            self.centre = self.v.freq(v)
            self.nchan, self.from_start = 0, False
        if self.step:
            self.width = 2 * (self.v.freq(v - L(self.step) / 2) - self.v.freq(v))


def fit(q, low, top):
    """Step 1 to 3 of 6.3: centre, band and width inside the band."""
    optical = q.mode == "velocity" and q.v.optical
    asked = q.centre
    w0 = L(q.w[0])

    def whole(band):
        width = q.width if q.width is not None else w0
        return band if optical else width * np.floor((band + L(1) / 100 * width) / width)

    if q.centre < 0:
        q.centre, q.from_start = L((low + top) / 2), False
    else:
        q.centre = max(q.centre, L(low)) if q.centre <= L(top) + 1 else L(top)
    if q.band <= 0 or q.nchan != 0:
        q.band = (q.width if q.width is not None else w0) * q.nchan if q.nchan > 0 \
            else whole(L(top - low))
        if asked <= 0 or not q.given:
            q.centre, q.from_start = low + q.band / 2, False
        elif q.nchan < 0:
            if q.from_start:
                q.band = whole(q.centre - low if q.end else top - q.centre)
            else:
                q.band = 2 * min(q.centre - q.f[0] - q.w[0], q.f[-1] + q.w[-1] - q.centre)
        q.toward_inside()
    else:
        q.toward_inside()
        slack = w0 if optical else L(1)
        if q.centre + q.band / 2 > top + slack or q.centre - q.band / 2 < low - slack:
            q.band = 2 * min(abs(top - q.centre), abs(q.centre - low))
            if q.band < w0:
                raise Refused("centre at the edge")
    if q.nchan > 0 and q.band > 10 * (top - low):
        raise Refused("ten bands")
    given = None
    width = q.width if q.width is not None and q.width > 0 else w0
    if q.width is not None and q.width > 0:
        if q.width > q.band:
            width = q.band
        elif q.width < w0:
            if q.width < min(q.w) - 1:
                raise Refused("narrow")
            given = q.step
    if not width > 0:
        raise Refused("no channel")
    return width, given


def lay(q, width, given):
    """Step 4 of 6.3: bounds."""
    c, e = q.centre, L(1) / 100 * width
    up, low = c + q.band / 2, c - q.band / 2
    n = np.floor((q.band + e) / width)
    bounds = [(c - width / 2, c + width / 2) if n % 2 else (c, c + width)]
    if q.mode != "velocity":
        while bounds[-1][1] + width <= up + e:
            bounds.append((bounds[-1][1], bounds[-1][1] + width))
        while bounds[0][0] - width >= low - e:
            bounds.insert(0, (bounds[0][0] - width, bounds[0][0]))
        return bounds
    v = q.v
    x = L(given) if given else v.of(bounds[0][0]) - v.of(bounds[0][1])
    while True:
        at = v.of(bounds[-1][1]) - x
        if not at > v.of(up) - x / 10 or not v.freq(at) <= up + e:
            break
        bounds.append((bounds[-1][1], v.freq(at)))
    while True:
        at = v.of(bounds[0][0]) + x
        if not at < v.of(low) + x / 10 or not v.freq(at) >= low - e:
            break
        bounds.insert(0, (v.freq(at), bounds[0][0]))
    return bounds


def grid(freq, width, request):
    f, w = np.array(freq, float), np.array(width, float)
    request = dict({"nchan": -1, "start": None, "step": None, "optical": False, "restfreq": 0},
                   **request)
    falling = f[-1] < f[0]
    mode, step = request["mode"], request["step"]
    end = step is not None and step < 0
    if mode == "velocity":
        end = not end
    Wanted.reverse_start, Wanted.unset_step = None, step is None
    if falling:
        f, w = f[::-1], w[::-1]
        if mode == "channel":
            Wanted.reverse_start = len(f) - 1 - int(request["start"] or 0)
            end = not end
    if mode == "channel_b":
        bounds = channel_b(f, w, request, end)
    else:
        low, top = f[0] - w[0] / 2, f[-1] + w[-1] / 2
        q = Wanted(f, w, request, end)
        bounds = lay(q, *fit(q, low, top))
    lo, hi = (np.array([b[i] for b in bounds]).astype(float) for i in (0, 1))
    centres, widths = (lo + hi) / 2, hi - lo
    return (centres[::-1], widths[::-1]) if falling else (centres, widths)
