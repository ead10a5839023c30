"""Variables that are set to a value: point masses, without parents."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..data.evidence import Known
from ..data.schema import Schema
from .base import Conditional
from .gaussian import Normal
from .table import CPT


def point_masses(known: Known, schema: Schema) -> dict[str, Conditional]:
    """The conditionals of variables that have these values whatever happens, in the order of the network.

    Raises ValueError for vectors, of which none is a point mass.
    """
    _refuse_vectors(known.names, schema)
    found: dict[str, Conditional] = {}
    for name, row in schema.rows.items():
        if name in known.codes:
            states = schema.states[name]
            found[name] = CPT.trusted((), np.eye(len(states))[known.codes[name]], states)
        elif name in known.names:
            found[name] = Normal(known.reals[row], 0.0)
    return found


def _refuse_vectors(names: Collection[str], schema: Schema) -> None:
    vectors = [name for name in schema.vectors if name in names]
    if vectors:
        raise ValueError(
            f"do: no conditional sets a vector to a value, as {vectors[0]!r} is one; where it has no parents, "
            "sample(given=...) draws the same rows"
        )
