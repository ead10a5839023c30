"""Variables whose distribution a torch module computes from their parents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import MAX_STATES, Discrete, Real, Variable, checked_states, in_order
from ..runtime.seeds import whole_number
from ..runtime.text import preview
from ..runtime.torch_modules import check_is_module
from .base import Conditional
from .columns import check_same_parents
from .neural_calls import ModuleCall
from .neural_families import FAMILIES, Family
from .neural_probe import check_module
from .parameters import parent_names

if TYPE_CHECKING:
    from torch import nn

Array = npt.NDArray[Any]


class Neural(Conditional):
    """A variable, or a vector of conditionally independent ones, whose parameters a torch module gives.

        bernoulli     P(x = 1) = sigmoid(logit)                            module -> logits (n, *event_shape)
        categorical   P(x = k) = softmax(logits)[k]                        logits (n, *event_shape, n_states)
        normal        x ~ Normal(mean, exp(log_std)^2)                     (mean, log_std), or with std= mean alone
        mixture       x ~ sum_j softmax(logits)[j] Normal(mean_j, std_j)   (logits, mean, log_std), each
                                                                           (n, *event_shape, n_components)

    Parameters
    ----------
    parents : names of the parents, of any kind. ``module(features)`` gets them concatenated as floats ``(n, d)``: a
        discrete variable one-hot, a vector of two-state variables as its values 0 and 1.
    module : torch.nn.Module, kept, not copied: ``fit`` changes its parameters. It may be that of several variables,
        whose parameters then count once. It runs in eval mode, on the device and in the float type of its parameters.
    family : "bernoulli", "categorical", "normal" or "mixture".
    event_shape : of a vector, () for one variable.
    n_states, states : of a categorical variable, or of a bernoulli one with other states than False, True.
    std : of all numbers of a normal variable, which is then not learnt.
    separate : call ``module(*parents)``, discrete ones as int64 codes ``(n, *shape)``, real ones as floats.

    Raises
    ------
    TypeError : no torch module. ValueError : another family, or options that do not go with it; from a network, a
        module that raises, or gives other shapes, numbers that are not finite, or rows that depend on other rows.
    ImportError : torch is not installed.

    Notes
    -----
    Without parents the features are ``(n, 0)``. Parameters of 16 bits are widened to float32. Draws are by inverse CDF,
    a discrete one by 64 bits: the words are Philox's, by seed and row, and torch's generator is left alone. What a
    module computes may be rounded otherwise in batches of another size, by about 1e-6 relative.

    Examples
    --------
    >>> import fastdgm as fd, torch
    >>> _ = torch.manual_seed(0)
    >>> decoder = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 9))
    >>> net = fd.BayesNet({"z": fd.MultivariateNormal.standard(2),
    ...                    "x": fd.Neural(["z"], decoder, family="bernoulli", event_shape=(9,))})
    >>> x = net.sample(100, seed=0)
    >>> x["x"].shape, net.log_prob(x).shape, net["x"]
    ((100, 9), (100,), Neural(['z'], Sequential, family='bernoulli', event_shape=(9,)): 201 parameters)
    """

    __slots__ = ("event_shape", "family", "module", "parent_variables", "parents", "separate", "states", "std")

    parents: tuple[str, ...]
    module: nn.Module
    family: str
    event_shape: tuple[int, ...]
    states: tuple[str, ...] | None  # of a discrete variable
    std: float | None
    separate: bool
    parent_variables: tuple[Variable, ...] | None  # in a network

    def __init__(
        self,
        parents: Sequence[str],
        module: nn.Module,
        *,
        family: str,
        event_shape: Sequence[int] = (),
        n_states: int | None = None,
        states: Sequence[object] | None = None,
        std: float | None = None,
        separate: bool = False,
    ) -> None:
        names = parent_names(parents)
        check_is_module(module, "a Neural conditional", "the module of a Neural conditional is")
        kind = FAMILIES.get(family) if isinstance(family, str) else None
        if separate and not names:
            raise ValueError("separate=True calls module(*parents), and there are none to say how many rows it gives")
        if kind is None:
            raise ValueError(f"the family of a Neural conditional is one of {', '.join(FAMILIES)}, got {family!r:.60}")
        self._keep(
            parents=names,
            module=module,
            family=family,
            event_shape=_checked_event_shape(event_shape),
            states=_checked_states(kind, n_states, states),
            std=_checked_std(family, std),
            separate=bool(separate),
            parent_variables=None,
        )

    @property
    def variable(self) -> Variable:
        """The child."""
        return Real(self.event_shape) if self.states is None else Discrete(self.states, self.event_shape)

    @property
    def n_parameters(self) -> int:
        """Number of entries of the module's parameters."""
        return sum(self.shared_parameters.values())

    @property
    def shared_parameters(self) -> Mapping[int, int]:
        """All of them: modules of other variables may have them, too."""
        return {id(own): own.numel() for own in self.module.parameters()}

    def bound(self, name: str, parents: Sequence[Variable]) -> Self:
        """As that of ``name`` in a network with these parents, for which the module is tried out."""
        check_same_parents("Neural", name, self.parents, self.parent_variables, parents)
        if self.parent_variables == tuple(parents):
            return self
        own = type(self).__new__(type(self))
        own._keep(**{field: getattr(self, field) for field in Neural.__slots__} | {"parent_variables": tuple(parents)})
        check_module(own.call, name)
        return own

    @property
    def call(self) -> ModuleCall:
        """How the module is called, and what it gives."""
        return ModuleCall(
            self.module,
            FAMILIES[self.family],
            self.event_shape,
            None if self.states is None else len(self.states),
            self.std is not None,
            self.separate,
            self.parent_variables or (),
        )

    def with_module(self, module: nn.Module) -> Self:
        """The same with another module of the same kind, as a copy of its own, which is not tried out."""
        own = type(self).__new__(type(self))
        own._keep(**{field: getattr(self, field) for field in Neural.__slots__} | {"module": module})
        return own

    def parameters(self) -> dict[str, Array]:
        """None of its own: they are in the state of the module."""
        raise TypeError("the parameters of a Neural conditional are its module's: module.state_dict() gives them")

    @classmethod
    def from_parameters(
        cls, name: str, parents: Sequence[str], variable: Variable, parameters: Mapping[str, Array]
    ) -> Self:
        """No file holds a module's code."""
        raise TypeError(f"the module of {name!r} is in no file: fastdgm.read(path, modules={{{name!r}: ...}}) takes it")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Neural):
            return NotImplemented
        if self.module is not other.module:
            return False
        known = self.parent_variables is not None and other.parent_variables is not None
        fields = ["parents", "family", "event_shape", "states", "std", "separate"] + ["parent_variables"] * known
        return all(getattr(self, field) == getattr(other, field) for field in fields)

    def __hash__(self) -> int:
        return hash((self.parents, self.family, self.event_shape, self.states))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), {field: getattr(self, field) for field in Neural.__slots__})

    def __repr__(self) -> str:
        shape = f", event_shape={self.event_shape}" if self.event_shape else ""
        states = f", states={preview(self.states)}" if self.states is not None and self.family == "categorical" else ""
        std = "" if self.std is None else f", std={self.std:g}"
        what = f"{type(self.module).__name__}, family={self.family!r}{shape}{states}{std}"
        return f"Neural({list(self.parents)}, {what}): {self.n_parameters:,} parameters"


