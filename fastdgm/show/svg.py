"""A graph as one self-contained SVG that looks the same in a notebook, on a web page that cleans it, and as a file.

Everything is an attribute of its own element: no style sheets, no definitions and no names, which cleaners take out and
which two pictures on one page would share.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from .bars import panel_svg
from .layered import BOX_HEIGHT, CELL_WIDTH, MARGIN, Drawing, text_width
from .marginals import Panel

LINE, BOX, FRAME, INK = "#777", "#eef3fa", "#4a6a94", "#1c2733"
KNOWN_BOX, KNOWN_FRAME = "#fdf4dc", "#94713a"
ARROW = 6  # pixels
CAPTION_HEIGHT = 22


class Box(NamedTuple):
    """What is drawn of a variable: an ellipse where it is real, white where it is latent, as is the custom."""

    label: str
    title: str  # shows up over it
    is_real: bool = False
    is_latent: bool = False
    is_known: bool = False
    panel: Panel | None = None


def svg(drawing: Drawing, boxes: Sequence[Box], caption: str = "", *, in_cell: bool) -> str:
    """The drawing, for a notebook's cell or as a file; a caption is over it."""
    space = CAPTION_HEIGHT if caption else 0
    full = (max(drawing.size[0], text_width(caption) + 2 * MARGIN), drawing.size[1] + space)
    width, height = (f"{side:.0f}" for side in full)
    heads = [_head(drawing, child) for _, child in drawing.lines if child < len(boxes)]
    lines = "".join(_line(drawing, *ends, len(boxes)) for ends in drawing.lines)
    corner = f"0 {-space}" if space else "0 0"
    whole = f'width="{width}" height="{height}" viewBox="{corner} {width} {height}"'
    size = cell_size(*full, CELL_WIDTH, "px", corner) if in_cell else whole
    top = f'y="{-space}" ' if space else ""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
            f'<rect {top}width="{width}" height="{height}" fill="white"/>',
            *([f'<text x="{MARGIN:.0f}" y="-5" fill="{INK}">{escape(caption)}</text>'] if caption else []),
            f'<path fill="none" stroke="{LINE}" d="{lines}"/>',
            f'<path fill="{LINE}" d="{"".join(heads)}"/>',
            f'<g text-anchor="middle" fill="{INK}">',
            *map(_box, drawing.x[: len(boxes)], drawing.y, drawing.widths, drawing.heights, boxes),
            "</g>",
            "</svg>",
            "",
        ]
    )


def cell_size(width: float, height: float, page: float, unit: str, corner: str = "0 0") -> str:
    """Attributes of a picture that is as wide as the cell that it is in, and not blown up where it is small.

    JupyterLab makes an image of it, which no style inside limits: so the page is at least as wide as a cell, and the
    picture is on its left.
    """
    wide = f"{max(width, page):.0f}"
    return f'width="100%" viewBox="{corner} {wide} {height:.0f}" style="max-width:{wide}{unit}"'


def _box(x: float, top: float, width: float, height: float, box: Box) -> str:
    fill, frame = (KNOWN_BOX, KNOWN_FRAME) if box.is_known else ("white" if box.is_latent else BOX, FRAME)
    outline = (
        f'<ellipse cx="{x:.0f}" cy="{top + height / 2:.0f}" rx="{width / 2:.0f}" ry="{height / 2:.0f}"'
        if box.is_real
        else f'<rect x="{x - width / 2:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" rx="10"'
    )
    inside = "" if box.panel is None else panel_svg(x, top, width, box.panel)
    return (
        f'<g><title>{escape(box.title)}</title>{outline} fill="{fill}" stroke="{frame}"/>'
        f'<text x="{x:.0f}" y="{top + BOX_HEIGHT / 2 + 4:.0f}">{escape(box.label)}</text>{inside}</g>'
    )


def _line(drawing: Drawing, upper: int, lower: int, n_boxes: int) -> str:
    """A curve with upright ends in the space between two layers; it is upright beside boxes of the layers it leaves and
    passes."""
    arrow, upright = (ARROW, "") if lower < n_boxes else (0, f"v{drawing.lower[lower] - drawing.y[lower]:.0f}")
    top = drawing.lower[upper]
    own = drawing.y[upper] + drawing.heights[upper] if upper < n_boxes else top
    x, dx, dy = drawing.x[upper], drawing.x[lower] - drawing.x[upper], drawing.y[lower] - arrow - top
    start = f"M{x:.0f} {own:.0f}" + (f"v{top - own:.0f}" if top > own else "")
    if abs(dx) < 0.5:
        return f"{start}v{dy:.0f}{upright}"
    return f"{start}c0 {dy / 2:.0f} {dx:.0f} {dy / 2:.0f} {dx:.0f} {dy:.0f}{upright}"


def _head(drawing: Drawing, child: int) -> str:
    return f"M{drawing.x[child]:.0f} {drawing.y[child]:.0f}l-3 -{ARROW}h6z"
