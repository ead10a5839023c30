"""One training of a network's modules: copies of them, the bound that they are trained by, the records it reads."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.neural import Neural
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..engines.training import Stepper
from ..graph import topological_order
from ..runtime.torch_modules import restored_on_error
from .checkpoints import Origin
from .neural_options import ModuleOptions
from .neural_problem import Problem, Seen, members_of
from .neural_rows import records_of

Array = npt.NDArray[Any]


class ModuleStates(NamedTuple):
    """Modules, each with the arrays that are to be loaded into it."""

    pairs: Sequence[tuple[Any, dict[str, Array]]]

    def load(self) -> None:
        """All of them or, whatever happens, none."""
        from ..engines.torch.train import load

        with restored_on_error([module for module, _ in self.pairs]):
            for module, state in self.pairs:
                load(dict(module.state_dict()), state)


class Training:
    """Made for a network whose closed forms are learnt, and for what its rows say."""

    def __init__(self, problem: Problem, seen: Seen, options: ModuleOptions, n_rows: int) -> None:
        self._problem, self._seen, self._options, self._n_rows = problem, seen, options, n_rows
        self._modules = _modules(problem)
        self._members = members_of(problem.conditionals, problem.order, seen)
        own = {name: (name, *problem.conditionals[name].parents) for name in self._members}
        read = {name for family in own.values() for name in family}
        read |= {parent for guide in problem.guide.values() for parent in guide.parents}
        variables = problem.schema.variables
        self._schema = Schema({name: own for name, own in variables.items() if name in read - seen.latent})
        _check_devices(self._modules)

    @property
    def _is_trained(self) -> bool:
        return any(p.requires_grad for module in self._modules.values() for p in module.parameters())

    @property
    def notes(self) -> list[str]:
        """What to tell the user about modules that train otherwise than they score, or not at all."""
        if not self._is_trained:
            return ["no module has parameters that require gradients: none of them was trained"]
        from ..engines.torch.bounds.layers import layer_notes

        return layer_notes(self._modules)

    def records(self, rows: PartialRows, weights: Array | None) -> Array:
        """Of the rows; weights are scaled to the mean 1."""
        return records_of(rows, self._schema, None if weights is None else weights / weights.mean())

    def stepper(self) -> Stepper | None:
        """Copies of all modules, as training begins; None where nothing of them is to be trained."""
        if not self._is_trained:
            return None
        from ..engines.torch.bounds.bound import Bound
        from ..engines.torch.bounds.records import Layout
        from ..engines.torch.bounds.stepper import Annealing, BoundStepper

        modules = _copies(self._modules)
        copies = {id(own): copied for own, copied in zip(self._modules.values(), modules.values(), strict=True)}
        conditionals = {name: _with_copy(own, copies) for name, own in self._problem.conditionals.items()}
        guide = {name: _with_copy(own, copies) for name, own in _in_order(self._problem.guide)}
        n_states = {name: len(self._problem.schema.states[name]) for name in self._seen.hidden}
        bound = Bound(conditionals, self._members, guide, n_states, self._options.n_particles)
        layout = Layout(self._schema, self._seen.hidden)
        annealing = Annealing(self._options.warm_up * -(-self._n_rows // self._options.batch_size))
        return BoundStepper(bound, layout, modules, annealing, self._options.max_gradient_norm)

    def origin(self) -> Origin:
        """What a checkpoint is told apart by."""
        parts = {"nodes": self._problem.conditionals, "guide": self._problem.guide}
        structure = {
            what: {name: _described(own) for name, own in conditionals.items()} for what, conditionals in parts.items()
        }
        return Origin("BayesNet", structure, {})

    def states(self, parameters: Mapping[str, Array]) -> ModuleStates:
        """What is to be loaded into the network's own modules."""
        return ModuleStates(
            [
                (module, {name: parameters[prefix + name] for name in module.state_dict()})
                for prefix, module in self._modules.items()
            ]
        )


def _modules(problem: Problem) -> dict[str, Any]:
    """The modules of network and guide by the prefix of their parameters' names, each once."""
    found: dict[str, Any] = {}
    for prefix, conditionals in (("", problem.conditionals), ("guide of ", problem.guide)):
        for name, own in conditionals.items():
            if isinstance(own, Neural) and not any(own.module is module for module in found.values()):
                found[f"{prefix}{name}: "] = own.module
    return found


def _copies(modules: Mapping[str, Any]) -> dict[str, Any]:
    """Copied together, so that they share what the modules share."""
    try:
        return copy.deepcopy(dict(modules))
    except Exception as error:
        for prefix, module in modules.items():
            try:
                copy.deepcopy(module)
            except Exception:
                raise ValueError(
                    f"fit trains a copy of every module, and copy.deepcopy of that of {prefix.removesuffix(': ')!r} "
                    f"raised: {type(error).__name__}: {error!s:.300}"
                ) from error
        raise


def _check_devices(modules: Mapping[str, Any]) -> None:
    """ValueError that names two modules on different devices."""
    places = {
        prefix.removesuffix(": "): str(own.device) for prefix, module in modules.items() for own in module.parameters()
    }
    if len(set(places.values())) > 1:
        raise ValueError(
            "fit trains modules that are all on one device, these are on "
            + ", ".join(f"{place} ({name!r})" for name, place in places.items())
        )


def _in_order(guide: Mapping[str, Conditional]) -> Iterator[tuple[str, Conditional]]:
    """Guides after those of the latent variables that they read."""
    parents = {name: tuple(parent for parent in own.parents if parent in guide) for name, own in guide.items()}
    return ((name, guide[name]) for name in (topological_order(parents) if parents else ()))


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