def _restored(kind: type[Neural], fields: Mapping[str, Any]) -> Neural:
    """A pickled one: its parts were checked when it was made."""
    own = kind.__new__(kind)
    own._keep(**fields)
    return own


def _checked_event_shape(event_shape: Sequence[int]) -> tuple[int, ...]:
    shape = (event_shape,) if isinstance(event_shape, int | np.integer) else in_order(event_shape, "event_shape")
    if any(isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1 for size in shape):
        raise ValueError(f"an event_shape holds whole numbers from 1 on, got {event_shape!r:.100}")
    return tuple(map(int, shape))


def _checked_states(family: Family, n_states: int | None, states: Sequence[object] | None) -> tuple[str, ...] | None:
    """Names of the states; None for a real variable."""
    if n_states is not None:
        n_states = whole_number(n_states, "n_states")
        if not 1 <= n_states <= MAX_STATES:
            raise ValueError(f"a variable has 1 to {MAX_STATES} states, got n_states={n_states}")
    if not family.is_discrete:
        if n_states is not None or states is not None:
            raise ValueError(f"a {family.name} variable is real and has no states, got {n_states or states!r:.60}")
        return None
    if states is not None:
        listed = in_order(states, "states")
        names = checked_states(listed, len(listed))
    elif n_states is not None:
        names = checked_states(None, n_states)
    elif family.name == "bernoulli":
        names = ("False", "True")
    else:
        raise ValueError("a categorical variable needs n_states= or states=")
    if n_states is not None and n_states != len(names):
        raise ValueError(f"n_states={n_states} and {len(names)} states disagree")
    if family.name == "bernoulli" and len(names) != 2:
        raise ValueError(f"a bernoulli variable has two states, got {len(names)}: categorical has more")
    return names


def _checked_std(family: str, std: float | None) -> float | None:
    if std is None:
        return None
    if family != "normal":
        raise ValueError(f"std= goes with the normal family, got family={family!r}")
    if isinstance(std, str | bool):
        raise TypeError(f"std is a number, got {std!r}")
    value = float(std)
    if not 0.0 < value < math.inf:
        raise ValueError(f"std must be above 0 and finite, got {std!r}")
    return value
