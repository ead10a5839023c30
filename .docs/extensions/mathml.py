"""Formulas as MathML, which browsers draw themselves: no script, and none from another host."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.util import logging

SIZES = re.compile(r"\\[bB]igg?[lrm]?(?![A-Za-z])")  # of brackets, which docutils does not know


def mathml(node: nodes.Element, text: str, *, as_block: bool) -> str:
    """A formula; one that docutils cannot read is a warning, and stays as it was written."""
    try:
        return latex2mathml.tex2mathml(SIZES.sub("", text), as_block=as_block)
    except MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", text, error, location=node)
        return f"<code>{escape(text)}</code>"


def visit_inline(self: Any, node: nodes.Element) -> None:
    """`$...$`."""
    self.body.append(mathml(node, node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_block(self: Any, node: nodes.Element) -> None:
    """`$$...$$`, of several lines aligned at `&`."""
    text = node.astext()
    if "\\\\" in text and "\\begin{" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(mathml(node, text, as_block=True))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
