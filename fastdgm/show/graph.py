"""Pictures of a graph: our own SVG, graphviz's language, what graphviz makes of it, files."""

from __future__ import annotations

import re
from pathlib import Path

from ..runtime.extras import how_to_install
from ..runtime.files import atomic_file
from ..runtime.text import printable
from .bars import panel_size
from .dot import network_dot
from .layered import CELL_WIDTH, label_size, placed
from .marginals import Marginals, panels, title_lines
from .shown import NetworkLike
from .svg import Box, cell_size, svg
from .text import conditionals_of, graph_text, real_names

LAYOUTS = ("layers", "dot")
MAX_SHOWN = 500  # variables of a network that is a cell's last line; a larger one is a long page
MAX_DRAWN = 5000  # variables of a picture that was asked for
MAX_TITLE, TITLE_STATES = 200, 20  # characters of a name, and number of states, that show up over a box
TITLE_LINES, TITLE_CHARACTERS = 10, 120  # of a conditional that is no table

# How graphviz begins an SVG: points, of which there are 72 in an inch of 96 pixels.
DOT_SIZE = re.compile(r'width="[\d.]+pt" height="[\d.]+pt"\s+viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"')

MISSING_GRAPHVIZ = (
    f"needs graphviz: {how_to_install('plot', 'graphviz')}; and the program dot (apt-get install graphviz, "
    "brew install graphviz); the layout 'layers', which is the default, .dot and .txt work without"
)


class Picture:
    """A graph that notebooks draw, once; in a terminal it is a tree, or bars.

    ``svg`` is the drawing as text, None where the graph is too large for one; ``text`` is the tree, or the bars, in
    full.
    """

    def __init__(self, drawing: str | None, text: str, beginning: str) -> None:
        self.svg = drawing
        self.text = text
        self._beginning = beginning

    def _repr_svg_(self) -> str | None:
        return self.svg

    def __repr__(self) -> str:
        return self._beginning


def picture(net: NetworkLike, layout: str, marginals: Marginals | None = None) -> Picture:
    """The graph for a notebook, by our own layout or graphviz's, with bars of the states.

    Raises
    ------
    ValueError : another layout. ImportError : ``"dot"`` without graphviz. OSError : graphviz fails.
    """
    _check_layout(layout)
    text, beginning = graph_text(net, marginals, max_lines=None), graph_text(net, marginals)
    if layout == "dot":
        return Picture(_dot_svg(net, marginals), text, beginning)
    return Picture(network_svg(net, marginals) if len(net) <= MAX_DRAWN else None, text, beginning)


def shown_svg(net: NetworkLike) -> str | None:
    """What a notebook shows of a cell's last line; None, so that it shows text, above 500 variables."""
    return network_svg(net) if len(net) <= MAX_SHOWN else None


def network_svg(net: NetworkLike, marginals: Marginals | None = None, *, in_cell: bool = True) -> str:
    """The graph as our own SVG, for a notebook's cell or as a file."""
    boxes = _boxes(net, marginals)
    sizes = {name: _size(box) for name, box in zip(net.order, boxes, strict=True)}
    drawing = placed(net.parents, net.order, sizes)
    return svg(drawing, boxes, "" if marginals is None else marginals.caption("outlined"), in_cell=in_cell)


def _boxes(net: NetworkLike, marginals: Marginals | None) -> list[Box]:
    """All variables in the order of the graph."""
    conditionals, real = conditionals_of(net), real_names(net)
    own = {} if marginals is None else panels(net.states, marginals)
    known = () if marginals is None else marginals.known
    return [
        Box(
            printable(name),
            _title(net, name, conditionals.get(name), marginals),
            name in real,
            name in net.guide,
            name in known,
            own.get(name),
        )
        for name in net.order
    ]


def _size(box: Box) -> tuple[float, float]:
    return label_size(box.label) if box.panel is None else panel_size(box.label, box.panel)


def _title(net: NetworkLike, name: str, own: object, marginals: Marginals | None) -> str:
    """The whole name, and the states where they are known; the distribution of what is no table, and its guide; its
    marginal."""
    states = net.states.get(name, ())
    shown = [printable(state) for state in states[:TITLE_STATES]]
    more = [f"... {len(states) - len(shown)} more"] if len(states) > len(shown) else []
    known = f": {', '.join([*shown, *more])}" if states else ""
    guide = [f"guide: {line}" for line in _distribution(net.guide.get(name))]
    figures = [] if marginals is None else title_lines(states, name, marginals, TITLE_STATES)
    return "\n".join([printable(name, MAX_TITLE) + known, *_distribution(own), *guide, *figures])


def _distribution(own: object) -> list[str]:
    """The first lines of how a conditional reads, if it is no table."""
    if own is None or hasattr(own, "table"):
        return []
    return [printable(line, TITLE_CHARACTERS) for line in repr(own).splitlines()[:TITLE_LINES]]


def _dot_svg(net: NetworkLike, marginals: Marginals | None) -> str:
    """What graphviz draws, without its file header, and never wider than a notebook's cell."""
    drawn = _graphviz(network_dot(net, marginals), "svg", 'layout="dot"').decode()
    return DOT_SIZE.sub(_dot_cell_size, drawn[drawn.index("<svg") :], count=1)


def _dot_cell_size(size: re.Match[str]) -> str:
    return cell_size(float(size[1]), float(size[2]), CELL_WIDTH * 0.75, "pt")


def _graphviz(source: str, image_format: str, purpose: str) -> bytes:
    """Let dot draw the graph; ImportError where the package or the program is missing, OSError where dot fails."""
    try:
        import graphviz
    except ImportError:
        raise ImportError(f"{purpose} {MISSING_GRAPHVIZ}") from None
    try:
        return bytes(graphviz.Source(source).pipe(image_format, quiet=True))
    except graphviz.ExecutableNotFound:
        raise ImportError(f"{purpose} {MISSING_GRAPHVIZ}") from None
    except graphviz.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip()
        raise OSError(
            f"{purpose}: graphviz's dot ended with status {error.returncode}: {reason}; "
            "the layout 'layers', which is the default, .dot and .txt work without"
        ) from None


def write_picture(net: NetworkLike, path: str | Path, layout: str, marginals: Marginals | None = None) -> Path:
    """Write a picture of the graph to ``path``, complete or not at all, and return the path.

    By suffix: .svg (by ``layout``), .png, .pdf (graphviz), .dot (graphviz source), .txt (a tree, or bars of the
    states).

    Raises
    ------
    ValueError : another suffix or layout. ImportError : .png, .pdf or ``layout="dot"`` without graphviz.
    OSError : the file cannot be written, or graphviz fails.
    """
    _check_layout(layout)
    path = Path(path)
    content = _file_content(net, path.suffix.lower(), layout, marginals)
    with atomic_file(path) as file:
        file.write(content)
    return path


def _file_content(net: NetworkLike, suffix: str, layout: str, marginals: Marginals | None) -> bytes:
    if suffix == ".txt":
        return (graph_text(net, marginals, max_lines=None) + "\n").encode()
    if suffix == ".dot":
        return network_dot(net, marginals).encode()
    if suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a picture is written as .svg, .png, .pdf, .dot or .txt, got the suffix {suffix!r}")
    if suffix == ".svg" and layout == "layers":
        return network_svg(net, marginals, in_cell=False).encode()
    return _graphviz(network_dot(net, marginals), suffix[1:], f"writing {suffix}")


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, got {layout!r}")
