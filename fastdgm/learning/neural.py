"""Learning networks with modules: closed forms first, then the modules by Adam on the log-likelihood or a bound of
it."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.neural import Neural
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..graph import topological_order
from . import gradient
from .checkpoints import Origin
from .counts import Prior, UnknownLabels, checked_weights
from .estimators import TRAINED
from .neural_options import ModuleOptions
from .neural_problem import Problem, check_latents, learn_closed_forms, members_of
from .neural_rows import Seen, read_rows, records_of, seen_in, taken_rows
from .notes import warning_text

Array = npt.NDArray[Any]


class Trained(NamedTuple):
    """What fit found: conditionals that are no modules, states of modules, and one record for every epoch."""

    conditionals: dict[str, Conditional]
    modules: list[tuple[Any, dict[str, Array]]]  # the network's own, and what is to be loaded into them
    history: list[dict[str, float]]
    warning: str

    def load(self) -> None:
        """Load the states into the modules, all of them or, whatever happens, none."""
        from ..engines.torch.train import load, to_host

        before = [
            (module, {name: to_host(own) for name, own in module.state_dict().items()}) for module, _ in self.modules
        ]
        try:
            for module, state in self.modules:
                load(dict(module.state_dict()), state)
        except BaseException:
            for module, state in before:
                load(dict(module.state_dict()), state)
            raise


def fit_modules(
    problem: Problem,
    data: Any,
    valid: Any,
    sample_weight: Any,
    unknown: UnknownLabels,
    prior: Prior,
    options: ModuleOptions,
) -> Trained:
    """Learn from rows; nothing of the network is changed."""
    model = next((name for name, own in problem.conditionals.items() if isinstance(own, TRAINED)), None)
    if model is not None:
        raise TypeError(
            f"fit trains torch modules or autoregressive models, and {model!r} is one beside modules: fit the model "
            "itself first, with context=, and the network without it"
        )
    rows = read_rows(data, problem.schema, tuple(problem.guide))
    rows, weights = _weighted(rows, sample_weight)
    seen = seen_in(rows)
    check_latents(problem, seen)
    learnt = learn_closed_forms(problem, rows, seen, weights, prior)
    conditionals = {name: learnt.conditionals.get(name, own) for name, own in problem.conditionals.items()}
    problem = problem._replace(conditionals=conditionals)
    held_out = None
    if valid is not None:
        held_out = read_rows(valid, problem.schema, tuple(problem.guide))
        seen = _both(seen, seen_in(held_out))
    training = _Training(problem, seen, options, rows.n)
    train_records = training.records(rows, weights)
    valid_records = None if held_out is None else training.records(held_out, None)
    found = gradient.fit(training.stepper, train_records, valid_records, options, training.origin())
    return Trained(
        dict(learnt.conditionals), training.states(found.parameters), found.history, warning_text(learnt.notes)
    )


def _weighted(rows: PartialRows, sample_weight: Any) -> tuple[PartialRows, Array | None]:
    """The rows of positive weight, and their weights."""
    if not rows.n:
        raise ValueError("fit needs at least one row, got none")
    if sample_weight is None:
        return rows, None
    weights = checked_weights(sample_weight, rows.n)
    used = weights > 0.0
    if not used.any():
        raise ValueError("fit needs a row of positive weight, all weights are 0")
    return (rows, weights) if used.all() else (taken_rows(rows, used), weights[used])


def _both(first: Seen, second: Seen) -> Seen:
    """What training and validation rows say together."""
    if first.latent != second.latent:
        name = sorted(first.latent ^ second.latent)[0]
        where = "valid" if name in first.latent else "the training data"
        raise ValueError(f"training and validation rows have the same columns: {name!r} is in {where} alone")
    hidden = tuple(dict.fromkeys((*first.hidden, *second.hidden)))
    return Seen(first.observed - set(hidden), first.latent, hidden)


class _Training:
    """Copies of the modules, the bound that they are trained by, and the records that it reads."""

    def __init__(self, problem: Problem, seen: Seen, options: ModuleOptions, n_rows: int) -> None:
        from ..engines.torch.bounds.bound import Bound
        from ..engines.torch.bounds.records import Layout
        from ..engines.torch.bounds.stepper import Annealing, BoundStepper

        self._problem, self._options = problem, options
        members = members_of(problem.conditionals, problem.order, seen)
        guide_order = topological_order(
            {name: tuple(p for p in own.parents if p in problem.guide) for name, own in problem.guide.items()}
        )
        self._own = _modules(problem)
        copies = copy.deepcopy(list(self._own.values()))
        by_id = {id(module): own for module, own in zip(self._own.values(), copies, strict=True)}
        conditionals = {name: _with_copy(own, by_id) for name, own in problem.conditionals.items()}
        guide = {name: _with_copy(problem.guide[name], by_id) for name in guide_order}
        n_states = {name: len(problem.schema.states[name]) for name in seen.hidden}
        bound = Bound(conditionals, members, guide, n_states, options.n_particles)
        read = {own for name in members for own in (name, *conditionals[name].parents)}
        read |= {parent for own in guide.values() for parent in own.parents}
        variables = problem.schema.variables
        self.schema = Schema({name: own for name, own in variables.items() if name in read - seen.latent})
        layout = Layout(self.schema, tuple(name for name in seen.hidden if name in self.schema.variables))
        per_epoch = -(-n_rows // options.batch_size)
        annealing = Annealing(options.warm_up * per_epoch)
        modules = dict(zip(self._own, copies, strict=True))
        self.stepper = BoundStepper(bound, layout, modules, annealing, options.max_gradient_norm)

    def records(self, rows: PartialRows, weights: Array | None) -> Array:
        """Of the rows; weights are scaled to the mean 1."""
        scaled = None if weights is None else weights / weights.mean()
        return records_of(rows, self.schema, rows.values.reals.dtype, scaled)

    def origin(self) -> Origin:
        """What a checkpoint is told apart by."""
        problem = self._problem
        structure = {
            "nodes": {name: _described(own) for name, own in problem.conditionals.items()},
            "guide": {name: _described(own) for name, own in problem.guide.items()},
        }
        return Origin("BayesNet", structure, {})

    def states(self, parameters: Mapping[str, Array]) -> list[tuple[Any, dict[str, Array]]]:
        """What is to be loaded into the network's own modules."""
        return [
            (module, {name: parameters[prefix + name] for name in module.state_dict()})
            for prefix, module in self._own.items()
        ]


def _modules(problem: Problem) -> dict[str, Any]:
    """The modules of network and guide by the prefix of their parameters' names, each once."""
    found: dict[str, Any] = {}
    for prefix, conditionals in (("", problem.conditionals), ("guide of ", problem.guide)):
        for name, own in conditionals.items():
            if isinstance(own, Neural) and not any(own.module is module for module in found.values()):
                found[f"{prefix}{name}: "] = own.module
    return found


def _with_copy(own: Conditional, copies: Mapping[int, Any]) -> Conditional:
    return own.with_module(copies[id(own.module)]) if isinstance(own, Neural) else own


def _described(own: Conditional) -> str:
    """A conditional in a few words; of one that has no module, its parameters, too."""
    if isinstance(own, Neural):
        std = "" if own.std is None else f", std {own.std!r}"
        return f"Neural({list(own.parents)}, {type(own.module).__qualname__}, {own.family}, {own.variable!r:.200}{std})"
    digest = hashlib.sha256()
    for name, array in own.parameters().items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return f"{type(own).__name__}({list(own.parents)}) with hash {digest.hexdigest()[:16]}"
