"""JSON of Gaussian and hybrid networks, as pgmpy writes them and holds those of the bnlearn repository.

::

    {"nodes": ["sex", "height"], "arcs": [["sex", "height"]], "cpds": {
      "sex": {"type": "discrete", "parents": [], "levels": ["f", "m"], "cpt": {"f": 0.5, "m": 0.5}},
      "height": {"type": "cgnode", "parents": ["sex"], "dparents": [1], "gparents": [], "dlevels": {"sex": ["f", "m"]},
                 "coefficients": {"(Intercept)": {"0": 165, "1": 178}}, "sd": {"0": 7, "1": 7}}}}

A node of type ``gaussian``, or of none, has numbers in place of ``{"0": ...}``, and a ``variance``, the square of
``sd``. A list of one may stand as its only member, and a number as a list of one. Configurations of discrete parents
are numbered with the first parent changing fastest, as in R; ``dparents`` and ``gparents`` count the parents from 1.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..bayesnet import BayesNet
from ..errors import FormatError
from ..runtime.memory import check_memory
from ..runtime.text import preview
from .draft import Draft, Family, GaussianFamily
from .strict_json import parsed_json
from .text import Array, Source

INTERCEPT = "(Intercept)"
_BYTES_PER_CHARACTER = 64  # of lists, dicts and numbers
_TYPES = ("discrete", "gaussian", "cgnode")
_SHOWN = 60  # characters of a value in a message
Node = dict[str, Any]


def read_json(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in a JSON text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no such JSON, contradicts itself, or has a row of probabilities that does not sum to 1;
        names the variable.

    Examples
    --------
    >>> from fastdgm.io import read_json
    >>> cpd = '{"coefficients": {"(Intercept)": [1.5]}, "variance": [4], "parents": []}'
    >>> read_json(f'{{"nodes": ["x"], "arcs": [], "cpds": {{"x": {cpd}}}}}')["x"]
    LinearGaussian([], intercept=1.5, coefficients=[], std=2.0)
    """
    return _Reader(Source(text, source), tolerance).network()


