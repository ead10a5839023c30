"""Bars of probabilities inside a box of a picture: how large they are, and the SVG of them."""

from __future__ import annotations

from html import escape

from .layered import PADDING, text_width
from .marginals import Bar, Panel, percent

HEAD, LINE_HEIGHT, FOOT = 24, 15, 5  # pixels: the name of the variable, a bar, the space below
BAR_WIDTH, BAR_HEIGHT, PERCENT_WIDTH, GAP = 64, 9, 44, 6
LETTERS, LETTERS_OF_NAMES = 10, 12  # pixels
BAR, KNOWN_BAR, OUTLINE = "#7d9fc9", "#dda63a", "#1c2733"


def panel_size(name: str, panel: Panel) -> tuple[float, float]:
    """Width and height of a box that holds a name and bars."""
    inside = _label_width(panel) + BAR_WIDTH + PERCENT_WIDTH + 2 * GAP
    return max(text_width(name), inside) + PADDING, HEAD + LINE_HEIGHT * len(panel.bars) + FOOT


def panel_svg(x: float, top: float, width: float, panel: Panel) -> str:
    """The bars of a box whose upper edge has its centre at (x, top); an outline is the prior."""
    bars = panel.bars
    left, right = x - (width - PADDING) / 2, x + (width - PADDING) / 2
    start = right - PERCENT_WIDTH - GAP - BAR_WIDTH
    lines = [top + HEAD + LINE_HEIGHT * number for number in range(len(bars))]
    labels = [_text(left, y, bar.label) for y, bar in zip(lines, bars, strict=True)]
    shares = [_text(right, y, percent(bar.probability)) for y, bar in zip(lines, bars, strict=True)]
    filled = "".join(_rectangle(start, y, bar.probability) for y, bar in zip(lines, bars, strict=True))
    before = "".join(_rectangle(start, y, bar.prior) for y, bar in zip(lines, bars, strict=True) if bar.prior)
    outlines = f'<path fill="none" stroke="{OUTLINE}" stroke-width="0.7" d="{before}"/>' if before else ""
    return (
        f'<g font-size="{LETTERS}" text-anchor="start">{"".join(labels)}</g>'
        f'<g font-size="{LETTERS}" text-anchor="end">{"".join(shares)}</g>'
        f'<path fill="{KNOWN_BAR if panel.is_known else BAR}" d="{filled}"/>{outlines}'
    )


def _label_width(panel: Panel) -> float:
    return max(_width_of(bar) for bar in panel.bars)


def _width_of(bar: Bar) -> float:
    return text_width(bar.label) * LETTERS / LETTERS_OF_NAMES


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y + BAR_HEIGHT:.0f}">{escape(text)}</text>'


def _rectangle(x: float, y: float, probability: float) -> str:
    width = BAR_WIDTH * probability
    return f"M{x:.0f} {y + 1:.0f}h{width:.1f}v{BAR_HEIGHT}h-{width:.1f}z" if width >= 0.05 else ""
