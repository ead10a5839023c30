"""The Figure that notebooks show by itself. It imports matplotlib, so it is imported where something is drawn."""

from __future__ import annotations

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DOTS_PER_INCH = 100


class ShownFigure(Figure):
    """A matplotlib Figure on no display and without pyplot's global state.

    Notebooks draw a plain Figure only after pyplot was imported, and one that pyplot made twice; this one always once.
    """

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), dpi=DOTS_PER_INCH)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
