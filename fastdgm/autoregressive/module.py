"""Any causal torch module as an autoregressive model: the fallback where no closed family fits."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import MAX_STATES
from ..engines.draw import Draw, Drawn
from ..engines.torch.checks import check_module
from ..engines.torch.outputs import Outputs
from ..engines.torch.run import sample
from ..engines.training import Stepper
from ..runtime.seeds import at_least_one, whole_number
from ..runtime.torch_modules import check_is_module
from .conditional import ConditionalModel
from .settings import check_context_width, shown_context

if TYPE_CHECKING:
    from ..engines.cuda_rows import CudaRows

Array = npt.NDArray[Any]


class Autoregressive(ConditionalModel):
    """p(x) = prod_d softmax(module(x)[d])[x_d] for a torch module whose output d depends on inputs before d alone.

    Causality is checked here by perturbation, in eval mode: the inputs of random rows are changed from a position on,
    and no output up to it may move. Where checking at every position would take long (more than 1024 variables, 2^20
    codes read or 2^26 logits given in all) it is done at the ends, around powers of two and at random others, 8 at
    least. Rows are also put beside other rows, alone and in larger batches, where their outputs must stay the same.

    Sampling calls the module once per variable, which it says once. A module may offer two methods that make each
    step cheap, for instance with a cache of keys and values; they are checked against the module itself:

    * ``init_state(n)``, with context ``init_state(n, context)``, returns any object: the state of ``n`` rows of which
      nothing is known yet.
    * ``step(state, previous)`` returns ``(logits, state)``: the logits ``(n, n_states)`` (or ``(n,)``, see below) of
      the next position, and the state to pass next. ``previous`` holds the codes of the position before it, an int64
      tensor ``(n,)``, and is None at position 0 (with ``shift``: ``start``).

    Modules whose output t predicts what comes after input t (GPT, every causal language model of transformers) are
    taken with ``shift=True``: rows are moved on by one behind the code ``start``, and the model is p(x | start). To
    continue a text that nothing came before, let ``start`` be its first code and the prefix the others.

    The uniforms are keyed by row, so rows depend on batch size only as far as torch's rounding does.

    Parameters
    ----------
    module : torch.nn.Module that maps int64 codes ``(n, n_vars)`` to logits ``(n, n_vars, n_states)``; with two states
        also to ``(n, n_vars)``, the log-odds of state 1. They may come as ``.logits`` or ``["logits"]`` of what the
        module returns, or first in a tuple. It is kept, not copied; ``fit`` changes its parameters.
    n_vars : number of variables.
    n_states : number of states of each.
    shift : output t of the module predicts variable t + 1, not t.
    start : the code that comes before variable 0, with ``shift``: tokenizer.bos_token_id, or what texts begin with.
        It need not be one of the states.
    n_context : numbers that are given with every row: the module is then called with codes and context, a float tensor
        ``(n, n_context)``, and ``log_prob``, ``sample`` and ``fit`` take ``context=``.
    check : False leaves out all checks but that of the shape, for a module that has passed them before.

    Raises
    ------
    ValueError : the module is not causal (the error names a leak), mixes the rows of a batch, is random, gives other
        shapes or NaN, raises, or has a ``step`` that disagrees with it. TypeError : no torch module.
    ImportError : torch is not installed.

    Examples
    --------
    >>> import fastdgm as fd
    >>> import torch  # doctest: +SKIP
    >>> class Echo(torch.nn.Module):  # each bit repeats the one before it with probability 0.73
    ...     def forward(self, x):
    ...         return torch.nn.functional.pad(2.0 * x[:, :-1] - 1.0, (1, 0))  # doctest: +SKIP
    >>> echo = fd.Autoregressive(Echo(), n_vars=8, n_states=2)  # doctest: +SKIP
    >>> echo.sample(3, seed=0).shape  # doctest: +SKIP
    (3, 8)
    """

    n_states: int

    def __init__(
        self,
        module: Any,
        n_vars: int,
        n_states: int,
        *,
        shift: bool = False,
        start: int | None = None,
        n_context: int = 0,
        check: bool = True,
    ) -> None:
        check_is_module(module, "Autoregressive", "module must be")
        self.module = module
        self.n_vars: int = at_least_one(n_vars, "n_vars")
        self.n_states = whole_number(n_states, "n_states")
        if not 1 <= self.n_states <= MAX_STATES:
            raise ValueError(f"n_states must be between 1 and {MAX_STATES}, got {n_states}")
        self.order: Array = np.arange(self.n_vars)
        self.order.flags.writeable = False
        self._warned = False
        self._start = _checked_start(shift, start)
        self.n_context: int = check_context_width(n_context)
        kind = check_module(module, self.n_vars, self.n_states, self._start, self.n_context, check=check)
        self.dtype: np.dtype[Any] = kind.dtype
        self._binary = kind.binary
        self._given = {
            "module": module,
            "n_vars": n_vars,
            "n_states": n_states,
            "shift": shift,
            "start": start,
            "n_context": n_context,
            "check": check,
        }

    @property
    def is_fitted(self) -> bool:
        """Always: a module brings its parameters."""
        return True

    @property
    def n_parameters(self) -> int:
        """Number of entries of the module's parameters."""
        return sum(p.numel() for p in self.module.parameters())

    @property
    def _outputs(self) -> Outputs:
        return Outputs(self.module, self.n_vars, self.n_states, self._binary, self._start, self.n_context)

    def _cuda_source(self) -> Any:
        return self.module  # which is read by every call

    def _cuda_rows(self) -> CudaRows:
        from ..engines.torch.cuda_run import CudaModuleRows  # imports the twins

        return CudaModuleRows(self._outputs, self._say_cost)

    def _uniforms_type(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def _log_prob(self, x: Array, context: Array, per_variable: bool) -> Array:
        terms = self._outputs.evaluate(x, context)
        return terms if per_variable else terms.sum(axis=1)

    def _sample(self, draw: Draw) -> Drawn:
        self._say_cost(draw)
        return sample(self._outputs, draw)

    def _say_cost(self, draw: Draw) -> None:
        """A UserWarning, once, where every position of a draw is a pass of the whole module."""
        if not self._outputs.has_steps and not self._warned and draw.n and draw.prefix_length < self.n_vars:
            self._warned = True
            warnings.warn(
                f"sampling runs the whole module once for each of {self.n_vars - draw.prefix_length} variables: "
                "give it init_state() and step() (see fastdgm.Autoregressive) to pay for one position at a time",
                UserWarning,
                stacklevel=5,
            )

    def _stepper(self) -> Stepper:
        from ..engines.torch.train import ModuleStepper

        return ModuleStepper(self._outputs)

    def _adopt(self, parameters: dict[str, Array]) -> None:
        from ..engines.torch.train import load

        load(dict(self.module.state_dict()), parameters)

    def _parameters_of_fit(self) -> dict[str, Array]:
        return self._state()[1]

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a checkpoint of ``fit`` compares; the module's code is in no file, so there is no ``_from_state``."""
        from ..engines.torch.train import to_host

        structure = {"module": type(self.module).__qualname__, "n_vars": self.n_vars, "n_states": self.n_states}
        structure |= {} if self._start is None else {"start": self._start}
        structure |= {"n_context": self.n_context} if self.n_context else {}
        return structure, {name: to_host(tensor) for name, tensor in self.module.state_dict().items()}

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        raise TypeError("no file holds a torch module's code: make the module, then load its state_dict with torch")

    def __repr__(self) -> str:
        name = type(self.module).__name__
        shift = "" if self._start is None else f", shift=True, start={self._start}"
        settings = f"{name}, n_vars={self.n_vars}, n_states={self.n_states}{shift}{shown_context(self.n_context)}"
        return f"Autoregressive({settings}): {self.n_parameters} parameters"


def _checked_start(shift: bool, start: Any) -> int | None:
    """The code before variable 0; None where the module's output d is that of variable d."""
    if not shift:
        if start is not None:
            raise ValueError(f"start= goes with shift=True, got start={start!r:.60} without it")
        return None
    if start is None:
        raise ValueError(
            "with shift=True output t predicts variable t + 1, so variable 0 needs something before it: pass start=, "
            "the code of the token that texts begin with (tokenizer.bos_token_id, or that of a line break)"
        )
    code = whole_number(start, "start")
    if code < 0:
        raise ValueError(f"start must be a code from 0 on, got {start}")
    return code
