"""Pictures of a graph: graphviz's language, SVG, files."""

from __future__ import annotations

from pathlib import Path

from ..runtime.extras import how_to_install
from ..runtime.files import atomic_file
from ..runtime.text import printable
from .layered import layered_svg
from .shown import Network
from .text import network_text

MAX_INLINE = 200  # variables; a larger graph is unreadable in a notebook cell and may take dot seconds


DOT_STYLE = 'shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#4a6a94", fontname="sans-serif"'


MISSING_GRAPHVIZ = (
    f"needs graphviz: {how_to_install('plot', 'graphviz')}; and the program dot (apt-get install graphviz, "
    "brew install graphviz); .svg, .dot and .txt work without"
)


def network_dot(net: Network) -> str:
    """The graph in graphviz's language, every name escaped.

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
    lines = [f'  v{i} [label="{_dot_escape(printable(name))}"];' for name, i in number.items()]
    lines += [f"  v{number[parent]} -> v{number[child]};" for parent, child in net.edges]
    return "\n".join(["digraph {", f"  node [{DOT_STYLE}];", *lines, "}", ""])


def _dot_escape(text: str) -> str:
    """Backslashes start escapes and ampersands start HTML entities in a graphviz label."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def network_svg(net: Network) -> str | None:
    """The graph as SVG by graphviz; None, so that notebooks show text, without it or above 200 variables."""
    if len(net) > MAX_INLINE:
        return None
    try:
        return _graphviz(net, "svg").decode()
    except (ImportError, OSError):
        return None


def _graphviz(net: Network, image_format: str) -> bytes:
    """Let dot draw the graph; ImportError where the package or the program is missing, OSError where dot fails."""
    try:
        import graphviz
    except ImportError:
        raise ImportError(f"writing .{image_format} {MISSING_GRAPHVIZ}") from None
    try:
        return bytes(graphviz.Source(network_dot(net)).pipe(image_format, quiet=True))
    except graphviz.ExecutableNotFound:
        raise ImportError(f"writing .{image_format} {MISSING_GRAPHVIZ}") from None
    except graphviz.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip()
        raise OSError(
            f"writing .{image_format}: graphviz's dot ended with status {error.returncode}: {reason}; "
            ".svg, .dot and .txt work without"
        ) from None


def write_picture(net: Network, path: str | Path) -> Path:
    """Write a picture of the graph to ``path``, complete or not at all, and return the path.

    By suffix: .svg, .png, .pdf (graphviz; an .svg is drawn more simply where it does not work), .dot (graphviz source),
    .txt (a tree).

    Raises
    ------
    ValueError : another suffix. ImportError : .png or .pdf without graphviz.
    OSError : the file cannot be written, or graphviz fails on a .png or .pdf.
    """
    path = Path(path)
    content = _file_content(net, path.suffix.lower())
    with atomic_file(path) as file:
        file.write(content)
    return path


def _file_content(net: Network, suffix: str) -> bytes:
    if suffix == ".txt":
        return (network_text(net, max_lines=None) + "\n").encode()
    if suffix == ".dot":
        return network_dot(net).encode()
    if suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"a picture is written as .svg, .png, .pdf, .dot or .txt, got the suffix {suffix!r}")
    try:
        return _graphviz(net, suffix[1:])
    except (ImportError, OSError):
        if suffix != ".svg":
            raise

    return layered_svg(net.parents, net.order, {name: printable(name) for name in net.names}).encode()
