"""Learning networks with modules: closed forms first, then the modules by Adam on the log-likelihood or a bound of
it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.mixed import values_block
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..runtime.torch_modules import is_out_of_memory
from . import gradient
from .autoregressive import FittedModels, fit_from_blocks, models_of
from .base import Weights
from .counts import Prior, UnknownLabels, checked_weights
from .dropped_rows import taken_rows
from .hidden_rows import refuse_ignored_labels
from .neural_options import ModuleOptions
from .neural_problem import Problem, Seen, check_guides, check_hidden, check_models, learn_closed_forms, seen_in
from .neural_rows import read_rows
from .neural_training import ModuleStates, Training
from .notes import warning_text

Array = npt.NDArray[Any]


class TrainingData(NamedTuple):
    """What ``fit`` was given to learn from."""

    rows: Any
    labels: Any
    valid: Any
    sample_weight: Any
    unknown: UnknownLabels


class Trained(NamedTuple):
    """What fit found: conditionals that are no modules, states of modules, and one record for every epoch."""

    conditionals: dict[str, Conditional]
    modules: ModuleStates
    models: FittedModels
    history: list[dict[str, float]]
    warnings: tuple[str, ...]


def fit_modules(problem: Problem, data: TrainingData, prior: Prior, options: ModuleOptions) -> Trained:
    """Learn from rows; nothing of the network is changed.

    Raises ValueError or TypeError, naming a variable, where it or its guide cannot be learnt; DivergedError, naming
    epoch and minibatch, where loss or gradients are not finite; MemoryError.
    """
    check_guides(problem.guide)
    rows, weights, warning = _training_rows(problem.schema, problem.guide, data)
    held_out, seen = None, seen_in(rows)
    if data.valid is not None:
        held_out, _ = read_rows(data.valid, problem.schema, problem.guide, "error")
        if not held_out.n:
            raise ValueError("valid must have at least one row, got none")
        seen = _both(seen, seen_in(held_out))
    if seen.hidden:
        refuse_ignored_labels(data.labels)
    check_hidden(problem, seen)
    check_models(problem, seen)
    learnt = learn_closed_forms(problem, rows, weights, prior)
    problem = problem._replace(conditionals={**problem.conditionals, **learnt.conditionals})
    training = Training(problem, seen, options, rows.n)
    models = _fitted_models(problem, [rows] if held_out is None else [rows, held_out], weights, options)
    records = training.records(rows, weights)
    valid_records = None if held_out is None else training.records(held_out, None)
    states, history = _trained(training, records, valid_records, options)
    notes = warning_text([*learnt.notes, *training.notes])
    warnings = tuple(filter(None, (warning, notes)))
    return Trained(learnt.conditionals, states, models, history or models.history, warnings)


def _training_rows(schema: Schema, guide: Any, data: TrainingData) -> tuple[PartialRows, Array | None, str]:
    """The rows of positive weight, their weights, and what to tell of rows that were left out."""
    weights = data.sample_weight
    rows, dropped = read_rows(data.rows, schema, guide, data.unknown)
    if dropped is not None and weights is not None:
        weights = checked_weights(weights, len(dropped.kept))[dropped.kept]
    if not rows.n:
        raise ValueError("fit needs at least one row, got none")
    warning = "" if dropped is None else dropped.warning
    if weights is None:
        return rows, None, warning
    weights = checked_weights(weights, rows.n)
    used = weights > 0.0
    if not used.any():
        raise ValueError("fit needs a row of positive weight, all weights are 0")
    return (rows, weights, warning) if used.all() else (taken_rows(rows, used), weights[used], warning)


def _fitted_models(
    problem: Problem, rows: Sequence[PartialRows], weights: Weights, options: ModuleOptions
) -> FittedModels:
    """Copies of autoregressive models, whose families have values in all rows."""
    own = models_of(problem.conditionals)
    if not own:
        return FittedModels(())
    if options.checkpoint is not None:
        raise ValueError(
            f"a checkpoint holds torch modules or one autoregressive model, and {next(iter(own))!r} has one beside "
            "modules: fit without checkpoint="
        )
    return fit_from_blocks(own, [values_block(each.values, each.schema) for each in rows], weights, options)


def _trained(
    training: Training, records: Array, valid: Array | None, options: ModuleOptions
) -> tuple[ModuleStates, list[dict[str, float]]]:
    """What is to be loaded into the modules, and the history of their training."""
    stepper = training.stepper()
    if stepper is None:
        return ModuleStates(()), []
    try:
        origin = None if options.checkpoint is None else training.origin()
        found = gradient.fit(stepper, records, valid, options, origin)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"training does not fit into memory with batch_size={options.batch_size}, the network is unchanged: "
            f"{error!s:.500}"
        ) from error
    return training.states(found.parameters), found.history


def _both(first: Seen, second: Seen) -> Seen:
    """What training and validation rows say together."""
    if first.latent != second.latent:
        name = sorted(first.latent ^ second.latent)[0]
        where = "valid" if name in first.latent else "the training data"
        raise ValueError(f"training and validation rows have the same columns: {name!r} is in {where} alone")
    return Seen(first.latent, tuple(dict.fromkeys((*first.hidden, *second.hidden))))
