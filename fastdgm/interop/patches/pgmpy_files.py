"""pgmpy's ``BIFReader``: files are read by our reader, and the object says what pgmpy's says of them.

pgmpy finds what it reads by searching, keeps numbers as they are written, also where rows do not sum to 1, and fills
rows that are missing. Files in which that could be anything else than what our reader finds are left to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

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
    name, properties = _check_form(text)
    draft = _Written(Source(text, "<text>"))
    try:
        read_bif_into(draft)
    except FormatError as error:
        raise NotOursError(f"a file that is not read by fastdgm: {error}") from None
    _check_names(draft, text)
    reader.network, reader.network_name, reader.include_properties = text, name, include_properties
    reader.variable_names = list(draft.states)
    reader.variable_states = {variable: list(states) for variable, states in draft.states.items()}
    if include_properties:
        reader.variable_properties = properties
    reader.variable_parents = {child: list(family.parents) for child, (family, _) in draft.tables.items()}
    reader.variable_edges = [[p, child] for child, parents in reader.variable_parents.items() for p in parents]
    reader.variable_cpds = {
        child: np.ascontiguousarray(values.reshape(-1, family.n_states).T)
        for child, (family, values) in draft.tables.items()
    }


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


def _check_form(text: str) -> tuple[str, dict[str, list[str]]]:
    """The network's name and the variables' properties, of a text in which pgmpy finds just what stands there."""
    network = _NETWORK.match(text)
    if network is None or _WORDS.search(network["name"]) or re.search("variable|probability", network[0]):
        raise NotOursError("a file without a plain network block at its beginning")
    properties: dict[str, list[str]] = {}
    for block in _blocks(text, network.end()):
        named = block.groupdict()
        if "child" in named:
            names = block["child"] + (block["parents"] or "")
        else:
            names = block["name"] + block["states"]
            listed = _PROPERTY.findall(block["before"] + block["after"])
            properties[block["name"]] = [one.strip() for one in listed]
        if _WORDS.search(names):
            raise NotOursError("a file with names that are words of the format")
    return network["name"], properties


def _blocks(text: str, position: int) -> Iterator[re.Match[str]]:
    while position < len(text):
        block = _VARIABLE.match(text, position) or _PROBABILITY.match(text, position)
        if block is None:
            line = text.count("\n", 0, position) + 1
            raise NotOursError(f"a file whose block in line {line} is not a plain one")
        yield block
        position = block.end()


def _check_names(draft: Draft, text: str) -> None:
    if len({name.lower() for name in draft.states}) < len(draft.states):
        raise NotOursError("a file with variables that differ in case only")
    for block in _VARIABLE.finditer(text):
        listed = block["states"]
        states = listed.split(",") if "," in listed else listed.split()
        if [state.strip() for state in states if state.strip()] != list(draft.states[block["name"]]):
            raise NotOursError(f"the states of {block['name']!r}, which pgmpy takes apart in another way")
