"""pgmpy's ``BIFReader``: files are read by our reader, and the object says what pgmpy's says of them.

pgmpy finds what it reads by searching, keeps numbers as they are written, also where rows do not sum to 1, and fills
rows that are missing. Files in which that could be anything else than what our reader finds are left to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from pgmpy.readwrite import BIFReader

from ...errors import FormatError
from ...io.bif import read_bif_into
from ...io.draft import Draft, Family, Positions
from ...io.text import Array, Source
from .replacement import NotOursError, Replacement, faster

_COMMENT = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|(/\*.*?\*/|//[^\n]*)', re.DOTALL)
_NETWORK = re.compile(r"\s*network\s+(?P<name>[\w-]+)\s*\{[^{}]*\}\s*")
_PROPERTY = re.compile(r"property\b([^;{}\t]*);\s*")
_VARIABLE = re.compile(
    r"variable[ \t]+(?P<name>[\w.-]+)\s*\{\s*(?P<before>(?:property\b[^;{}\t]*;\s*)*)"
    r"type\s+\w+\s*\[\s*\d+\s*\]\s*\{(?P<states>[^{}();]*)\}[ \t]*;\s*"
    r"(?P<after>(?:property\b[^;{}\t]*;\s*)*)\}\n\s*"
)
_NUMBERS = r"[\d+\-eE.]++(?:(?:[ \t]*+,[ \t]*+|[ \t]++)[\d+\-eE.]++)*+[ \t]*+;\s*+"
_PROBABILITY = re.compile(
    r"probability[ \t]*\([ \t]*(?P<child>[\w.-]+)[ \t]*"
    r"(?:\)\s*\{\s*table\s+" + _NUMBERS + r"|"
    r"\|[ \t]*(?P<parents>[\w.-]+(?:[ \t]*,[ \t]*[\w.-]+)*)[ \t]*\)\s*\{\s*"
    r"(?:\([^(){};]*+\)\s*+" + _NUMBERS + r")++)\}\n\s*"
)
_WORDS = re.compile("variable|probability|property|table|default")  # of the format, which pgmpy also finds in names


def replacements() -> list[Replacement]:
    """The reader."""
    return [faster(BIFReader, "__init__", read)]


def read(reader: BIFReader, path: Any = None, string: Any = None, include_properties: bool = False) -> None:
    """Set the attributes of a new reader."""
    text = _text(path, string)
    form = _form(text)
    draft = _Written(Source(text, "<text>"))
    try:
        read_bif_into(draft)
    except FormatError as error:
        raise NotOursError(f"a file that is not read by fastdgm: {error}") from None
    states = {variable: list(names) for variable, names in draft.states.items()}
    parents = {child: list(family.parents) for child, (family, _) in draft.tables.items()}
    if (states, parents) != (form.states, form.parents):
        raise NotOursError("a file whose names pgmpy takes apart in another way")
    reader.network, reader.network_name, reader.include_properties = text, form.name, include_properties
    reader.variable_names, reader.variable_states, reader.variable_parents = list(states), states, parents
    if include_properties:
        reader.variable_properties = form.properties
    reader.variable_edges = [[parent, child] for child, own in parents.items() for parent in own]
    reader.variable_cpds = {
        child: np.ascontiguousarray(values.reshape(-1, family.n_states).T)
        for child, (family, values) in draft.tables.items()
    }


class _Form(NamedTuple):
    """What pgmpy finds in a text, but for the numbers."""

    name: str
    states: dict[str, list[str]]
    parents: dict[str, list[str]]
    properties: dict[str, list[str]]


class _Written(Draft):
    """Tables as they are written."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.tables: dict[str, tuple[Family, Array]] = {}

    def add_table(
        self, family: Family, values: Array, row_positions: Positions | None = None, weights: bool = False
    ) -> None:
        self.check_length(family, values)
        self.tables[family.child] = family, values


def _text(path: Any, string: Any) -> str:
    """The text without comments and quotation marks, as pgmpy keeps it."""
    if path:
        if not isinstance(path, str | os.PathLike) or not os.path.isfile(path):
            raise NotOursError  # pgmpy opens it
        with open(path) as file:  # in the encoding that pgmpy takes
            string = file.read()
    if not isinstance(string, str) or not string:
        raise NotOursError
    if "/*" in string or "//" in string:
        string = _COMMENT.sub(lambda match: match[1] or "", string)
    return string.replace('"', " ")


def _form(text: str) -> _Form:
    """Of a text in which pgmpy finds just what stands there."""
    network = _NETWORK.match(text)
    if "//" in text or "/*" in text:  # in a string, where it was no comment to pgmpy
        raise NotOursError("a file with // or /* in a string")
    if network is None or _WORDS.search(network["name"]) or re.search("variable|probability", network[0]):
        raise NotOursError("a file without a plain network block at its beginning")
    form = _Form(network["name"], {}, {}, {})
    for block in _blocks(text, network.end()):
        named = block.groupdict()
        if "child" in named:
            names = block["child"] + (block["parents"] or "")
            form.parents[block["child"]] = [one.strip() for one in (block["parents"] or "").split(",") if one.strip()]
        else:
            names = block["name"] + " property" * ("property" in block["states"])
            form.states[block["name"]] = _listed(block["states"])
            properties = _PROPERTY.findall(block["before"] + block["after"])
            form.properties[block["name"]] = [one.strip() for one in properties]
        if _WORDS.search(names):
            raise NotOursError("a file with names that are words of the format")
    if len({name.lower() for name in form.states}) < len(form.states):
        raise NotOursError("a file with variables that differ in case only")
    return form


def _listed(states: str) -> list[str]:
    return [one.strip() for one in states.split(",") if one.strip()] if "," in states else states.split()


def _blocks(text: str, position: int) -> Iterator[re.Match[str]]:
    while position < len(text):
        block = _VARIABLE.match(text, position) or _PROBABILITY.match(text, position)
        if block is None:
            line = text.count("\n", 0, position) + 1
            raise NotOursError(f"a file whose block in line {line} is not a plain one")
        yield block
        position = block.end()
