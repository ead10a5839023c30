"""Structures by name, for columns of any kinds: what is known of a table before anything is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from ...bayesnet import BayesNet
from ...conditionals.base import Conditional
from ...conditionals.multivariate import MultivariateNormal
from ...conditionals.table import CPT, Categorical
from ...runtime.seeds import at_least_one
from .categories import Column
from .checks import unused

RECIPES = ("mixture", "naive_bayes", "independent", "markov_chain", "full_joint")
WITH_COMPONENTS = ("mixture", "naive_bayes")
WITH_MISSING_NUMBERS = ("naive_bayes", "independent")  # no number depends on another


class Recipe(NamedTuple):
    """A network to be learnt, and where it has the real columns."""

    net: BayesNet
    vector: str | None  # the variable that holds all real columns; None: each is a variable of its own name


def check_recipe(model: object, n_components: object) -> int:
    """The number of components. ValueError for another name, or components of a structure without any."""
    if model not in RECIPES:
        raise ValueError(f"model is a model of fastdgm or one of {', '.join(RECIPES)}, got {model!r}")
    k = at_least_one(n_components, "n_components")
    if k > 1 and model not in WITH_COMPONENTS:
        raise ValueError(f"n_components is of {' and '.join(WITH_COMPONENTS)}, got {k} with model={model!r}")
    return k


def recipe(model: str, columns: Sequence[Column], n_components: int) -> Recipe:
    """The network of a checked recipe: discrete columns have the states that were found in them."""
    names = [own.name for own in columns]
    states = {own.name: own.states for own in columns if own.categories is not None}
    real = [name for name in names if name not in states]
    component = None if n_components == 1 else unused("component", names)
    if model == "mixture":
        return _mixture(states, real, component, n_components)
    if model == "markov_chain":
        edges = list(pairwise(names))
    elif model == "full_joint":
        edges = list(combinations([*states, *real], 2))
    else:
        edges = [] if component is None else [(component, name) for name in names]
    if component is not None:
        names, states = [component, *names], {component: list(map(str, range(n_components))), **states}
    return Recipe(BayesNet.from_edges(edges, names, states, real), None)


def _mixture(states: dict[str, list[str]], real: list[str], component: str | None, k: int) -> Recipe:
    """Tables and one normal vector, independent of each other given the component."""
    parents = [] if component is None else [component]
    parts: dict[str, Conditional] = {} if component is None else {component: Categorical(np.full(k, 1 / k))}
    for name, own in states.items():
        parts[name] = CPT(parents, np.full([k] * len(parents) + [len(own)], 1 / len(own)), own)
    if not real:
        return Recipe(BayesNet(parts), None)
    vector = unused("numbers", parts)
    return Recipe(BayesNet({**parts, vector: MultivariateNormal.given(parents, size=len(real))}), vector)
