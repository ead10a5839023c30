"""Networks of pgmpy as ours: made once, and kept for as long as the model stays as it was."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Hashable
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pgmpy import config

from ...bayesnet import BayesNet
from ...conditionals.table import CPT, EXACT_TOLERANCE, QUIET_TOLERANCE
from .replacement import NotOursError


class Twin(NamedTuple):
    """A pgmpy model as a network of ours, whose states are numbers in the order of the model's own state lists."""

    net: BayesNet  # names are the model's nodes, in its order; states "0", "1", ...
    states: dict[str, tuple[Hashable, ...]]  # state k of a variable is the user's own object states[name][k]
    off_by: float  # how far the sums of the model's tables are from 1, at most; the network's own rows sum to 1


class _Kept(NamedTuple):
    model: weakref.ref[Any]
    looks: _Looks
    twin: Twin


class _Looks(NamedTuple):
    """What a model's answers depend on, in the form that is compared fastest: every call does."""

    nodes: list[Any]
    edges: list[Any]
    cpds: list[_Table]
    states: list[Any]  # of all variables of all tables; held, so that another one never has the same identity


class _Table(NamedTuple):
    variables: list[Any]
    cardinality: list[int]
    n_names: list[int]  # how many states are named of each of the variables
    shape: tuple[int, ...]
    numbers: bytes  # a copy

    @property
    def values(self) -> npt.NDArray[np.float64]:
        return np.frombuffer(self.numbers, np.float64).reshape(self.shape)


_kept: dict[int, _Kept] = {}  # by identity of the model: models are equal where graphs are, whatever their tables


def twin_of(model: Any) -> Twin:
    """The model as a network of ours, which gives the numbers of its present tables.

    Raises
    ------
    NotOursError : what pgmpy refuses, without a text, since pgmpy says it; what it does not refuse and we cannot hold.
    """
    if config.get_backend() != "numpy":
        raise NotOursError(f"the backend {config.get_backend()!r}")
    looks = _looks(model)
    kept = _kept.get(id(model))
    if kept is not None and kept.model() is model and _are_same(kept.looks, looks):
        return kept.twin
    try:
        model.check_model()
    except Exception:  # pgmpy's own code meets it again, and raises it where it does so unpatched
        raise NotOursError from None
    twin = _twin(looks)
    key = id(model)
    _kept[key] = _Kept(weakref.ref(model, lambda gone: _forget(key, gone)), looks, twin)
    return twin


def _forget(key: int, gone: weakref.ref[Any]) -> None:
    kept = _kept.get(key)
    if kept is not None and kept.model is gone:  # not the one of a new model at the same address
        del _kept[key]


def _looks(model: Any) -> _Looks:
    try:
        nodes, edges, cpds = list(model.nodes()), list(model.edges()), list(model.cpds)
        names = [cpd.state_names[name] for cpd in cpds for name in cpd.variables]
        looks = _Looks(nodes, edges, [_table(cpd) for cpd in cpds], list(chain.from_iterable(names)))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise NotOursError from None  # no CPDs, or some without states: pgmpy says it
    if not all(isinstance(node, str) for node in nodes):
        raise NotOursError("variable names that are not strings")
    if sorted(table.variables[0] for table in looks.cpds) != sorted(nodes):
        raise NotOursError  # pgmpy says which CPD there is none of
    return looks


def _table(cpd: Any) -> _Table:
    variables = list(cpd.variables)
    n_names = [len(cpd.state_names[name]) for name in variables]
    values = np.asarray(cpd.values, np.float64)
    return _Table(variables, np.asarray(cpd.cardinality).tolist(), n_names, values.shape, values.tobytes())


def _are_same(one: _Looks, other: _Looks) -> bool:
    """States by identity: to Python, 1 equals True, and the user is to get back which of the two it is."""
    return (
        len(one.states) == len(other.states)
        and all(map(operator.is_, one.states, other.states))
        and (one.nodes, one.edges, one.cpds) == (other.nodes, other.edges, other.cpds)
    )


def _twin(looks: _Looks) -> Twin:
    tables = {table.variables[0]: table for table in looks.cpds}
    names = iter(looks.states)
    named = {table.variables[0]: [tuple(islice(names, k)) for k in table.n_names] for table in looks.cpds}
    states: dict[str, tuple[Hashable, ...]] = {}
    for node in looks.nodes:  # as pgmpy's samplers and elimination: the last table that names a variable's states
        states |= zip(tables[node].variables, named[node], strict=True)
    off_by, conditionals = 0.0, {}
    for name in looks.nodes:
        own = tables[name]
        if not own.n_names == own.cardinality == list(own.shape):
            raise NotOursError(f"the table of {name!r} has other states than their names")
        rows = np.array(np.moveaxis(own.values, 0, -1), order="C")  # ours: the parents, then the child
        off_by = max(off_by, _divide(name, rows))
        conditionals[name] = CPT(own.variables[1:], rows)
    try:
        return Twin(BayesNet(conditionals), states, off_by)
    except ValueError as error:
        raise NotOursError(str(error)) from None


def _divide(name: str, rows: npt.NDArray[np.float64]) -> float:
    """Make rows sum to 1, as pgmpy's samplers do, and return how far they were off."""
    off = 1.0 - rows.sum(axis=-1, keepdims=True)
    off_by = float(np.abs(off).max())
    if off_by > EXACT_TOLERANCE and rows.ndim == 1:
        rows[rows.argmax()] += off[0]  # a variable without parents: the difference goes to its likeliest state
    elif off_by > EXACT_TOLERANCE:
        rows /= 1.0 - off
    return off_by


def exactly_ours(model: Any) -> Twin:
    """:func:`twin_of` for what does not divide tables by their sums: those that do not sum to 1 are not ours."""
    twin = twin_of(model)
    if twin.off_by > QUIET_TOLERANCE:
        raise NotOursError(f"tables off by {twin.off_by:.2g} from summing to 1")
    return twin
