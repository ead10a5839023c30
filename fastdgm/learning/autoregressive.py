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
from ..data.blocks import Block
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..runtime.arrays import code_type
from .base import Weights
from .counts import TrainingRows, checked_weights, training_rows
from .neural_options import ModuleOptions
from .options import TrainingOptions

Array = npt.NDArray[Any]


class FittedModels(NamedTuple):
    """Copies of models that have learnt, each with the network's own."""

    pairs: Sequence[tuple[ContextModel, ContextModel]]  # own, fitted copy

    @property
    def history(self) -> list[dict[str, float]]:
        """Of the only one."""
        return self.pairs[0][1].history if len(self.pairs) == 1 else []

    def adopt(self) -> None:
        """Bring what the copies have learnt to the network's own models."""
        for own, fitted in self.pairs:
            own.adopt(fitted)


def fit_models(
    conditionals: Mapping[str, Conditional], rows: TrainingRows, valid: Any, options: ModuleOptions
) -> FittedModels:
    """Train a copy of every autoregressive model of a network by maximum likelihood; nothing of the network changes.

    ``valid`` are rows of the network, or None. Raises ValueError, naming the variable, where rows have weights or one
    model is that of several variables; TypeError for options of modules; what the model's ``fit`` raises.
    """
    own = models_of(conditionals)
    if not own:
        return FittedModels(())
    options.refuse_of_modules()
    weights = None if rows.weights is None else checked_weights(rows.weights, rows.block.n)
    blocks = [rows.block]
    if valid is not None:
        schema = rows.block.schema
        blocks.append(training_rows(valid, schema.variables, schema.names, None, "error").block)
    return fit_from_blocks(own, blocks, weights, options)


def models_of(conditionals: Mapping[str, Conditional]) -> dict[str, AutoregressiveConditional]:
    """The conditionals that are models."""
    return {name: own for name, own in conditionals.items() if isinstance(own, AutoregressiveConditional)}


def fit_from_blocks(
    own: Mapping[str, AutoregressiveConditional], blocks: Sequence[Block], weights: Weights, options: ModuleOptions
) -> FittedModels:
    """The same for some models, at least one, from rows that hold their families, and validation rows if there are
    two blocks."""
    name, *others = own
    if options.checkpoint is not None and others:
        raise ValueError(f"a checkpoint holds one model, {name!r} and {others[0]!r} are two: fit them on their own")
    _check_shared(own)
    _check_weights(name, own[name], weights)
    pairs = []
    for name, each in own.items():
        arguments = [array for block in blocks for array in _rows_of(name, each, block)]
        pairs.append((each.model, _fitted(name, each.model, arguments, options)))
    return FittedModels(pairs)


def _rows_of(name: str, own: AutoregressiveConditional, block: Block) -> tuple[Array, Array]:
    """x (n, n_vars) and the context of a variable."""
    part = block.read(0, block.n)
    values, schema = Values(part.codes[:, part.first :], part.reals[:, part.first :]), block.schema
    dtype = own.model.dtype if own.model.n_states is None else code_type(own.model.n_states)
    x = np.ascontiguousarray(_column(name, values, schema).T, dtype)
    columns = [_column(parent, values, schema) for parent in own.parents]
    variables = [schema.variables[parent] for parent in own.parents]
    return x, context_of(columns, variables, len(x), own.model.dtype)


def _fitted(name: str, model: ContextModel, arguments: Sequence[Array], options: ModuleOptions) -> ContextModel:
    try:
        return model.fitted_copy(
            *arguments, options={field.name: getattr(options, field.name) for field in fields(TrainingOptions)}
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
