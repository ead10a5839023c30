"""Networks of the columns of an estimator: their structure, their fit, and variances that are never 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import numpy.typing as npt

from ...bayesnet import BayesNet
from ...conditionals.gaussian import LinearGaussian, Normal
from ...conditionals.table import CPT, Categorical
from ...io.gaussian_nets import parameters_of
from ...runtime.text import preview
from .categories import Column
from .checks import check_at_least_zero
from .class_statistics import Classes, Counts, Moments, sums
from .naive_scores import Scores

Array = npt.NDArray[Any]
BDEU_ROWS = 10.0  # the equivalent sample size of prior="bdeu", as in ``BayesNet.fit``


def check_prior(prior: Any) -> None:
    """ValueError unless a pseudo-count or "bdeu"."""
    if not isinstance(prior, str):
        check_at_least_zero(prior=prior)
    elif prior != "bdeu":
        raise ValueError(f'prior is a finite number of at least 0, or "bdeu", got {prior!r}')


def checked_edges(edges: Any) -> list[tuple[str, str]]:
    """Edges as pairs. ValueError for anything else."""
    if isinstance(edges, str | Iterator) or not isinstance(edges, Iterable):  # an iterator would be empty the next time
        raise ValueError(f"edges are a list of pairs (parent, child) of names, or None, got {edges!r}")
    for edge in edges:
        if isinstance(edge, str) or not isinstance(edge, Sized) or len(edge) != 2:
            raise ValueError(f"an edge is a pair (parent, child), got {edge!r}")
    return [(parent, child) for parent, child in edges]


def network_of(edges: Sequence[tuple[str, str]], columns: Sequence[Column]) -> BayesNet:
    """The network to be fitted. ValueError for an edge of what is no column."""
    names = [own.name for own in columns]
    for edge in edges:
        for name in edge:
            if name not in names:
                raise ValueError(f"edges are pairs of names of columns, {preview(names)}: got {edge!r}")
    states = {own.name: own.states for own in columns if own.categories is not None}
    real = [own.name for own in columns if own.categories is None]
    return BayesNet.from_edges(edges, names, states, real)


def widened(net: BayesNet, encoded: Mapping[str, Array], share: float) -> BayesNet:
    """Variances of normal variables plus ``share`` of the largest variance of any real column, as in ``GaussianNB``."""
    normal = {name: own for name, own in net.conditionals.items() if isinstance(own, LinearGaussian)}
    spreads = [float(np.nanvar(encoded[name])) for name in normal if name in encoded]
    if not spreads or share == 0.0:
        return net
    extra = share * max(spreads)
    wider = dict(net.conditionals)
    for name, own in normal.items():
        found = parameters_of(name, own)
        wider[name] = LinearGaussian(own.parents, found.intercept, found.coefficients, np.sqrt(found.std**2 + extra))
    return BayesNet(wider)


def fit_naive(
    target: Column,
    codes: Array,
    columns: Sequence[Column],
    encoded: Mapping[str, Array],
    weights: npt.NDArray[np.float64] | None,
    prior: float | str,
    share: float,
) -> BayesNet:
    """Naive Bayes of rows whose classes are known: what is missing of features is left out, where EM would end."""
    assert target.categories is not None
    n = len(target.categories)
    classes = Classes(codes, n, weights)
    statistics = [Moments.none(own, n) if own.categories is None else Counts.none(own, n) for own in columns]
    for own in statistics:
        own.add(encoded[own.column.name], classes)
    extra = share * max((own.spread for own in statistics if isinstance(own, Moments)), default=0.0)
    own_prior = BDEU_ROWS / n if prior == "bdeu" else float(prior)
    frequencies = sums(codes, n, weights) + own_prior
    conditionals: dict[str, Any] = {target.name: Categorical(frequencies / frequencies.sum(), target.states)}
    for own in statistics:
        if isinstance(own, Moments):
            std = np.sqrt(own.variances() + extra)
            conditionals[own.column.name] = Normal.given([target.name], own.mean, std)
        else:
            alpha = BDEU_ROWS / own.table.size if prior == "bdeu" else float(prior)
            conditionals[own.column.name] = CPT([target.name], own.probabilities(alpha), own.column.states)
    return BayesNet(conditionals)


def scores_of(net: BayesNet, target: str) -> Scores:
    """log p(target, row) of a naive Bayes network, which takes rows of any pattern of missing values at once."""
    conditionals = net.conditionals
    prior = conditionals[target]
    assert isinstance(prior, CPT)
    normal = {name: parameters_of(name, own) for name, own in conditionals.items() if isinstance(own, LinearGaussian)}
    n = len(prior.table)
    means = np.stack([own.intercept for own in normal.values()], axis=1) if normal else np.empty((n, 0))
    stds = np.stack([own.std for own in normal.values()], axis=1) if normal else np.empty((n, 0))
    with np.errstate(divide="ignore"):
        tables = {
            name: np.log(own.table) for name, own in conditionals.items() if isinstance(own, CPT) and name != target
        }
        return Scores(np.log(prior.table), tables, list(normal), means, stds**2)
