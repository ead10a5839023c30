"""Any causal torch module as an autoregressive model: the fallback where no closed family fits."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.variables import MAX_STATES
from ..engines.draw import Draw, Drawn
from ..engines.torch.causality import check_causal, check_steps, without_impossible
from ..engines.torch.picking import log_softmax, pick, pick_log_odds, truncated
from ..engines.torch.row_mixing import check_rows_alone
from ..runtime.arrays import code_type
from ..runtime.memory import check_memory
from ..runtime.seeds import whole_number
from .base import AutoregressiveModel

if TYPE_CHECKING:
    from ..learning.gradient import Stepper

Array = npt.NDArray[Any]
CELLS_AT_ONCE = 1 << 22  # logits of one batch
MOST_ROWS = 4096
ROUGH = 0.05  # of the largest logit: batches of other sizes may be rounded otherwise, in bfloat16 by so much


class Autoregressive(AutoregressiveModel):
    """p(x) = prod_d softmax(module(x)[d])[x_d] for a torch module whose output d depends on inputs before d alone.

    Causality is checked here by perturbation, in eval mode: the inputs of random rows are changed from a position on,
    and no output up to it may move. Where checking at every position would take long (more than 1024 variables, 2^20
    codes read or 2^26 logits given in all) it is done at the ends, around powers of two and at random others, 8 at
    least. Rows are also put beside other rows, alone and in larger batches, where their outputs must stay the same.

    Sampling calls the module once per variable, which it says once. A module may offer two methods that make each
    step cheap, for instance with a cache of keys and values; they are checked against the module itself:

    * ``init_state(n)`` returns any object: the state of ``n`` rows of which nothing is known yet.
    * ``step(state, previous)`` returns ``(logits, state)``: the logits ``(n, n_states)`` (or ``(n,)``, see below) of
      the next position, and the state to pass next. ``previous`` holds the codes of the position before it, an int64
      tensor ``(n,)``, and is None at position 0.

    The uniforms are keyed by row, so rows depend on batch size only as far as torch's rounding does.

    Parameters
    ----------
    module : torch.nn.Module that maps int64 codes ``(n, n_vars)`` to logits ``(n, n_vars, n_states)``; with two states
        also to ``(n, n_vars)``, the log-odds of state 1. It is kept, not copied; ``fit`` changes its parameters.
    n_vars : number of variables. n_states : number of states of each.
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

    def __init__(self, module: Any, n_vars: int, n_states: int, *, check: bool = True) -> None:
        self.module = _checked_module(module)
        self.n_vars = whole_number(n_vars, "n_vars")
        self.n_states = whole_number(n_states, "n_states")
        if self.n_vars < 1:
            raise ValueError(f"n_vars must be at least 1, got {n_vars}")
        if not 1 <= self.n_states <= MAX_STATES:
            raise ValueError(f"n_states must be between 1 and {MAX_STATES}, got {n_states}")
        self.order = np.arange(self.n_vars)
        self.order.flags.writeable = False
        self._binary = False  # whether the module gives log-odds
        self._warned = False
        check_memory(3 * 8 * self.n_vars * self.n_states, "logits of three rows, which checks compare,")
        with _evaluating(module):
            epsilon = self._look_at_output()
            if check:
                self._check_module(epsilon)

    def _look_at_output(self) -> float:
        """Takes what kind of logits the module gives from a first call; their rounding error."""
        import torch

        probe = np.zeros((2, self.n_vars), np.int64)
        output = _explained(lambda: self.module(self._tensor(self.module, probe)), _taking(probe))
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            kind = output.dtype if isinstance(output, torch.Tensor) else type(output).__name__
            raise TypeError(f"the module must give logits, a tensor of floats, got {kind}")
        self._binary = self.n_states == 2 and output.shape == (2, self.n_vars)
        self._as_logits(output, (2, self.n_vars), "the module")
        self.dtype = np.dtype(np.float64 if output.dtype == torch.float64 else np.float32)
        return float(torch.finfo(output.dtype).eps)

    def _check_module(self, epsilon: float) -> None:
        size = self.n_vars, self.n_states
        exact = min(100 * epsilon, max(2 * epsilon, 1e-4))  # floats that took the same steps, but for a GPU's atomics
        check_rows_alone(self._check_logits, *size, exact, ROUGH)
        check_causal(self._check_logits, *size, min(100 * epsilon, ROUGH))
        if self._has_steps:
            check_steps(self._check_logits, self._check_step_logits, *size, epsilon)

    def _check_logits(self, codes: Array) -> Array:
        output = _explained(lambda: self.module(self._tensor(self.module, codes)), _taking(codes))
        logits = self._as_logits(output, codes.shape, "the module").cpu()
        return without_impossible(np.asarray(logits if self.dtype == np.float64 else logits.float()))

    def _check_step_logits(self, codes: Array) -> Iterator[tuple[int, Array]]:
        steps = self._step_logits(self._tensor(self.module, codes))
        for d in range(self.n_vars):
            _, logits = _explained(
                lambda: next(steps), f"init_state() and step() must come to position {d}, they raised"
            )
            yield d, without_impossible(logits)

    @property
    def n_parameters(self) -> int:
        """Number of entries of the module's parameters."""
        return sum(p.numel() for p in self.module.parameters())

    @property
    def _has_steps(self) -> bool:
        return hasattr(self.module, "init_state") and hasattr(self.module, "step")

    @property
    def _rows_at_once(self) -> int:
        return max(1, min(MOST_ROWS, CELLS_AT_ONCE // (self.n_vars * self.n_states)))

    # --- the module's output -----------------------------------------------------------------------------------

    def _tensor(self, module: Any, codes: Array) -> Any:
        """Codes as the module reads them: int64, where its parameters are."""
        import torch

        first = next(module.parameters(), None)
        return torch.from_numpy(codes.astype(np.int64)).to("cpu" if first is None else first.device)

    def _logits(self, module: Any, codes: Array) -> Any:
        """(n, n_vars, n_states) tensor."""
        return self._as_logits(module(self._tensor(module, codes)), (len(codes), self.n_vars), "the module")

    def _as_logits(self, output: Any, rows: tuple[int, ...], who: str) -> Any:
        """Log-odds z as logits (0, z)."""
        import torch

        expected = rows if self._binary else (*rows, self.n_states)
        if tuple(output.shape) != expected:
            raise ValueError(f"{who} must give logits of shape {expected}, got {tuple(output.shape)}")
        return torch.stack([torch.zeros_like(output), output], dim=-1) if self._binary else output

    def _terms(self, module: Any, codes: Array, dtype: Any) -> Any:
        """log p(x_d | before), (n, n_vars), as a tensor of at least the given type; differentiable."""
        import torch

        logits = self._logits(module, codes)
        log_p = torch.log_softmax(logits.to(torch.promote_types(logits.dtype, dtype)), dim=-1)
        return log_p.gather(2, self._tensor(module, codes)[..., None])[..., 0]

    def _evaluate(self, module: Any, codes: Array) -> Array:
        """(n, n_vars) float64 in eval mode, batch by batch."""
        import torch

        result = np.empty((len(codes), self.n_vars))
        with _evaluating(module):
            for begin in range(0, len(codes), self._rows_at_once):
                own = slice(begin, begin + self._rows_at_once)
                result[own] = self._terms(module, codes[own], torch.float64).cpu().numpy()
        undefined = np.argwhere(np.isnan(result))
        if len(undefined):
            row, variable = (int(i) for i in undefined[0])
            raise ValueError(f"the module gives NaN for row {row}, variable {variable}")
        return result

    def _log_prob(self, x: Array, per_variable: bool) -> Array:
        terms = self._evaluate(self.module, x)
        return terms if per_variable else terms.sum(axis=1)

    # --- sampling ----------------------------------------------------------------------------------------------

    def _sample(self, draw: Draw) -> Drawn:
        if not self._has_steps and not self._warned and draw.n and draw.prefix_length < self.n_vars:
            self._warned = True
            warnings.warn(
                f"sampling runs the whole module once for each of {self.n_vars - draw.prefix_length} variables: "
                "give it init_state() and step() (see fastdgm.Autoregressive) to pay for one position at a time",
                UserWarning,
                stacklevel=3,
            )
        dtype = code_type(self.n_states)
        check_memory(draw.n * (self.n_vars + 16), f"a sample of {draw.n} rows x {self.n_vars} variables")
        values = np.empty((draw.n, self.n_vars), dtype)
        log_prob, sampling = np.zeros(draw.n), np.zeros(draw.n)
        with _evaluating(self.module):
            for begin in range(0, draw.n, self._rows_at_once):
                own = slice(begin, min(draw.n, begin + self._rows_at_once))
                values[own], log_prob[own], sampling[own] = self._draw_batch(draw, own.start, own.stop)
        if not draw.return_log_prob:
            return Drawn(values)
        return Drawn(values, log_prob, sampling if draw.truncated else None)

    def _draw_batch(self, draw: Draw, begin: int, end: int) -> tuple[Array, Array, Array]:
        n, given = end - begin, draw.prefix_length
        rows = np.zeros((n, self.n_vars), np.int64)
        if draw.prefix is not None:
            rows[:, :given] = draw.prefix[np.arange(begin, end) // draw.n_per_row]
        uniforms = self._uniforms(draw, begin, end)
        codes = self._tensor(self.module, rows)  # the generators below read what is written here
        log_prob, sampling = np.zeros(n), np.zeros(n)
        positions = self._step_logits(codes) if self._has_steps else self._whole_logits(codes, given, draw)
        for d, logits in positions:
            log_p = log_softmax(logits, d)
            if d >= given:
                weighted = truncated(logits, draw) if draw.truncated else logits
                rows[:, d] = pick_log_odds(weighted, uniforms[d]) if self._binary else pick(weighted, uniforms[d])
                codes[:, d] = self._tensor(self.module, rows[:, d])
                if draw.truncated:
                    sampling += log_softmax(weighted, d)[np.arange(n), rows[:, d]]
            log_prob += log_p[np.arange(n), rows[:, d]]
        return rows, log_prob, sampling

    def _uniforms(self, draw: Draw, begin: int, end: int) -> Array:
        """(n_vars, n): those given, or Philox's."""
        if draw.uniforms is not None:
            return np.ascontiguousarray(draw.uniforms[begin:end].T, np.float64)
        from ..kernels.uniforms import uniforms_cpu

        n = end - begin
        result = np.empty((self.n_vars, n))
        uniforms_cpu(np.uint64(draw.key), np.uint64(draw.start + begin), np.empty((8, n), np.uint32), result)
        return result

    def _whole_logits(self, codes: Any, given: int, draw: Draw) -> Iterator[tuple[int, Array]]:
        """(position, logits) by one call of the module per drawn position; the first also serves those given."""
        if given and draw.return_log_prob:
            logits = self._as_logits(self.module(codes), tuple(codes.shape), "the module").double().cpu().numpy()
            yield from ((d, logits[:, d]) for d in range(given))
        for d in range(given, self.n_vars):
            logits = self._as_logits(self.module(codes), tuple(codes.shape), "the module")
            yield d, logits[:, d].double().cpu().numpy()

    def _step_logits(self, codes: Any) -> Iterator[tuple[int, Array]]:
        """(position, logits) by the module's own steps."""
        state, previous = self.module.init_state(len(codes)), None
        for d in range(self.n_vars):
            output, state = self.module.step(state, previous)
            logits = self._as_logits(output, (len(codes),), "step()")
            yield d, logits.double().cpu().numpy()
            previous = codes[:, d].clone()

    # --- fit and files -----------------------------------------------------------------------------------------

    def _stepper(self) -> Stepper:
        import torch

        from ..engines.torch.train import ModuleStepper

        return ModuleStepper(
            self.module,
            lambda module, rows: self._terms(module, rows, torch.float32).sum(dim=1),
            lambda module, rows: self._evaluate(module, rows).sum(axis=1),
        )

    def _adopt(self, parameters: dict[str, Array]) -> None:
        from ..engines.torch.train import load

        load(dict(self.module.state_dict()), parameters)

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a checkpoint of ``fit`` compares; the module's code is in no file, so there is no ``_from_state``."""
        from ..engines.torch.train import to_host

        structure = {"module": type(self.module).__qualname__, "n_vars": self.n_vars, "n_states": self.n_states}
        return structure, {name: to_host(tensor) for name, tensor in self.module.state_dict().items()}

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        raise TypeError("no file holds a torch module's code: make the module, then load its state_dict with torch")

    def __repr__(self) -> str:
        name = type(self.module).__name__
        return f"Autoregressive({name}, n_vars={self.n_vars}, n_states={self.n_states}): {self.n_parameters} parameters"


def _checked_module(module: Any) -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError('Autoregressive needs torch: pip install "fastdgm[torch]"') from error
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    return module


def _taking(codes: Array) -> str:
    return f"the module must take int64 codes of shape {codes.shape}, it raised"


def _explained(call: Callable[[], Any], rule: str) -> Any:
    """What the user's code returns; what it raises, as a ValueError that begins with the rule."""
    try:
        return call()
    except Exception as error:
        text = str(error)
        if len(text) > 500:  # compilers begin with a trace and end with the reason
            text = f"{text[:200]} ... {text[-250:]}"
        raise ValueError(f"{rule}: {type(error).__name__}: {text}") from error


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Eval mode without gradients; afterwards every part is in the mode in which it was."""
    import torch

    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
