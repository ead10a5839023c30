"""Encoded rows with missing values filled in: by a naive Bayes network whose class is hidden, and by any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...bayesnet import BayesNet
from ...conditionals.gaussian import LinearGaussian
from ...conditionals.table import CPT
from ...io.gaussian_nets import parameters_of
from .categories import Column, network_columns
from .learning import scores_of
from .targets import log_normalized

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
How = Literal["mpe", "mode", "sample"]


def is_empty(values: Array) -> npt.NDArray[np.bool_]:
    """Where an encoded column has no value."""
    return np.isnan(values) if values.dtype.kind == "f" else values < 0


# --- a hidden class ----------------------------------------------------------------------------------------


def complete_by_class(
    net: BayesNet, hidden: str, encoded: Mapping[str, Array], how: How, random: np.random.Generator
) -> dict[str, Array]:
    """Rows of a naive Bayes network filled in, of any pattern of missing values at once."""
    joint = scores_of(net, hidden)(encoded)
    if how == "mode":
        return _modes(net, hidden, encoded, np.exp(log_normalized(joint, "imputer")))
    if how == "mpe":
        for name in encoded:
            joint += np.where(is_empty(encoded[name])[:, None], _log_peaks(net, name), 0.0)
        component = np.argmax(joint, axis=1)
    else:
        component = _drawn(np.exp(log_normalized(joint, "imputer")), random)
    out = {}
    for name, values in encoded.items():
        empty = is_empty(values)
        out[name] = values.copy()
        out[name][empty] = _given_component(net, name, component[empty], how, random)
    return out


def _modes(net: BayesNet, hidden: str, encoded: Mapping[str, Array], shares: Numbers) -> dict[str, Array]:
    """Each missing value by itself: the most probable state, the mean of a number."""
    out = {}
    for name, values in encoded.items():
        empty, own = is_empty(values), net[name]
        out[name] = values.copy()
        if isinstance(own, CPT):
            out[name][empty] = np.argmax(shares[empty] @ own.table, axis=1)
        else:
            out[name][empty] = shares[empty] @ parameters_of(name, own).intercept
    return out


def _log_peaks(net: BayesNet, name: str) -> Numbers:
    """log of the largest probability or density that each component gives to a variable."""
    own = net[name]
    with np.errstate(divide="ignore"):
        if isinstance(own, CPT):
            return np.log(own.table.max(axis=1))
        return -np.log(np.maximum(parameters_of(name, own).std, 1e-150) * np.sqrt(2 * np.pi))


def _given_component(net: BayesNet, name: str, component: Array, how: How, random: np.random.Generator) -> Array:
    own = net[name]
    if isinstance(own, CPT):
        return _drawn(own.table[component], random) if how == "sample" else np.argmax(own.table, axis=1)[component]
    found = parameters_of(name, own)
    means = found.intercept[component]
    return means + found.std[component] * random.standard_normal(len(means)) if how == "sample" else means


def _drawn(probabilities: Numbers, random: np.random.Generator) -> Array:
    """A state of each row, drawn."""
    below = np.cumsum(probabilities, axis=1)
    places = (random.random((len(below), 1)) * below[:, -1:] >= below).sum(axis=1)
    # a number that rounding puts at the very end is of the last state that can be
    return np.minimum(places, probabilities.shape[1] - 1 - np.argmax(probabilities[:, ::-1] > 0, axis=1))


# --- any network -------------------------------------------------------------------------------------------


def complete(
    net: BayesNet, columns: Sequence[Column], encoded: Mapping[str, Array], how: How, random: np.random.Generator
) -> dict[str, Array]:
    """Rows of any network filled in: discrete variables by ``BayesNet.impute``, then real ones that have no children.

    Raises ValueError for a real variable with missing values that has children, or of another kind than normal.
    """
    real = [own.name for own in columns if own.categories is None and is_empty(encoded[own.name]).any()]
    for name in real:
        _check_is_leaf(net, name)
    if not real:
        return _by_network(net, columns, encoded, how, random)
    out = {name: values.copy() for name, values in encoded.items()}
    patterns, place = np.unique(
        np.stack([is_empty(encoded[name]) for name in real], axis=1), axis=0, return_inverse=True
    )
    for k, pattern in enumerate(patterns):
        rows = np.flatnonzero(place.ravel() == k)
        left_out = {name for name, empty in zip(real, pattern, strict=True) if empty}
        kept = [own for own in columns if own.name not in left_out]
        part = {own.name: encoded[own.name][rows] for own in kept}
        rest = BayesNet({name: own for name, own in net.conditionals.items() if name not in left_out})
        if kept:
            part = _by_network(rest, kept, part, how, random)
        for name in left_out:
            part[name] = _of_leaf(net, name, part, len(rows), how, random)
        for name, values in part.items():
            out[name][rows] = values
    return out


def _check_is_leaf(net: BayesNet, name: str) -> None:
    children = [child for child, parents in net.parents.items() if name in parents]
    if children or not isinstance(net[name], LinearGaussian):
        why = f"has the child {children[0]!r}" if children else f"has a {type(net[name]).__name__}"
        raise ValueError(
            f"missing real values are filled in where the variable is normal and has no children: {name!r} {why}"
        )


def _by_network(
    net: BayesNet, columns: Sequence[Column], encoded: Mapping[str, Array], how: How, random: np.random.Generator
) -> dict[str, Array]:
    discrete = [own.name for own in columns if own.categories is not None]
    out = dict(encoded)
    if any(is_empty(encoded[name]).any() for name in discrete):
        rows = net.impute(network_columns(dict(encoded), columns), how=how, seed=int(random.integers(2**63)))
        for name in discrete:
            out[name] = np.where(is_empty(encoded[name]), rows[name], encoded[name]).astype(encoded[name].dtype)
    return out


def _of_leaf(
    net: BayesNet, name: str, rows: Mapping[str, Array], n: int, how: How, random: np.random.Generator
) -> Numbers:
    """Values of a normal variable given those of its parents."""
    own = net[name]
    assert isinstance(own, LinearGaussian)
    found = parameters_of(name, own)
    configuration = tuple(rows[parent].astype(np.intp) for parent in own.discrete_parents or ())
    means = np.broadcast_to(found.intercept[configuration], (n,)).copy()
    slopes = np.broadcast_to(found.coefficients[configuration], (n, found.coefficients.shape[-1]))
    for j, parent in enumerate(own.real_parents or ()):
        means += slopes[:, j] * rows[parent]
    return means + found.std[configuration] * random.standard_normal(n) if how == "sample" else means
