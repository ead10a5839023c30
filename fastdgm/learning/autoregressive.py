"""Autoregressive models as conditionals of a network: each learns by its own gradient fit, from the network's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.autoregressive import AutoregressiveConditional, ContextModel
from ..conditionals.base import Conditional
from ..conditionals.context import context_of
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..runtime.arrays import code_type
from .base import Weights
from .counts import TrainingRows, checked_weights
from .options import TrainingOptions

Array = npt.NDArray[Any]


class FittedModels(NamedTuple):
    """Copies of models that have learnt, each with the network's own."""

    pairs: Sequence[tuple[ContextModel, ContextModel]]  # own, fitted copy

    def adopt(self) -> None:
        """Bring what the copies have learnt to the network's own models."""
        for own, fitted in self.pairs:
            own.adopt(fitted)


def fit_models(conditionals: Mapping[str, Conditional], rows: TrainingRows, options: TrainingOptions) -> FittedModels:
    """Train a copy of every autoregressive model of a network by maximum likelihood; nothing of the network changes.

    Raises ValueError, naming the variable, where rows have weights or one model is that of several variables; what the
    model's ``fit`` raises.
    """
    own = {name: found for name, found in conditionals.items() if isinstance(found, AutoregressiveConditional)}
    if not own:
        return FittedModels(())
    name, *others = own
    if options.checkpoint is not None and others:
        raise ValueError(f"a checkpoint holds one model, {name!r} and {others[0]!r} are two: fit them on their own")
    _check_shared(own)
    _check_weights(name, own[name], None if rows.weights is None else checked_weights(rows.weights, rows.block.n))
    part = rows.block.read(0, rows.block.n)
    values, schema = Values(part.codes[:, part.first :], part.reals[:, part.first :]), rows.block.schema
    return FittedModels([(each.model, _fitted(name, each, values, schema, options)) for name, each in own.items()])


def _fitted(
    name: str, own: AutoregressiveConditional, values: Values, schema: Schema, options: TrainingOptions
) -> ContextModel:
    model = own.model
    dtype = model.dtype if model.n_states is None else code_type(model.n_states)
    x = np.ascontiguousarray(_column(name, values, schema).T, dtype)
    columns = [_column(parent, values, schema) for parent in own.parents]
    context = context_of(columns, [schema.variables[parent] for parent in own.parents], len(x), model.dtype)
    try:
        return model.fitted_copy(
            x, context, {field.name: getattr(options, field.name) for field in fields(TrainingOptions)}
        )
    except ValueError as error:
        raise ValueError(f"the {type(model).__name__} of {name!r}: {error}") from error


def _column(name: str, values: Values, schema: Schema) -> Array:
    """(size, n) of a variable."""
    variable, row = schema.variables[name], schema.rows[name]
    return (values.codes if isinstance(variable, Discrete) else values.reals)[row : row + variable.size]


def _check_shared(own: Mapping[str, AutoregressiveConditional]) -> None:
    seen: dict[int, str] = {}
    for name, each in own.items():
        other = seen.setdefault(id(each.model), name)
        if other != name:
            kind = type(each.model).__name__
            raise ValueError(
                f"{other!r} and {name!r} have one {kind}, which fit cannot train for both: give each its own"
            )


def _check_weights(name: str, own: AutoregressiveConditional, weights: Weights) -> None:
    if weights is not None and not (weights == weights[0]).all():
        raise ValueError(
            f"sample_weight counts for closed forms, the {type(own.model).__name__} of {name!r} learns from rows that "
            "are alike: repeat rows, or leave some out"
        )
