# SPDX-License-Identifier: LGPL-2.1-or-later
"""2,000 random requests: the library's grids against those of grid_model.py.

usage: grids.py --program spectral_kernels --scratch FOLDER [--number N] [--seed S]
"""
import random

import numpy as np

import grid_model
import program_case
from kernel_case import KernelCase


def window(rnd):
    """Ascending, descending or uneven channels that touch."""
    n = rnd.choice([1, 2, 3, 4, 5, 7, 8, 8, 16, 33, 64])
    step = rnd.choice([1e6, 15625.0, 244140.625, 2e6, 0.37e6, 1e6 / 3])
    widths = [step * (rnd.choice([1, 1, 2, 3, 0.5]) if rnd.random() < 0.2 else 1)
              for _ in range(n)]
    edges = np.cumsum([rnd.choice([1.4e9, 1e9, 1003.3e6, 22.2e9, 345.7e9])] + widths)
    freq = [(a + b) / 2 for a, b in zip(edges[:-1], edges[1:])]
    if rnd.random() < 0.4:
        return freq[::-1], widths[::-1]
    return freq, widths


def request(rnd, freq, width):
    n, low, high, first = len(freq), min(freq), max(freq), width[0]
    mode = rnd.choice(["channel", "channel_b", "frequency", "velocity", "velocity"])
    r = {"mode": mode, "nchan": rnd.choice([-1, -1, 1, 2, 3, n, n // 2 + 1])}
    if mode.startswith("channel"):
        r["start"] = rnd.choice([None, 0, 1, n // 2, n - 1, rnd.randrange(n + 1)])
        r["step"] = rnd.choice([None, 1, 1, 2, 3, -1, -2, -3, 5])
    elif mode == "frequency":
        if rnd.random() < 0.7:
            r["start"] = low + first * rnd.choice([0, 0.5, 1, -1, rnd.uniform(-2, n + 2)])
        if rnd.random() < 0.7:
            r["step"] = first * rnd.choice([1, 1.0000001, 1.5, 2, 2.7, 0.9, -1, -1.3, -2])
    else:
        r["optical"] = rnd.random() < 0.5
        r["restfreq"] = rest = low + rnd.choice([0, 0.5, 1.2]) * (high - low + first)
        c = 299792458.0
        step = c * first / rest
        v0 = c * (rest / high - 1) if r["optical"] else c * (1 - high / rest)
        if rnd.random() < 0.7:
            r["start"] = v0 + rnd.uniform(-1, n + 1) * step
        if rnd.random() < 0.7:
            r["step"] = step * rnd.choice([1, 1.01, 1.5, 2, 2.7, 0.99999, -1.001, -1.3, -2, 0.8])
    return {k: v for k, v in r.items() if v is not None}


def difference(freq, width, wanted, answer):
    """What differs, in words, or None."""
    try:
        centres, widths = grid_model.grid(freq, width, wanted)
    except grid_model.Refused as why:
        return None if "error" in answer else f"not refused: {why}"
    if "error" in answer:
        return f"refused: {answer['error']}"
    if len(centres) != len(answer["freq"]):
        return f"{len(answer['freq'])} channels, the model has {len(centres)}"
    off = np.abs(np.array(answer["freq"]) - centres) + np.abs(np.array(answer["width"]) - widths)
    if (off > 1e-15 * centres).any():
        return f"channel {off.argmax()} is {off.max()} Hz off"
    return None


class Grids(KernelCase):
    def test_random_requests_get_the_grids_of_the_model(self):
        options = program_case.args
        rnd, asked = random.Random(options.seed), []
        for _ in range(options.number):
            freq, width = window(rnd)
            asked.append((freq, width, request(rnd, freq, width)))
        answers = self.ask(*({"op": "grid", "freq": f, "width": w, **r} for f, w, r in asked))
        for (freq, width, wanted), answer in zip(asked, answers):
            with self.subTest(wanted=wanted, freq=freq, width=width):
                self.assertIsNone(difference(freq, width, wanted, answer))
        made = sum("error" not in answer for answer in answers)
        self.assertGreaterEqual(made, options.number / 2)


if __name__ == "__main__":
    program_case.parser.add_argument("--number", type=int, default=2000)
    program_case.parser.add_argument("--seed", type=int, default=20260)
    program_case.main()
