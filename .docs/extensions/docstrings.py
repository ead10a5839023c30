"""Docstrings of the library into reStructuredText: sections, lists of names, formulas.

They are written to be read in a terminal: headings underlined as numpydoc does, entries ``name : what it is``, formulas
indented. Numpydoc's and napoleon's parsers take what is after the colon for a type, so it is done here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

LISTS = ("Parameters", "Attributes", "Returns", "Raises", "Warns")
SECTIONS = (*LISTS, "Notes", "Examples", "References")
# "name : text" where a list item begins: at the start of a line, or for errors and fitted_ names also within one.
NAMES = r"\*{0,2}\w+(?:, \*{0,2}\w+)*"
ENTRY = re.compile(rf"^({NAMES}),? : (.*)", re.DOTALL)
ERRORS = r"[A-Z]\w*(?:Error|Warning)(?:(?:, | or | and )[A-Z]\w*(?:Error|Warning))*(?: \([^)]*\))?"
ERROR = re.compile(rf"(?:^|(?<=[.;] ))({ERRORS}) : ")
FITTED = re.compile(r"(?:^|(?<=[.;] ))(\w+_(?:, \w+_)*) : ")
EMPHASIS = re.compile(r"((?<![\w*])\*(?=\w)[^*]*(?<=[\w.])\*(?![\w*]))")
LITERAL = re.compile(r"(``.*?``|:\w+:`[^`]*`|`[^`]*`)")
# What models and conditionals give to the loops; users call the verbs.
FOR_ENGINES = {
    *("bound", "trusted", "shared_parameters", "parameters", "call", "value", "n_columns"),
    *("adopt", "draw", "draw_rows", "fitted_copy", "gradients", "gradients_given", "score_rows", "share_parameters"),
    *("uniforms_per_variable", "words_per_row", "with_parameters", "with_module", "n_context", "head"),
    *("blocks", "memory_by_name", "schema", "of"),
}
OF_ALL_CONDITIONALS = {"from_parameters", "variable", "is_fitted"}


def converted(lines: list[str]) -> list[str]:
    """The docstring's lines as reStructuredText."""
    out: list[str] = []
    for heading, body in sections(lines):
        if heading:
            out += [f".. rubric:: {heading}", ""]
        out += listed(heading, body) if heading in LISTS else prose(body)
        out.append("")
    return out


def sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Every heading, "" at first, with the lines below it."""
    heading, body, i = "", list[str](), 0
    while i < len(lines):
        if lines[i] in SECTIONS and i + 1 < len(lines) and re.fullmatch("-{3,}", lines[i + 1]):
            yield heading, body
            heading, body, i = lines[i], [], i + 2
        else:
            body.append(lines[i])
            i += 1
    yield heading, body


def paragraphs(lines: list[str]) -> Iterator[list[str]]:
    """Runs of lines that are not empty."""
    for is_text, run in groupby(lines, key=lambda line: bool(line.strip())):
        if is_text:
            yield list(run)


def prose(lines: list[str]) -> list[str]:
    """Paragraphs; what is indented is a formula or a drawing, or Python behind ``::``, and keeps its lines."""
    out: list[str] = []
    language = "none"
    for paragraph in paragraphs(lines):
        if paragraph[0].startswith(">>>"):
            out += paragraph
        elif all(line.startswith("    ") for line in paragraph):
            out += [f".. code-block:: {language}", "", *paragraph]
        else:
            language = "python" if paragraph[-1].endswith("::") else "none"
            *first, last = paragraph
            out += map(escaped, [*first, last.removesuffix(":") if language == "python" else last])
        out.append("")
    return out


def listed(heading: str, lines: list[str]) -> list[str]:
    """``name : text`` as a definition list; other paragraphs stay what they are."""
    out: list[str] = []
    inner = {"Raises": ERROR, "Warns": ERROR, "Attributes": FITTED}.get(heading)
    for paragraph in paragraphs(lines):
        if out and all(line.startswith("    ") for line in paragraph):  # more of the last entry
            more = prose([line.removeprefix("    ") for line in paragraph])
            out += [f"    {line}".rstrip() for line in more]
            continue
        for item in [" ".join(map(str.strip, paragraph))] if inner else items(paragraph):
            for entry in split_at(inner, item) if inner else [item]:
                out += defined(entry)
    return [*out, ""]


def items(paragraph: list[str]) -> Iterator[str]:
    """Lines that belong together: an entry begins at the margin, and what is indented goes on with it."""
    item: list[str] = []
    for line in paragraph:
        if item and ENTRY.match(line):
            yield "\n".join(item)
            item = []
        item.append(line)
    yield "\n".join(item)


def split_at(inner: re.Pattern[str], text: str) -> list[str]:
    """The entries of a paragraph."""
    starts = [found.start(1) for found in inner.finditer(text)]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    return [text[a:b].strip().rstrip(";") for a, b in zip(starts, [*starts[1:], None], strict=True)]


def defined(entry: str) -> list[str]:
    """One entry."""
    found = ENTRY.match(entry) or re.match(rf"^({ERRORS}) : (.*)", entry, re.DOTALL)
    if found is None:
        return prose(entry.split("\n"))
    terms, text = found.groups()
    body = [f"    {escaped(line.strip())}" for line in text.split("\n")]
    return [
        re.sub(r"\*{0,2}\b\w+(?![\w ]*\))", r"``\g<0>``", terms.replace(" or ", ", ").replace(" and ", ", ")),
        *body,
        "",
    ]


def escaped(line: str) -> str:
    """Without the marks that only reStructuredText knows: names that end in ``_``, lone ``*`` and ``|``."""
    parts = LITERAL.split(line)
    parts[::2] = map(escaped_words, parts[::2])
    return "".join(parts)


def escaped_words(text: str) -> str:
    """Of what is no literal; ``*emphasis*`` stays."""
    parts = EMPHASIS.split(text)
    parts[::2] = [re.sub(r"\*|\|(?=\S)|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def convert(app: Any, what: str, name: str, value: object, options: Any, lines: list[str]) -> None:
    """In place, as Sphinx wants it."""
    lines[:] = converted(lines)


def skip(app: Any, what: str, name: str, value: Any, skipped: bool, options: Any) -> bool | None:
    """Of a class, what it has from scikit-learn, and what its base class asks it for on behalf of engines."""
    inner = getattr(value, "__func__", getattr(value, "fget", value))
    home = getattr(inner, "__module__", None) or ""
    of_all = home.startswith("fastdgm.conditionals.") and name in OF_ALL_CONDITIONALS
    return True if home.startswith("sklearn.") or name in FOR_ENGINES or of_all else None


def public_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """What a docstring of another module calls by its public name alone: :class:`BayesNet`."""
    if node.get("refdomain") != "py":
        return None
    target = f"fastdgm.{node['reftarget']}"
    python = env.get_domain("py")
    return python.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], target, node, content)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("missing-reference", public_name)
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", convert)
    return {"parallel_read_safe": True}
