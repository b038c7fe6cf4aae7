"""Draws what `log_load soak` wrote: soak_plot.py SOAK.csv OUT.svg. Memory, open descriptors, the directory's size and latencies.

A column of the picture stands for several seconds of a long run: of memory, descriptors and size it shows the largest, of
latencies the largest too, so that no stall is lost.
"""

import csv
import math
import sys
from html import escape

WIDTH, LEFT, RIGHT, TOP = 960, 78, 24, 30
PANEL, GAP = 150, 46
COLUMNS = WIDTH - LEFT - RIGHT
INK, GRID, PAPER = "#33373d", "#e3e6ea", "#ffffff"

PANELS = [
    ("Resident memory, MB", "linear", [("resident_mb", "#1f6f8b", "resident")]),
    ("Open files and sockets", "linear", [("descriptors", "#7a5195", "descriptors")]),
    ("Data directory, MB", "linear", [("directory_mb", "#4d7c3a", "all files, a sample each ten seconds")]),
    ("Append until durable, ms (logarithmic)", "log",
     [("max_us", "#d1495b", "largest of the second"), ("p99_us", "#edae49", "p99"), ("p50_us", "#1f6f8b", "p50")]),
]


def columns_of(rows, key, scale):
    """(x, largest value) for each column that has a sample."""
    first, last = rows[0]["second"], rows[-1]["second"]
    span = max(last - first, 1)
    best = {}
    for row in rows:
        x = int((row["second"] - first) / span * (COLUMNS - 1))
        best[x] = max(best.get(x, 0), row[key] * scale)
    return sorted(best.items())


def nice_step(span, ticks):
    raw = span / ticks
    power = 10 ** math.floor(math.log10(raw))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= raw)


class Linear:
    def __init__(self, values):
        step = nice_step(max(max(values), 1e-9), 4)
        self.top = step * math.ceil(max(values) / step)
        self.ticks = [step * i for i in range(round(self.top / step) + 1)]

    def share(self, value):
        return value / self.top


class Logarithmic:
    def __init__(self, values):
        positive = [value for value in values if value > 0] or [1]
        self.low = math.floor(math.log10(min(positive)))
        self.high = max(math.ceil(math.log10(max(positive))), self.low + 1)
        self.ticks = [10.0 ** i for i in range(self.low, self.high + 1)]

    def share(self, value):
        return (math.log10(max(value, 10.0 ** self.low)) - self.low) / (self.high - self.low)


def text(x, y, words, anchor="start", colour=INK, size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
            f'font-weight="{weight}">{escape(words)}</text>')


def draw_panel(rows, index, title, kind, series):
    y0 = TOP + index * (PANEL + GAP) + 16
    lines = [(columns_of(rows, key, 0.001 if key.endswith("_us") else 1), colour, name) for key, colour, name in series]
    values = [value for line, _, _ in lines for _, value in line]
    axis = Logarithmic(values) if kind == "log" else Linear(values)
    out = [text(LEFT, y0 - 8, title, weight="bold", size=13)]
    for tick in axis.ticks:
        y = y0 + PANEL * (1 - axis.share(tick))
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        out.append(text(LEFT - 8, y + 4, f"{tick:,.10g}", anchor="end", size=11))
    for line, colour, _ in lines:
        points = " ".join(f"{LEFT + x},{y0 + PANEL * (1 - axis.share(value)):.1f}" for x, value in line)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    x = WIDTH - RIGHT
    for _, colour, name in lines:
        out.append(text(x, y0 - 8, name, anchor="end", colour=colour))
        x -= 7 * len(name) + 18
    return out


def time_axis(rows, bottom):
    first, last = rows[0]["second"], rows[-1]["second"]
    in_minutes = last - first > 300
    unit = 60 if in_minutes else 1
    span = (last - first) / unit
    step = nice_step(max(span, 1e-9), 10)
    out = []
    for i in range(int(span / step) + 1):
        out.append(text(LEFT + i * step / max(span, 1e-9) * (COLUMNS - 1), bottom, f"{i * step:g}", anchor="middle", size=11))
    out.append(text(WIDTH - RIGHT, bottom + 16, "minutes" if in_minutes else "seconds", anchor="end", size=11))
    return out


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    bottom = TOP + len(PANELS) * (PANEL + GAP)
    body = [line for index, panel in enumerate(PANELS) for line in draw_panel(rows, index, *panel)]
    body += time_axis(rows, bottom - 12)
    height = bottom + 18
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">\n'
                   f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>\n' + "\n".join(body) + "\n</svg>\n")


if __name__ == "__main__":
    main()
