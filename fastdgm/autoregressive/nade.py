"""NADE: one layer of hidden units that the variables move in turn (Larochelle and Murray 2011)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..engines.draw import Draw, Drawn
from ..engines.nade.plan import NAMES, NADEPlan, plan_of
from ..engines.nade.run import sample, score
from ..engines.training import Gradients, Stepper
from ..runtime.arrays import read_only
from ..runtime.memory import check_memory
from ..runtime.seeds import at_least_one, key_from_seed
from .base import AutoregressiveModel
from .settings import Order, check_dtype, is_permutation, named_order

if TYPE_CHECKING:
    from ..data.placement import Placement
    from ..engines.cuda_rows import CudaRows
    from ..engines.cuda_training import CudaStepper

Array = npt.NDArray[Any]
ACTIVATIONS = ("sigmoid", "relu")
DTYPE_RULE = "the weights are"


class NADE(AutoregressiveModel):
    """Neural autoregressive distribution estimator of binary variables (Larochelle and Murray 2011).

    p(x_d = 1 | x_<d) = sigmoid(b_d + V_d . h_d),  h_d = activation(c + sum of W_i over the variables i before d)

    where i runs over those before d in ``order`` that are 1. A new model is random: :meth:`fit` it, or give trained
    weights to :meth:`from_parameters`. Results are float-driven: the same on one machine for any batch size and number
    of threads.

    Parameters
    ----------
    n_vars : number of variables, with states 0 and 1.
    hidden : number of hidden units.
    activation : "sigmoid" or "relu".
    order : "natural" (also None), "reversed", "random" (by ``seed``), or a permutation: the variable at each position.
    seed : of the random weights and order.
    dtype : numpy.float32 or numpy.float64, of the weights and the arithmetic.

    Examples
    --------
    >>> import fastdgm as fd
    >>> import numpy as np
    >>> nade = fd.NADE(n_vars=2, hidden=8).fit(np.array([[0, 0], [1, 1]] * 50), learning_rate=0.05, progress=False)
    >>> bool(nade.log_prob([[1, 1]])[0] > nade.log_prob([[1, 0]])[0])
    True
    """

    n_states: int = 2

    def __init__(
        self,
        n_vars: int,
        hidden: int = 500,
        *,
        activation: str = "sigmoid",
        order: Order | None = None,
        seed: int | np.random.Generator | None = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        n_vars, hidden = at_least_one(n_vars, "n_vars"), at_least_one(hidden, "hidden")
        dtype = check_dtype(dtype, DTYPE_RULE)
        check_memory(3 * n_vars * hidden * dtype.itemsize, f"NADE of {n_vars} variables and {hidden} hidden units")
        random = np.random.default_rng(key_from_seed(seed))
        limit = math.sqrt(6.0 / (n_vars + hidden))
        parameters = {
            "W": random.uniform(-limit, limit, (n_vars, hidden)),
            "V": random.uniform(-limit, limit, (n_vars, hidden)),
            "b": np.zeros(n_vars),
            "c": np.zeros(hidden),
        }
        self._set_up(parameters, activation, _checked_order(order, n_vars, random), dtype)
        self._given = {**self._settings_found(), "order": order, "seed": seed}

    def _settings_found(self) -> dict[str, Any]:
        return {
            "n_vars": self.n_vars,
            "hidden": self.hidden,
            "activation": self.activation,
            "order": self.order,
            "seed": 0,
            "dtype": self.dtype,
        }

    @classmethod
    def from_parameters(
        cls, W: Any, V: Any, b: Any, c: Any, *, activation: str = "sigmoid", order: Order | None = None
    ) -> Self:
        """A model of trained weights, all of the same float type.

        Parameters
        ----------
        W, V : (n_vars, hidden) into and out of the hidden units; row i is variable i, whatever the order.
        b : (n_vars,) output biases.
        c : (hidden,) hidden biases.
        activation, order : as for :class:`NADE`; "random" is refused.

        Raises
        ------
        ValueError : shapes that do not fit together, or numbers that are not finite.

        Examples
        --------
        >>> import fastdgm as fd
        >>> import numpy as np
        >>> nade = fd.NADE.from_parameters(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), np.zeros(3))
        >>> nade.log_prob([[0, 1]]) / np.log(2)
        array([-2.])
        """
        if isinstance(order, str) and order == "random":
            raise ValueError('trained weights have an order, "random" is none')
        parameters = {name: np.asarray(array) for name, array in zip(NAMES, (W, V, b, c), strict=True)}
        dtype = check_dtype(parameters["W"].dtype, DTYPE_RULE)
        if parameters["W"].ndim != 2 or 0 in parameters["W"].shape:
            raise ValueError(f"W must have shape (n_vars, hidden), got {parameters['W'].shape}")
        model = cls.__new__(cls)
        model._set_up(parameters, activation, _checked_order(order, len(parameters["W"]), None), dtype)
        return model

    def _set_up(self, parameters: Mapping[str, Array], activation: str, order: Array, dtype: np.dtype[Any]) -> None:
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r:.60}")
        self.n_vars: int = parameters["W"].shape[0]
        self.hidden: int = parameters["W"].shape[1]
        self.order: Array = order
        self.dtype: np.dtype[Any] = dtype
        self.activation = activation
        self._parameters = self._checked(parameters)
        self._plan_of_parameters: NADEPlan | None = None

    @property
    def parameters(self) -> dict[str, Array]:
        """W, V (n_vars, hidden), b (n_vars,), c (hidden,); read-only."""
        return {name: read_only(array) for name, array in self._parameters.items()}

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases: 2 n_vars hidden + n_vars + hidden.

        Those that cannot change a probability count too: W of the last variable.
        """
        return sum(array.size for array in self._parameters.values())

    def __repr__(self) -> str:
        return f"NADE(n_vars={self.n_vars}, hidden={self.hidden}, activation={self.activation!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_plan_of_parameters": None}

    # What the base class asks for ---------------------------------------------------------------------------------

    def _log_prob(self, x: Array, context: Array, per_variable: bool) -> Array:
        return score(self._plan(), x, per_variable)

    def _sample(self, draw: Draw) -> Drawn:
        return sample(self._plan(), draw)

    def _cuda_source(self) -> dict[str, Array]:
        return self._parameters

    def _cuda_rows(self) -> CudaRows:
        from ..engines.nade.cuda_run import CudaNADERows  # imports the twins

        return CudaNADERows(self._parameters_to_read(), self.activation, self.order)

    def _cuda_stepper(self, placement: Placement) -> CudaStepper:
        from ..engines.nade.cuda_train import CudaNADEStepper  # imports the twins

        return CudaNADEStepper(placement.cuda, self._parameters_to_read(), self.activation, self.order, placement.empty)

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        return self._named({"activation": self.activation}), {**self._parameters_to_read(), "order": self.order}

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        if set(structure) - {"names"} != {"activation"}:
            raise ValueError(f"the structure of a NADE is its activation, and names, got {sorted(structure)}")
        if set(arrays) != {*NAMES, "order"}:
            raise KeyError(f"the arrays of a NADE are {', '.join(NAMES)} and order, got {sorted(arrays)}")
        own = {name: arrays[name] for name in NAMES}
        if len({array.dtype for array in own.values()}) > 1:
            raise ValueError(f"the weights are of one type, got {[str(array.dtype) for array in own.values()]}")
        model = cls.from_parameters(**own, activation=structure["activation"], order=arrays["order"])
        model._take_names(structure)
        return model

    def _stepper(self) -> Stepper:
        from ..engines.nade.train import NADEStepper  # compiles the backward kernels

        return NADEStepper(self._parameters_to_read(), self.activation, self.order)

    def _adopt(self, parameters: dict[str, Array]) -> None:
        checked = self._checked(parameters)
        if self._shares_memory:
            for name, array in self._parameters.items():
                array[:] = checked[name]
        else:
            self._parameters, self._plan_of_parameters = checked, None

    def share_parameters(self) -> dict[str, Array]:
        """W, V, b and c; see ``AutoregressiveModel``."""
        if not self._shares_memory:
            self._parameters = {name: array.copy() for name, array in self._parameters.items()}
            self._shares_memory, self._plan_of_parameters = True, None
        return self._parameters

    def with_parameters(self, parameters: dict[str, Array]) -> Self:
        """The same model with other numbers; see ``AutoregressiveModel``."""
        self._checked_shapes(parameters)
        model = type(self).__new__(type(self))
        vars(model).update(vars(self))
        model._parameters, model._plan_of_parameters, model._shares_memory = dict(parameters), None, True
        return model

    def _gradients(self, x: Array, context: Array, row_weights: Array) -> Gradients:
        from ..engines.nade.train import gradients

        return Gradients(*gradients(self._plan(), x, row_weights, self.hidden), None, context)

    # Parameters ---------------------------------------------------------------------------------------------------

    def _checked_shapes(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """The parameters as arrays, in the order of their names."""
        if set(parameters) != set(NAMES):
            raise KeyError(f"the parameters of a NADE are {', '.join(NAMES)}, got {sorted(parameters)}")
        matrix = (self.n_vars, self.hidden)
        arrays = {name: np.asarray(parameters[name]) for name in NAMES}
        for name, shape in zip(NAMES, (matrix, matrix, matrix[:1], matrix[1:]), strict=True):
            if arrays[name].shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {arrays[name].shape}")
        return arrays

    def _checked(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Read-only copies, of the right shapes and finite."""
        copies = {}
        for name, array in self._checked_shapes(parameters).items():
            with np.errstate(over="ignore"):
                copies[name] = np.array(array, self.dtype, order="C")
            if not np.isfinite(copies[name]).all():
                raise ValueError(f"{name} must be finite in {self.dtype}, got {array[~np.isfinite(copies[name])][0]}")
            copies[name].flags.writeable = False
        return copies

    def _parameters_to_read(self) -> dict[str, Array]:
        """The parameters for one call: of memory that torch shares, and may write into at any time, a checked copy."""
        return self._checked(self._parameters) if self._shares_memory else self._parameters

    def _plan(self) -> NADEPlan:
        plan = self._plan_of_parameters
        if plan is None:
            plan = plan_of(self._parameters_to_read(), self.activation, self.order)
            self._plan_of_parameters = None if self._shares_memory else plan
        return plan


def _checked_order(order: Order | None, n_vars: int, random: np.random.Generator | None) -> Array:
    """The variable at each position, read-only int64."""
    if order is None or isinstance(order, str):
        named = named_order("natural" if order is None else order, n_vars, random)
        if named is None:
            raise ValueError(f"order must be natural, reversed, random or a permutation, got {order!r:.100}")
        return read_only(named)
    positions = np.asarray(order)
    if positions.dtype.kind not in "iu":
        raise TypeError(f"order must hold integers, got {positions.dtype}")
    if not is_permutation(positions, n_vars):
        raise ValueError(f"order must be a permutation of 0 to {n_vars - 1}, got {order!r:.100}")
    return read_only(positions.astype(np.int64))
