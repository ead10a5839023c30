"""How networks and tables look: plain text, HTML, graphviz source, pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .atomic import atomic_file

if TYPE_CHECKING:
    from .bayesnet import BayesNet
    from .conditionals import CPT

MAX_ROWS, MAX_COLUMNS = 12, 10  # of a table that is shown
MAX_LINES = 30  # of a tree in a repr
MAX_DEPTH = 8  # a deeper part of a tree starts again at the margin
MAX_LABEL = 24  # characters
MAX_INLINE = 200  # variables; a larger graph is unreadable in a notebook cell and may take dot seconds

DOT_STYLE = 'shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#4a6a94", fontname="sans-serif"'
MISSING_GRAPHVIZ = (
    'needs graphviz: pip install "fastdgm[plot]" and the program dot (apt-get install graphviz, '
    "brew install graphviz); .svg, .dot and .txt work without"
)


def printable(text: str) -> str:
    """The text without control characters (names come from files), cut to 24 characters."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: MAX_LABEL + 1])
    return clean if len(clean) <= MAX_LABEL else clean[: MAX_LABEL - 1] + "…"


def cpt_text(cpt: CPT) -> str:
    """A table as aligned text: one row per parent configuration (state codes), one column per state."""
    header, rows = _cells(cpt)
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [_headline(cpt)]
    for cells in (header, *rows):
        lines.append("  ".join(map(str.ljust, cells, widths)).rstrip())
    return "\n".join(lines + _hidden_rows(cpt))


def cpt_html(cpt: CPT) -> str:
    """The table of :func:`cpt_text` as HTML, every name escaped."""
    header, rows = _cells(cpt)
    n_parents = len(cpt.parents)
    lines = [f"<table><caption>{escape(_headline(cpt))}</caption>"]
    lines.append("<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>")
    for cells in rows:
        marked = [f"<th>{cell}</th>" for cell in cells[:n_parents]]
        marked += [f"<td>{cell}</td>" for cell in cells[n_parents:]]
        lines.append("<tr>" + "".join(marked) + "</tr>")
    lines += [f'<tr><td colspan="{len(header)}">{note}</td></tr>' for note in _hidden_rows(cpt)]
    return "\n".join([*lines, "</table>"])


def _headline(cpt: CPT) -> str:
    given = f" given {', '.join(map(printable, cpt.parents))}" if cpt.parents else ""
    size = f"{_count(cpt.n_states, 'state')}, {_count(cpt.n_parameters, 'parameter')}"
    return f"{type(cpt).__name__}{given}: {size}"


def _cells(cpt: CPT) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table, cut to what a screen holds."""
    more = ["..."] if cpt.n_states > MAX_COLUMNS else []
    header = [printable(name) for name in (*cpt.parents, *cpt.states[:MAX_COLUMNS])] + more
    rows = cpt.table.reshape(-1, cpt.n_states)[:MAX_ROWS, :MAX_COLUMNS]
    codes = np.stack(np.unravel_index(np.arange(len(rows)), cpt.table.shape[:-1] or (1,)), axis=1)
    codes = codes[:, : len(cpt.parents)]
    cells = [[*map(str, own), *(f"{p:.4g}" for p in row), *more] for own, row in zip(codes, rows, strict=True)]
    return header, cells


def _hidden_rows(cpt: CPT) -> list[str]:
    hidden = cpt.table.size // cpt.n_states - MAX_ROWS
    return [f"... ({_count(hidden, 'more row')})"] if hidden > 0 else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def network_text(net: BayesNet, max_lines: int | None = MAX_LINES) -> str:
    """Counts, then the graph as a tree from causes to effects; ``max_lines=None`` shows all of it.

    A variable with several parents appears under each; its own children are listed once.
    """
    size = _count(net.n_parameters, "parameter") if net.is_fitted else "not fitted"
    lines = [
        f"BayesNet: {_count(len(net), 'variable')}, {_count(len(net.edges), 'arc')}, {size}",
        *_tree(net),
    ]
    if max_lines is not None and len(lines) > max_lines:
        lines[max_lines:] = [f"... ({_count(len(lines) - max_lines, 'more line')}; all with plot('net.txt'))"]
    return "\n".join(lines)


def _tree(net: BayesNet) -> Iterator[str]:
    children: dict[str, list[str]] = {name: [] for name in net.names}
    for parent, child in net.edges:
        children[parent].append(child)
    listed: set[str] = set()
    starts = deque(name for name in net.order if not net.parents[name])
    while starts:
        stack = [(starts.popleft(), "", "", 0)]
        if stack[0][0] in listed:
            continue
        while stack:
            name, before, indent, depth = stack.pop()
            own, note = children[name], ""
            if own and name in listed:
                own, note = [], " (above)"
            elif own and depth == MAX_DEPTH:
                starts.append(name)
                own, note = [], " (below)"
            else:
                listed.add(name)
            yield before + printable(name) + note
            for child in reversed(own):
                branch, rest = ("└─ ", "   ") if child == own[-1] else ("├─ ", "│  ")
                stack.append((child, indent + branch, indent + rest, depth + 1))


def network_dot(net: BayesNet) -> str:
    """The graph in graphviz's language, every name escaped.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.display import network_dot
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


def network_svg(net: BayesNet) -> str | None:
    """The graph as SVG by graphviz; None, so that notebooks show text, without it or above 200 variables."""
    if len(net) > MAX_INLINE:
        return None
    try:
        return _graphviz(net, "svg").decode()
    except (ImportError, OSError):
        return None


def _graphviz(net: BayesNet, image_format: str) -> bytes:
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


def plot(net: BayesNet, path: str | Path | None = None) -> BayesNet | Path:
    """Write a picture of the graph to ``path`` and return the path; without one, return the network.

    By suffix: .svg, .png, .pdf (graphviz; an .svg is drawn more simply where it does not work), .dot (graphviz source),
    .txt (a tree). The file appears complete or not at all. Notebooks draw a network by its ``_repr_svg_``;
    in a terminal its ``repr`` is a tree.

    Raises
    ------
    ValueError : another suffix. ImportError : .png or .pdf without graphviz.
    OSError : the file cannot be written, or graphviz fails on a .png or .pdf.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.markov_chain(["a", "b"]).plot()
    BayesNet: 2 variables, 1 arc, not fitted
    a
    └─ b
    """
    if path is None:
        return net
    path = Path(path)
    content = _file_content(net, path.suffix.lower())
    with atomic_file(path) as file:
        file.write(content)
    return path


def _file_content(net: BayesNet, suffix: str) -> bytes:
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
    from .svg import layered_svg

    return layered_svg(net.parents, net.order, {name: printable(name) for name in net.names}).encode()
