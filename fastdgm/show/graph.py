"""Pictures of a graph: our own SVG, graphviz's language, what graphviz makes of it, files."""

from __future__ import annotations

import re
from pathlib import Path

from ..runtime.extras import how_to_install
from ..runtime.files import atomic_file
from ..runtime.text import printable
from .layered import CELL_WIDTH, layered
from .shown import NetworkLike
from .svg import cell_size, svg
from .text import conditionals_of, network_text, real_names

LAYOUTS = ("layers", "dot")
MAX_SHOWN = 500  # variables of a network that is a cell's last line; a larger one is a long page
MAX_DRAWN = 5000  # variables of a picture that was asked for
MAX_TITLE, TITLE_STATES = 200, 20  # characters of a name, and number of states, that show up over a box
TITLE_LINES, TITLE_CHARACTERS = 10, 120  # of a conditional that is no table

DOT_STYLE = 'shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#4a6a94", fontname="sans-serif"'
# How graphviz begins an SVG: points, of which there are 72 in an inch of 96 pixels.
DOT_SIZE = re.compile(r'width="[\d.]+pt" height="[\d.]+pt"\s+viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"')

MISSING_GRAPHVIZ = (
    f"needs graphviz: {how_to_install('plot', 'graphviz')}; and the program dot (apt-get install graphviz, "
    "brew install graphviz); the layout 'layers', which is the default, .dot and .txt work without"
)


class Picture:
    """A graph that notebooks draw, once; in a terminal it is a tree.

    ``svg`` is the drawing as text, None where the graph is too large for one.
    """

    def __init__(self, drawing: str | None, tree: str) -> None:
        self.svg = drawing
        self._tree = tree

    def _repr_svg_(self) -> str | None:
        return self.svg

    def __repr__(self) -> str:
        return self._tree


def picture(net: NetworkLike, layout: str) -> Picture:
    """The graph for a notebook, by our own layout or graphviz's.

    Raises
    ------
    ValueError : another layout. ImportError : ``"dot"`` without graphviz. OSError : graphviz fails.
    """
    _check_layout(layout)
    if layout == "dot":
        return Picture(_dot_svg(net), network_text(net))
    return Picture(network_svg(net) if len(net) <= MAX_DRAWN else None, network_text(net))


def shown_svg(net: NetworkLike) -> str | None:
    """What a notebook shows of a cell's last line; None, so that it shows text, above 500 variables."""
    return network_svg(net) if len(net) <= MAX_SHOWN else None


def network_svg(net: NetworkLike, *, in_cell: bool = True) -> str:
    """The graph as our own SVG, for a notebook's cell or as a file."""
    labels = {name: printable(name) for name in net.names}
    drawing = layered(net.parents, net.order, labels)
    conditionals = conditionals_of(net)
    titles = [_title(net, name, conditionals.get(name)) for name in net.order]
    real = real_names(net)
    is_real, is_latent = [name in real for name in net.order], [name in net.guide for name in net.order]
    return svg(drawing, [labels[name] for name in net.order], titles, is_real, is_latent, in_cell=in_cell)


def _title(net: NetworkLike, name: str, own: object) -> str:
    """The whole name, and the states where they are known; the distribution of what is no table, and its guide."""
    states = net.states.get(name, ())
    shown = [printable(state) for state in states[:TITLE_STATES]]
    more = [f"... {len(states) - len(shown)} more"] if len(states) > len(shown) else []
    known = f": {', '.join([*shown, *more])}" if states else ""
    guide = [f"guide: {line}" for line in _distribution(net.guide.get(name))]
    return "\n".join([printable(name, MAX_TITLE) + known, *_distribution(own), *guide])


def _distribution(own: object) -> list[str]:
    """The first lines of how a conditional reads, if it is no table."""
    if own is None or hasattr(own, "table"):
        return []
    return [printable(line, TITLE_CHARACTERS) for line in repr(own).splitlines()[:TITLE_LINES]]


def network_dot(net: NetworkLike) -> str:
    """The graph in graphviz's language, every name escaped; real variables are ellipses, latent ones white.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.show.graph import network_dot
    >>> print(network_dot(fd.markov_chain(["a", "b"])))
    digraph {
      node [shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#4a6a94", fontname="sans-serif"];
      v0 [label="a"];
      v1 [label="b"];
      v0 -> v1;
    }
    <BLANKLINE>
    """
    number = {name: i for i, name in enumerate(net.names)}
    real = real_names(net)
    shape = {
        name: (", shape=ellipse" if name in real else "") + (", fillcolor=white" if name in net.guide else "")
        for name in number
    }
    lines = [f'  v{i} [label="{_dot_escape(printable(name))}"{shape[name]}];' for name, i in number.items()]
    lines += [f"  v{number[parent]} -> v{number[child]};" for parent, child in net.edges]
    return "\n".join(["digraph {", f"  node [{DOT_STYLE}];", *lines, "}", ""])


def _dot_escape(text: str) -> str:
    """Backslashes start escapes and ampersands start HTML entities in a graphviz label."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _dot_svg(net: NetworkLike) -> str:
    """What graphviz draws, without its file header, and never wider than a notebook's cell."""
    drawn = _graphviz(net, "svg", 'layout="dot"').decode()
    return DOT_SIZE.sub(_dot_cell_size, drawn[drawn.index("<svg") :], count=1)


def _dot_cell_size(size: re.Match[str]) -> str:
    return cell_size(float(size[1]), float(size[2]), CELL_WIDTH * 0.75, "pt")


def _graphviz(net: NetworkLike, image_format: str, purpose: str) -> bytes:
    """Let dot draw the graph; ImportError where the package or the program is missing, OSError where dot fails."""
    try:
        import graphviz
    except ImportError:
        raise ImportError(f"{purpose} {MISSING_GRAPHVIZ}") from None
    try:
        return bytes(graphviz.Source(network_dot(net)).pipe(image_format, quiet=True))
    except graphviz.ExecutableNotFound:
        raise ImportError(f"{purpose} {MISSING_GRAPHVIZ}") from None
    except graphviz.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip()
        raise OSError(
            f"{purpose}: graphviz's dot ended with status {error.returncode}: {reason}; "
            "the layout 'layers', which is the default, .dot and .txt work without"
        ) from None


def write_picture(net: NetworkLike, path: str | Path, layout: str) -> Path:
    """Write a picture of the graph to ``path``, complete or not at all, and return the path.

    By suffix: .svg (by ``layout``), .png, .pdf (graphviz), .dot (graphviz source), .txt (a tree).

    Raises
    ------
    ValueError : another suffix or layout. ImportError : .png, .pdf or ``layout="dot"`` without graphviz.
    OSError : the file cannot be written, or graphviz fails.
    """
    _check_layout(layout)
    path = Path(path)
    content = _file_content(net, path.suffix.lower(), layout)
    with atomic_file(path) as file:
        file.write(content)
    return path


def _file_content(net: NetworkLike, suffix: str, layout: str) -> bytes:
    if suffix == ".txt":
        return (network_text(net, max_lines=None) + "\n").encode()
    if suffix == ".dot":
        return network_dot(net).encode()
    if suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a picture is written as .svg, .png, .pdf, .dot or .txt, got the suffix {suffix!r}")
    if suffix == ".svg" and layout == "layers":
        return network_svg(net, in_cell=False).encode()
    return _graphviz(net, suffix[1:], f"writing {suffix}")


def _check_layout(layout: str) -> None:
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {LAYOUTS}, got {layout!r}")
