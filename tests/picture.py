#!/usr/bin/env python3
"""Turns a screen with SGR colours (`stoke render --color always`) into an SVG picture.

Usage: stoke render --color always ... | tests/picture.py TITLE > picture.svg

Knows what canvas_write writes: bold, dim, underline, reverse, 256 colours and true colour. Runs of cells
that look the same are one element, stretched to the cells' exact width, so that any monospace font
fits the grid.
"""
import re
import sys
import unicodedata
from html import escape

CELL_X, CELL_Y, BASELINE, MARGIN = 8, 17, 13, 10
INK, PAPER = "#d0d0d0", "#16181d"
NO_BREAK = "\u00a0"  # several blanks would become one
BASIC = ("#000000 #cd3131 #0dbc79 #e5e510 #2472c8 #bc3fbc #11a8cd #e5e5e5 "
         "#666666 #f14c4c #23d18b #f5f543 #3b8eea #d670d6 #29b8db #ffffff").split()


def color_256(n):
    """xterm's palette: 16 basic colours, a 6 x 6 x 6 cube, 24 greys."""
    if n < 16:
        return BASIC[n]
    if n >= 232:
        return "#" + f"{8 + 10 * (n - 232):02x}" * 3
    levels = (0, 95, 135, 175, 215, 255)
    n -= 16
    return "#" + "".join(f"{levels[i]:02x}" for i in (n // 36, n // 6 % 6, n % 6))


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.ink = self.paper = None
        self.bold = self.dim = self.underline = self.reverse = False

    def take(self, codes):
        codes = [int(c or 0) for c in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code in (1, 2, 4, 7):
                setattr(self, {1: "bold", 2: "dim", 4: "underline", 7: "reverse"}[code], True)
            elif code in (38, 48):
                kind = codes.pop(0)
                color = color_256(codes.pop(0)) if kind == 5 else "#%02x%02x%02x" % tuple(codes[:3])
                if kind == 2:
                    del codes[:3]
                setattr(self, "ink" if code == 38 else "paper", color)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = BASIC[code % 10 + (8 if code >= 90 else 0)]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.paper = BASIC[code % 10 + (8 if code >= 100 else 0)]
            elif code == 39:
                self.ink = None
            elif code == 49:
                self.paper = None

    def look(self):
        ink, paper = self.ink or INK, self.paper
        if self.reverse:
            ink, paper = paper or PAPER, ink
        return ink, paper, self.bold, self.dim, self.underline


def columns_of(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


def runs_of(line, style):
    """(column, text, look) for each run of cells that look the same."""
    column, runs = 0, []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            style.take(part[2:-1])
        elif part:
            runs.append((column, part, style.look()))
            column += columns_of(part)
    return runs, column


def draw_run(out, x, y, text, look):
    ink, paper, bold, dim, underline = look
    width = columns_of(text) * CELL_X
    if paper:
        out.append(f'<rect x="{x}" y="{y}" width="{width}" height="{CELL_Y}" fill="{paper}"/>')
    body = text.rstrip(" ")
    lead = len(body) - len(body.lstrip(" "))
    body = body.lstrip(" ")
    if not body:
        return
    x += lead * CELL_X
    more = ' font-weight="bold"' if bold else ""
    more += ' opacity=".6"' if dim else ""
    more += ' text-decoration="underline"' if underline else ""
    out.append(f'<text x="{x}" y="{y + BASELINE}" fill="{ink}" textLength="{columns_of(body) * CELL_X}" '
               f'lengthAdjust="spacingAndGlyphs"{more}>{escape(body.replace(" ", NO_BREAK))}</text>')


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else "stoke"
    lines = sys.stdin.read().rstrip("\n").split("\n")
    style, drawn, widest = Style(), [], 0
    for row, line in enumerate(lines):
        runs, columns = runs_of(line, style)
        widest = max(widest, columns)
        for column, text, look in runs:
            draw_run(drawn, MARGIN + column * CELL_X, MARGIN + row * CELL_Y, text, look)
    width, height = widest * CELL_X + 2 * MARGIN, len(lines) * CELL_Y + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
          f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
          f'font-size="13">')
    print(f"<title>{escape(title)}</title>")
    print(f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>')
    print("\n".join(drawn))
    print("</svg>")


main()
