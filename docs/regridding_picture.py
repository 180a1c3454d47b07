#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draw docs/regridding.svg: channels of an input window, the output grid, and what is flagged.

    python3 docs/regridding_picture.py > docs/regridding.svg

The axis is frequency in the output frame, in channels of the input.  Values are interpolated linearly."""

NIN, SHIFT, FLAGGED = 14, 0.35, 8  # channels; how far the frame moves them; the one that is flagged
NOUT, FIRST = 16, -1               # of the output
WIDE = 4                           # input channels in a wide one
LEFT, SCALE, HEIGHT = 150, 44, 30
WORDS = {"in": "#9ecae1", "good": "#a1d99b", "flag": "#de2d26"}


def inputs():
    """Centre, and whether it is flagged."""
    return [(k + SHIFT, k == FLAGGED) for k in range(NIN)]


def linear(points):
    """An output channel is flagged outside the centres of the input, or where one of its two is."""
    channels, out = inputs(), []
    for x in points:
        low = max((k for k, (centre, _) in enumerate(channels) if centre <= x), default=None)
        outside = low is None or (low == NIN - 1 and channels[low][0] != x)
        pair = [] if outside else channels[low:low + 1 + (channels[low][0] != x)]
        out.append((x, outside or any(flag for _, flag in pair)))
    return out


def wide():
    """Wide channels are means of the points of a finer grid, flagged where one of those is."""
    out = []
    for k in range(NIN // WIDE):
        low = k * WIDE
        points = linear([low + i - 0.5 for i in range(WIDE)])
        out.append((low + (WIDE - 1) / 2, any(flag for _, flag in points)))
    return out


def row(y, label, channels, width, colour):
    lines = [f'<text x="{LEFT - 12}" y="{y + 20}" text-anchor="end">{label}</text>']
    for centre, flag in channels:
        x = LEFT + SCALE * (centre - width / 2 - FIRST + 0.5)
        fill = WORDS["flag" if flag else colour]
        lines.append(f'<rect x="{x:.1f}" y="{y}" width="{width * SCALE:.1f}" height="{HEIGHT}" fill="{fill}" '
                     'stroke="#333" stroke-width="0.8"/>')
    return lines


def legend(y):
    lines = []
    for i, (colour, text) in enumerate([("in", "input"), ("good", "output"), ("flag", "flagged")]):
        x = LEFT + 150 * i
        lines.append(f'<rect x="{x}" y="{y}" width="16" height="16" fill="{WORDS[colour]}" stroke="#333"/>')
        lines.append(f'<text x="{x + 24}" y="{y + 13}">{text}</text>')
    return lines


def main():
    size = LEFT + SCALE * (NOUT + 1), 250
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{size[0]}" height="{size[1]}" fill="white"/>']
    lines += row(20, "input, in outframe", inputs(), 1, "in")
    lines += row(75, "nchan=16, width=1", linear([FIRST + k for k in range(NOUT)]), 1, "good")
    lines += row(130, f"width={WIDE}", wide(), WIDE, "good")
    lines += legend(190)
    lines.append(f'<text x="{LEFT}" y="235">frequency in the output frame rises to the right</text>')
    print("\n".join([*lines, "</svg>"]))


if __name__ == "__main__":
    main()
