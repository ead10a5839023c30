"""Rows of our models as tensors (n, n_columns): what a torch distribution draws and scores. Needs torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable
from torch.distributions import constraints

from ..autoregressive.base import AutoregressiveModel
from ..autoregressive.markov import MarkovChain
from ..bayesnet import BayesNet
from ..conditionals.base import Conditional
from ..conditionals.roots import Exponential, Uniform
from ..data.cuda_arrays import is_on_card
from ..data.evidence import known_values
from ..data.placement import asks_for_gradient
from ..data.schema import Schema
from ..data.variables import Discrete
from ..data.vectors import cells_of_variable
from ..errors import ImpossibleEvidenceError, NotFittedError
from .torch_autograd import LogProb
from .torch_network import NetworkLogProb


class Rows(ABC):
    """A model that draws and scores rows: codes in columns that have states, real numbers in the others."""

    model: Any  # as it was given
    columns: tuple[str, ...]  # their names
    n_states: tuple[int | None, ...]  # of each column
    n_context: int = 0
    has_rsample: bool = False

    @abstractmethod
    def sample(self, n: int, seed: int, context: torch.Tensor | None, device: Any) -> torch.Tensor:
        """Rows (n, n_columns); with several of context n for each: those of the first, of the second, ..."""

    def rsample(self, n: int, seed: int, device: Any) -> torch.Tensor:
        """Rows with a gradient."""
        raise NotImplementedError

    @abstractmethod
    def log_prob(self, rows: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """log p (n,), in nats, of rows that are complete: int64 where all columns are discrete."""

    @property
    def is_discrete(self) -> bool:
        """Whether all columns are codes."""
        return None not in self.n_states

    def constraint(self, column: int) -> constraints.Constraint:
        """The values that a column takes."""
        n_states = self.n_states[column]
        return constraints.real if n_states is None else constraints.integer_interval(0, n_states - 1)


class NetworkRows(Rows):
    """Those of a Bayes net; of the variables that are not ``given``, under what is."""

    def __init__(self, model: BayesNet | NetworkLogProb, given: Mapping[str, Any] | None) -> None:
        self.model = model
        self.net: Any = model if isinstance(model, BayesNet) else model.to_bayesnet()  # its structure
        if not self.net.is_fitted:
            raise NotFittedError("a Distribution is of a network with parameters: call fit(data) first")
        self._schema = Schema(self.net.variables)
        self.given: dict[str, Any] = {} if given is None else dict(given)
        if self.given:
            self._check_given()
        self.names: tuple[str | Any, ...] = tuple(name for name in self.net.names if name not in self.given)
        variables = {name: self.net.variables[name] for name in self.names}
        cells = {name: cells_of_variable(name, own) for name, own in variables.items()}
        self.columns: tuple[str, ...] = tuple(cell for own in cells.values() for cell in own)
        self._owners = tuple(name for name, own in cells.items() for _ in own)
        self.n_states: tuple[int | None, ...] = tuple(
            own.n_states if isinstance(own, Discrete) else None for own in map(variables.__getitem__, self._owners)
        )
        self.has_rsample: bool = not self.given and self._draws_have_gradients()

    def _check_given(self) -> None:
        if not isinstance(self.model, BayesNet):
            raise TypeError("given= is of the network itself, not of its module: Distribution(net, given=...)")
        self._known = known_values(self.given, self._schema)
        if len(self.given) == len(self.net.names):
            raise ValueError("given= has values of all variables: nothing is left to be distributed")
        if float(self.log_p_given) == -np.inf:
            raise ImpossibleEvidenceError(f"the network calls what is given impossible: {self.given!r:.200}")

    @property
    def log_p_given(self) -> float:
        """log p(what is given), 0 where nothing is."""
        if not self.given:
            return 0.0
        columns = {name: column.numpy() for name, column in self._given_columns(1, "cpu").items()}
        return float(self.net.log_prob(columns)[0])

    @property
    def codes_given(self) -> Mapping[str, int]:
        """The codes of discrete variables that are given."""
        return self._known.codes if self.given else {}

    def conditional(self, name: str) -> Conditional:
        """That of a variable, as it is now."""
        own: Conditional = self.net[name]
        return own

    def constraint(self, column: int) -> constraints.Constraint:
        """The values that a column takes: of roots that are not everywhere, where they are."""
        own = self.conditional(self._owners[column])
        if isinstance(own, Exponential):
            return constraints.nonnegative
        if isinstance(own, Uniform):
            return constraints.interval(own.low, own.high)
        return super().constraint(column)

    def _draws_have_gradients(self) -> bool:
        if self.is_discrete or None not in self.n_states or any(self.n_states):
            return False
        try:
            self.model.rsample(0, seed=0)
        except (ValueError, TypeError):
            return False
        return True

    def sample(self, n: int, seed: int, context: torch.Tensor | None, device: Any) -> torch.Tensor:
        """Rows, of codes, or of the default float type."""
        if n == 0:
            return torch.empty(0, len(self.columns), device=device)
        net = self.model if isinstance(self.model, BayesNet) else self.model.to_bayesnet()
        like, dtype = torch.empty(0, device=device), _drawn_type()
        rows: torch.Tensor = net.sample(n, given=self.given or None, seed=seed, dtype=dtype, like=like)
        return rows[:, self._is_kept] if self.given else rows

    @property
    def _is_kept(self) -> torch.Tensor:
        """Which columns of all variables are not given."""
        sizes = [(name not in self.given, own.size) for name, own in self._schema.variables.items()]
        return torch.tensor([kept for kept, size in sizes for _ in range(size)])

    def rsample(self, n: int, seed: int, device: Any) -> torch.Tensor:
        """Rows with a gradient by the parameters that the model's own rsample has."""
        if isinstance(self.model, BayesNet):
            found = self.model.rsample(n, seed=seed, dtype=_drawn_type(), device=device)
        else:
            found = self.model.rsample(n, seed=seed, dtype=_drawn_type())
        return torch.cat([found[name].reshape(n, -1) for name in self.names], dim=1)

    def log_prob(self, rows: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """log p of the rows, given what is."""
        if not isinstance(self.model, BayesNet):
            found = self.model(self._by_name(rows))
        elif self.given:
            own = self._by_name(rows) | self._given_columns(len(rows), rows.device)
            found = self.model.log_prob({name: own[name] for name in self.net.names}) - self.log_p_given
        elif self.is_discrete or not any(self.n_states):
            found = self.model.log_prob(rows)
        else:
            found = self.model.log_prob(self._by_name(rows))
        return torch.as_tensor(found, device=rows.device)  # of a mapping without gradients it is an array

    def _by_name(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """The columns of each variable: codes as int64, vectors in their shape."""
        found, begin = dict[str, torch.Tensor](), 0
        for name in self.names:
            variable = self._schema.variables[name]
            own = rows[:, begin : begin + variable.size].reshape(len(rows), *variable.event_shape)
            found[name] = own.long() if isinstance(variable, Discrete) else own
            begin += variable.size
        return found

    def _given_columns(self, n: int, device: Any) -> dict[str, torch.Tensor]:
        """What is given, n times."""
        found = {}
        for name in self.given:
            variable, first = self._schema.variables[name], self._schema.rows[name]
            if not isinstance(variable, Discrete):
                numbers = [self._known.reals[first + i] for i in range(variable.size)]
                value = torch.tensor(numbers, dtype=torch.float64, device=device)
            elif variable.event_shape:
                value = torch.tensor([self._known.cells[first + i] for i in range(variable.size)], device=device)
            else:
                value = torch.tensor([self._known.codes[name]], device=device)
            found[name] = value.reshape(variable.event_shape).expand(n, *variable.event_shape).contiguous()
        return found


class ModelRows(Rows):
    """Those of an autoregressive model, given a context where it takes one."""

    def __init__(self, model: AutoregressiveModel | LogProb | MarkovChain) -> None:
        self.model = model
        own = model.model if isinstance(model, LogProb) else model
        if isinstance(own, MarkovChain):
            _check_markov(own)
        width, n_states = own.n_vars or 0, own.n_states
        self.columns: tuple[str, ...] = own.names or tuple(f"x[{i}]" for i in range(width))
        self.n_states: tuple[int | None, ...] = (n_states,) * width
        self.n_context: int = own.n_context

    def sample(self, n: int, seed: int, context: torch.Tensor | None, device: Any) -> torch.Tensor:
        """Rows of codes, or of the model's float type."""
        if n == 0 or (context is not None and len(context) == 0):
            return torch.empty(0, len(self.columns), device=device)
        given: dict[str, Any] = {"n": n}
        if context is not None:
            several = {"n_per_row": n} if len(context) > 1 else {"n": n}
            given = {"context": context.detach().to(device), **several}
        rows: torch.Tensor = self.model.sample(**given, seed=seed, like=torch.empty(0, device=device))
        return rows

    def log_prob(self, rows: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        """log p of the rows, given one row of context, or one for each."""
        given: dict[str, Any] = {} if context is None else {"context": context}
        if context is not None and len(context) == 0:
            return torch.zeros(0, device=rows.device)
        if isinstance(self.model, AutoregressiveModel) and asks_for_gradient({"x": rows, "context": context}):
            if is_on_card(rows):
                raise TypeError(f"the gradients of {type(self.model).__name__} are of the CPU: detach what is on a GPU")
            found: torch.Tensor = _Followed.apply(self.model, rows, context)
        elif isinstance(self.model, LogProb):
            found = self.model(rows, **given)
        else:
            found = self.model.log_prob(rows, **given)
        return found


class _Followed(torch.autograd.Function):
    """log p with gradients by real rows and by context; the parameters are constants."""

    @staticmethod
    def forward(ctx: Any, model: AutoregressiveModel, rows: torch.Tensor, context: torch.Tensor | None) -> torch.Tensor:
        ctx.model = model
        ctx.save_for_backward(rows, context)
        found: torch.Tensor = model.log_prob(rows.detach(), context=None if context is None else context.detach())
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_log_prob: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, context = ctx.saved_tensors
        weights = np.ascontiguousarray(by_log_prob.numpy(), ctx.model.dtype)
        found = ctx.model.gradients_given(rows.detach(), None if context is None else context.detach(), weights)
        by_rows = by_context = None
        if ctx.needs_input_grad[1] and found.x is not None:
            by_rows = torch.from_numpy(found.x).to(rows)
        if context is not None and ctx.needs_input_grad[2]:
            by_context = torch.from_numpy(found.context).to(context)
            by_context = by_context.sum(dim=0, keepdim=True) if len(context) == 1 else by_context
        return None, by_rows, by_context


def rows_of_model(model: Any, given: Any) -> Rows:
    """The rows of any of our models, or of the module that its ``to_torch`` gives.

    Raises TypeError for anything else, NotFittedError, ValueError for sequences of any length.
    """
    if isinstance(model, BayesNet | NetworkLogProb):
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f"given= of a network is a mapping from variables to values, got {type(given).__name__}")
        return NetworkRows(model, given)
    if isinstance(model, AutoregressiveModel | LogProb | MarkovChain):
        return ModelRows(model)
    raise TypeError(
        "a Distribution is of a BayesNet, MarkovChain, FVSBN, NADE, MADE or Autoregressive, or of what their "
        f"to_torch() gives, got {type(model).__name__}"
    )


def _check_markov(chain: MarkovChain) -> None:
    if not chain.is_fitted:
        raise NotFittedError("a Distribution is of a MarkovChain with tables: call fit(data) first")
    if chain.n_vars is None:
        raise ValueError(
            "a Distribution is over rows of one length, this MarkovChain is of sequences of any length: make it with "
            "n_vars=, or fit it to a two-dimensional array"
        )


def _drawn_type() -> type[np.floating[Any]]:
    """The float type in which a network draws: float64 where that is torch's default, else float32."""
    return np.float64 if torch.get_default_dtype() == torch.float64 else np.float32
