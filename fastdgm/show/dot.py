"""A graph in graphviz's language."""

from __future__ import annotations

from html import escape

from ..runtime.text import printable
from .bars import BAR, BAR_HEIGHT, BAR_WIDTH, KNOWN_BAR
from .marginals import Bar, Marginals, Panel, panels, percent
from .shown import NetworkLike
from .svg import KNOWN_BOX, KNOWN_FRAME
from .text import real_names

STYLE = 'shape=box, style="rounded,filled", fillcolor="#eef3fa", color="#4a6a94", fontname="sans-serif"'
TABLE = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING'


def network_dot(net: NetworkLike, marginals: Marginals | None = None) -> str:
    """The graph in graphviz's language, every name escaped; real variables are ellipses, latent ones white.

    Where there are marginals, a node is a table with a bar for every state.

    Examples
    --------
    >>> import fastdgm as fd
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
    own = {} if marginals is None else panels(net.states, marginals)
    known = () if marginals is None else marginals.known
    shape = {
        name: (", shape=ellipse" if name in real else "")
        + (", fillcolor=white" if name in net.guide else "")
        + (f', fillcolor="{KNOWN_BOX}", color="{KNOWN_FRAME}"' if name in known else "")
        for name in number
    }
    labels = {name: _table(name, own[name]) if name in own else _quoted(printable(name)) for name in number}
    caption = []
    if marginals is not None:
        caption = [f'  label={_quoted(marginals.caption("in brackets"))}; labelloc=t; fontname="sans-serif";']
    lines = [f"  v{i} [label={labels[name]}{shape[name]}];" for name, i in number.items()]
    lines += [f"  v{number[parent]} -> v{number[child]};" for parent, child in net.edges]
    return "\n".join(["digraph {", f"  node [{STYLE}];", *caption, *lines, "}", ""])


def _quoted(text: str) -> str:
    """Backslashes start escapes and ampersands start HTML entities in a graphviz label."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'


def _table(name: str, panel: Panel) -> str:
    """A label like HTML: the name, then the states with their bars."""
    rows = "".join(_row(bar, KNOWN_BAR if panel.is_known else BAR) for bar in panel.bars)
    compared = any(bar.prior is not None for bar in panel.bars)
    head = f'<TR><TD COLSPAN="{4 if compared else 3}">{_text(printable(name))}</TD></TR>'
    return f'<<TABLE {TABLE}="2">{head}{rows}</TABLE>>'


def _row(bar: Bar, colour: str) -> str:
    """A state, its bar, its probability, and the prior in brackets."""
    share = f'<TD ALIGN="RIGHT">{_text(percent(bar.probability))}</TD>'
    before = "" if bar.prior is None else f'<TD ALIGN="RIGHT">({_text(percent(bar.prior))})</TD>'
    return f'<TR><TD ALIGN="LEFT">{_text(bar.label)}</TD><TD ALIGN="LEFT">{_bar(bar, colour)}</TD>{share}{before}</TR>'


def _bar(bar: Bar, colour: str) -> str:
    """A cell of whole pixels; graphviz has none without a width."""
    width = round(BAR_WIDTH * bar.probability)
    room = f'<TD FIXEDSIZE="TRUE" WIDTH="{max(BAR_WIDTH - width, 1)}" HEIGHT="{BAR_HEIGHT}"></TD>'
    filled = f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{BAR_HEIGHT}" BGCOLOR="{colour}"></TD>' if width else ""
    return f'<TABLE {TABLE}="0"><TR>{filled}{room}</TR></TABLE>'


def _text(text: str) -> str:
    """Never empty, which graphviz does not parse; backslashes start escapes here, too."""
    return escape(text).replace("\\", "&#92;") or " "
