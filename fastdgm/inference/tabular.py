"""Discrete conditionals of any kind as tables: their probabilities under every configuration of the parents."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.table import CPT
from ..data.blocks import Part
from ..engines.base import Members
from ..engines.hybrid import engine_of
from ..runtime.arrays import read_only
from .joint import Joint

Array = npt.NDArray[Any]

MAX_CELLS = 1 << 24  # of a conditional that is no table


def tables_of(network: Joint) -> list[Array]:
    """P(x_v | parents) of every variable, with the axes parents in order, then the variable.

    Raises ValueError where a conditional that is no table would be one of too many cells.
    """
    return [_table(network, v, name) for v, name in enumerate(network.conditionals)]


def _table(network: Joint, v: int, name: str) -> Array:
    own = network.conditionals[name]
    if isinstance(own, CPT):
        return own.table
    rows, states = network.schema.rows, network.schema.states
    family = (*own.parents, name)
    shape = [len(states[u]) for u in family]
    if prod(shape) > MAX_CELLS:
        raise ValueError(
            f"values that are missing are summed over tables, and the {type(own).__name__} of {name!r} has "
            f"{prod(shape)} configurations of itself and its {len(own.parents)} parents, at most 2**24 are tabulated"
        )
    codes = np.zeros((network.schema.n_codes, prod(shape)), network.schema.code_dtype)
    for u, column in zip(family, np.indices(shape).reshape(len(shape), -1), strict=True):
        codes[rows[u]] = column
    part = Part("columns", read_only(codes), 0, read_only(np.empty((0, codes.shape[1]), np.float32)))
    out = np.empty(codes.shape[1])
    engine_of(own)(Members(network.conditionals, [v])).log_prob(0, len(out), part, out)
    return np.exp(out).reshape(shape)
