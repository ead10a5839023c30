"""A graph as one self-contained SVG that looks the same in a notebook, on a web page that cleans it, and as a file.

Everything is an attribute of its own element: no style sheets, no definitions and no names, which cleaners take out and
which two pictures on one page would share.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .layered import BOX_HEIGHT, CELL_WIDTH, Drawing

LINE, BOX, FRAME, INK = "#777", "#eef3fa", "#4a6a94", "#1c2733"
ARROW = 6  # pixels


def svg(
    drawing: Drawing,
    labels: Sequence[str],
    titles: Sequence[str],
    is_real: Sequence[bool],
    is_latent: Sequence[bool],
    *,
    in_cell: bool,
) -> str:
    """The drawing with a label in every box, and a title that shows up over it; for a notebook's cell, or as a file.

    Real variables have an ellipse for a box, and latent ones a white one, as is the custom.
    """
    width, height = (f"{side:.0f}" for side in drawing.size)
    n_boxes = len(labels)
    heads = [_head(drawing, child) for _, child in drawing.lines if child < n_boxes]
    whole = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    size = cell_size(*drawing.size, CELL_WIDTH, "px") if in_cell else whole
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<path fill="none" stroke="{LINE}" d="{"".join(_line(drawing, *ends, n_boxes) for ends in drawing.lines)}"/>',
        f'<path fill="{LINE}" d="{"".join(heads)}"/>',
        f'<g text-anchor="middle" fill="{INK}">',
        *map(_box, drawing.x[:n_boxes], drawing.y, drawing.widths, labels, titles, is_real, is_latent),
    ]
    return "\n".join([*lines, "</g>", "</svg>", ""])


def cell_size(width: float, height: float, page: float, unit: str) -> str:
    """Attributes of a picture that is as wide as the cell that it is in, and not blown up where it is small.

    JupyterLab makes an image of it, which no style inside limits: so the page is at least as wide as a cell, and the
    picture is on its left.
    """
    wide = f"{max(width, page):.0f}"
    return f'width="100%" viewBox="0 0 {wide} {height:.0f}" style="max-width:{wide}{unit}"'


def _box(x: float, y: float, width: float, label: str, title: str, is_real: bool, is_latent: bool) -> str:
    outline = (
        f'<ellipse cx="{x:.0f}" cy="{y:.0f}" rx="{width / 2:.0f}" ry="{BOX_HEIGHT / 2:.0f}"'
        if is_real
        else f'<rect x="{x - width / 2:.0f}" y="{y - BOX_HEIGHT / 2:.0f}" '
        f'width="{width:.0f}" height="{BOX_HEIGHT:.0f}" rx="10"'
    )
    return (
        f'<g><title>{escape(title)}</title>{outline} fill="{"white" if is_latent else BOX}" stroke="{FRAME}"/>'
        f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(label)}</text></g>'
    )


def _line(drawing: Drawing, upper: int, lower: int, n_boxes: int) -> str:
    """A curve with upright ends in the space between two layers; a bend is upright as far as boxes beside it reach."""
    arrow, upright = (ARROW, "") if lower < n_boxes else (0, f"v{BOX_HEIGHT:.0f}")
    top = drawing.y[upper] + BOX_HEIGHT / 2
    x, dx, dy = drawing.x[upper], drawing.x[lower] - drawing.x[upper], drawing.y[lower] - BOX_HEIGHT / 2 - arrow - top
    if abs(dx) < 0.5:
        return f"M{x:.0f} {top:.0f}v{dy:.0f}{upright}"
    return f"M{x:.0f} {top:.0f}c0 {dy / 2:.0f} {dx:.0f} {dy / 2:.0f} {dx:.0f} {dy:.0f}{upright}"


def _head(drawing: Drawing, child: int) -> str:
    top = drawing.y[child] - BOX_HEIGHT / 2
    return f"M{drawing.x[child]:.0f} {top:.0f}l-3 -{ARROW}h6z"
