"""Graphs that cells have drawn: cut to their size, because pages lay them out better than notebooks do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

# How fastdgm/show/svg.py begins a picture for a cell: on a page as wide as the cell, the drawing on its left.
CELL = re.compile(
    r'^(<svg xmlns="http://www.w3.org/2000/svg") width="100%" viewBox="(0 -?\d+) \d+ \d+" style="[^"]*"'
    r'([^>]*>\n<rect (?:y="-?\d+" )?width="(\d+)" height="(\d+)")'
)


def cut(text: str) -> str:
    """The same drawing in its own size; anything else as it is."""
    return CELL.sub(r'\1 width="\4" height="\5" viewBox="\2 \4 \5"\3', text)


def cut_all(app: Any, error: Exception | None) -> None:
    """All of a site."""
    if error is None:
        for path in Path(app.outdir, "_images").glob("*.svg"):
            path.write_text(cut(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", cut_all)
    return {"parallel_read_safe": True}