class _Reader:
    """Nodes are declared first, so that the kinds of all parents are known when conditionals are read."""

    def __init__(self, source: Source, tolerance: float | None) -> None:
        self.source = source
        self.draft = Draft(source, tolerance)

    def network(self) -> BayesNet:
        text = self.source.text
        check_memory(_BYTES_PER_CHARACTER * len(text), f"{self.source.name}: reading JSON of {len(text)} characters")
        try:
            data = parsed_json(text)
        except (ValueError, RecursionError) as error:
            raise self.source.error(f"this is no JSON: {error}") from None
        nodes, cpds = self._nodes(data)
        for name, node in nodes.items():
            if node["type"] == "discrete":
                self.draft.add_variable(name, self._strings(name, node, "levels"), None)
            else:
                self.draft.add_real(name, None)
        parents = {name: self._strings(name, node, "parents") for name, node in nodes.items()}
        self._check_arcs(cpds, parents)
        for name, node in nodes.items():
            self._add_conditional(name, node, parents[name])
        return self.draft.network()

    def _nodes(self, data: Any) -> tuple[dict[str, Node], Mapping[str, Any]]:
        """The nodes in order, each with a type, and the whole file."""
        if type(data) is not dict or not {"nodes", "arcs", "cpds"} <= data.keys():
            raise self.source.error("expected a JSON object with nodes, arcs and cpds")
        names, cpds = data["nodes"], data["cpds"]
        if not _are_strings(names) or type(cpds) is not dict:
            raise self.source.error("nodes are a list of names, and cpds an object")
        self.draft.check_count("variables", len(names), None)
        if sorted(names) != sorted(cpds):
            odd = sorted(set(names).symmetric_difference(cpds)) or ["a name given twice"]
            raise self.source.error(f"every node has one entry in cpds, missing or too many: {preview(odd)}")
        for name, node in cpds.items():
            if type(node) is not dict:
                raise self._error(name, f"is a JSON object, got {_shown(node)}")
            kind = node.setdefault("type", "gaussian")
            if kind not in _TYPES:
                raise self._error(name, f"has a type, one of {', '.join(_TYPES)}, got {_shown(kind)}")
        return {name: cpds[name] for name in names}, data

    def _check_arcs(self, data: Mapping[str, Any], parents: Mapping[str, Sequence[str]]) -> None:
        """The arcs say again what the parents say."""
        arcs = data["arcs"]
        if type(arcs) is not list:
            raise self.source.error(f"arcs are a list, got {_shown(arcs)}")
        found: set[tuple[str, str]] = set()
        for arc in arcs:
            pair: Any = [arc.get("from"), arc.get("to")] if type(arc) is dict else arc
            if not _are_strings(pair) or len(pair) != 2:
                raise self.source.error(f'an arc is a pair of names, or {{"from": ..., "to": ...}}, got {_shown(arc)}')
            found.add((pair[0], pair[1]))
        expected = {(parent, name) for name, own in parents.items() for parent in own}
        if found != expected or len(arcs) != len(found):
            odd = [f"{parent} -> {name}" for parent, name in sorted(found ^ expected)] or ["one given twice"]
            raise self.source.error(f"the arcs are those from parents to nodes, missing or too many: {preview(odd)}")

    def _add_conditional(self, name: str, node: Node, parents: Sequence[str]) -> None:
        if node["type"] == "discrete":
            family = self.draft.family(name, parents, None)
            self.draft.add_table(family, self._table(family, node.get("cpt")))
            return
        regressions = self.draft.gaussian_family(name, parents, None)
        if node["type"] == "gaussian" and regressions.discrete_parents:
            raise self._error(name, f"has discrete parents {list(regressions.discrete_parents)}: its type is cgnode")
        self.draft.add_gaussian(regressions, *self._regressions(regressions, node))

    # --- tables ------------------------------------------------------------------------------------------------

    def _table(self, family: Family, cpt: Any) -> Array:
        """The rows of ``cpt`` in our order, which are found by the names of their states."""
        name, levels = family.child, self.draft.states[family.child]
        if not family.parents:
            return self._row(name, levels, cpt)
        if type(cpt) is not dict or len(cpt) != family.n_rows:
            message = f"has a cpt with {family.n_rows} rows, one for each configuration of its parents, got"
            raise self._error(name, f"{message} {len(cpt) if type(cpt) is dict else _shown(cpt)}")
        values = np.empty((family.n_rows, len(levels)))
        waiting = dict(cpt)
        labels = row_labels(family.parents, [self.draft.states[parent] for parent in family.parents])
        for row, label in enumerate(labels):
            found = next((key for key in (label, label.replace(", ", ",")) if key in waiting), None)
            if found is None:
                raise self._error(name, f"has no row {label!r} in its cpt, the rows are {preview(list(cpt))}")
            values[row] = self._row(f"{name} | {label}", levels, waiting.pop(found))
        return values.reshape(-1)

    def _row(self, name: str, levels: Sequence[str], row: Any) -> Array:
        if type(row) is not dict or row.keys() != set(levels):
            shown = preview(list(row)) if type(row) is dict else _shown(row)
            raise self._error(name, f"has a probability for each of its levels {preview(levels)}, got {shown}")
        return np.array([self._number(name, row[level]) for level in levels])

    # --- regressions -------------------------------------------------------------------------------------------

    def _regressions(self, family: GaussianFamily, node: Node) -> tuple[Array, Array, Array]:
        """Intercepts, coefficients and standard deviations, for configurations in our order."""
        name, listed = family.child, node.get("coefficients")
        expected = [INTERCEPT, *family.real_parents]
        if type(listed) is not dict or listed.keys() != set(expected) or len(listed) != len(expected):
            shown = preview(list(listed)) if type(listed) is dict else _shown(listed)
            raise self._error(name, f"has a coefficient for each of {preview(expected)}, got {shown}")
        places = self._places(family, node)
        columns = [self._numbers(name, listed[key], family.n_rows)[places] for key in expected]
        return columns[0], np.array(columns[1:]).reshape(-1, family.n_rows).T, self._std(family, node)[places]

    def _std(self, family: GaussianFamily, node: Node) -> Array:
        given = [key for key in ("sd", "variance") if key in node]
        if len(given) != 1:
            raise self._error(family.child, f"has either sd or variance, got {' and '.join(given) or 'neither'}")
        values = self._numbers(family.child, node[given[0]], family.n_rows)
        if values.min() < 0.0:
            raise self._error(family.child, f"has a {given[0]} from 0 on, got {float(values.min())!r}")
        return np.sqrt(values) if given == ["variance"] else values

    def _places(self, family: GaussianFamily, node: Node) -> Any:
        """Where in the file the configurations are: there the first discrete parent changes fastest.

        A ``cgnode`` lists the levels of its discrete parents once more, and may do so in another order.
        """
        if node["type"] != "cgnode":
            return slice(None)
        name, parents = family.child, family.parents
        for key, kind in (("dparents", family.discrete_parents), ("gparents", family.real_parents)):
            expected = [parents.index(parent) + 1 for parent in kind]
            came = node[key] if type(node.get(key)) is list else [node.get(key)]
            if came != expected:
                raise self._error(name, f"has {key} {expected}, the places of {list(kind)}, got {_shown(came)}")
        listed = node.get("dlevels")
        if type(listed) is not dict or listed.keys() != set(family.discrete_parents):
            raise self._error(name, f"has dlevels of {list(family.discrete_parents)}, got {_shown(listed)}")
        numbers = np.arange(family.n_rows).reshape(family.shape, order="F")
        for axis, parent in enumerate(family.discrete_parents):
            levels, own = self._strings(name, listed, parent), self.draft.states[parent]
            if sorted(levels) != sorted(own):
                raise self._error(name, f"has dlevels {preview(levels)} of {parent!r}, which has {preview(own)}")
            place = {level: k for k, level in enumerate(levels)}
            numbers = numbers.take([place[level] for level in own], axis=axis)
        return numbers.reshape(-1)

    # --- values ------------------------------------------------------------------------------------------------

    def _numbers(self, name: str, value: Any, n: int) -> Array:
        """``n`` numbers: a list, an object with the keys "0", "1", ..., or where it is one alone."""
        if type(value) is dict and value.keys() == set(map(str, range(len(value)))):
            value = [value[str(i)] for i in range(len(value))]
        listed = value if type(value) is list else [value]
        if len(listed) != n:
            raise self._error(name, f"has {n} configurations of discrete parents, got numbers for {len(listed)}")
        return np.array([self._number(name, own) for own in listed])

    def _number(self, name: str, value: Any) -> float:
        try:
            number = float(value) if type(value) in (int, float) else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self._error(name, f"has finite numbers, got {_shown(value)}")
        return number

    def _strings(self, name: str, node: Node, key: str) -> list[str]:
        value: Any = node.get(key)
        listed: list[str] = [value] if type(value) is str else value
        if not _are_strings(listed):
            raise self._error(name, f"has a list of names as its {key}, got {_shown(value)}")
        return listed

    def _error(self, name: str, message: str) -> FormatError:
        return self.source.error(f"node {name!r} {message}")


def row_labels(parents: Sequence[str], states: Sequence[Sequence[str]]) -> Iterator[str]:
    """How the rows of a table are named, in our order: ``a=yes, b=low``."""
    for row in itertools.product(*states):
        yield ", ".join(f"{parent}={state}" for parent, state in zip(parents, row, strict=True))


def _are_strings(values: Any) -> bool:
    return type(values) is list and all(type(value) is str for value in values)


def _shown(value: Any) -> str:
    """How a value reads, as far as a message goes; lists inside lists may be too deep for that."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "lists in lists"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."
