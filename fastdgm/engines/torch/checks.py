"""What a torch module must be to serve as an autoregressive model: seen from a few calls of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...runtime.memory import check_memory
from ...runtime.row_mixing import ROUGH, check_rows_alone
from ...runtime.torch_modules import evaluating
from .causality import CELLS_AT_ONCE, Logits, check_causal, check_steps, without_impossible
from .outputs import Outputs, tensor_of

Array = npt.NDArray[Any]
FEWEST_ROWS, MOST_ROWS = 2, 8  # that are compared

BEHIND = (
    ". Does output d predict variable d + 1, as in GPT and all causal models of transformers? Then pass shift=True and "
    "start=, the code that comes before variable 0"
)


class LogitsKind(NamedTuple):
    """What a module was seen to give."""

    binary: bool  # log-odds of state 1
    dtype: np.dtype[Any]  # of its logits, in NumPy
    epsilon: float  # their rounding error


def check_module(
    module: Any, n_vars: int, n_states: int, start: int | None, n_context: int, *, check: bool
) -> LogitsKind:
    """What kind of logits the module gives; with ``check``, ValueError where it is not causal or mixes rows.

    A context is the same random numbers for all rows.
    """
    check_memory(3 * 8 * n_vars * n_states, "logits of three rows, which checks compare,")
    with evaluating(module):
        plain = Outputs(module, n_vars, n_states, False, start, n_context)
        kind = _look_at_output(plain)
        if check:
            _check_values(replace(plain, binary=kind.binary), kind)
    return kind


def _look_at_output(plain: Outputs) -> LogitsKind:
    """From a first call."""
    import torch

    probe = np.zeros((2, plain.n_vars), np.int64)
    output = tensor_of(_called(plain, probe), "the module")
    binary = plain.n_states == 2 and output.shape == probe.shape
    replace(plain, binary=binary).as_logits(output, probe.shape)
    dtype = np.dtype(np.float64 if output.dtype == torch.float64 else np.float32)
    return LogitsKind(binary, dtype, float(torch.finfo(output.dtype).eps))


def _check_values(outputs: Outputs, kind: LogitsKind) -> None:
    def logits(codes: Array) -> Array:
        own = outputs.as_logits(_called(outputs, codes), codes.shape).cpu()
        return without_impossible(np.asarray(own if kind.dtype == np.float64 else own.float()))

    def step_logits(codes: Array) -> Iterator[tuple[int, Array]]:
        steps = outputs.by_steps(outputs.tensor(codes), _context(outputs, len(codes)))
        for d in range(outputs.n_vars):
            _, own = _explained(lambda: next(steps), f"init_state() and step() must come to position {d}, they raised")
            yield d, without_impossible(own.cpu().numpy())

    size, epsilon = (outputs.n_vars, outputs.n_states), kind.epsilon
    _check_rows(logits, *size, epsilon)
    hint = BEHIND if outputs.start is None else ""
    check_causal(logits, *size, min(100 * epsilon, ROUGH), hint)
    if outputs.has_steps:
        check_steps(logits, step_logits, *size, epsilon)


def _check_rows(logits: Logits, n_vars: int, n_states: int, epsilon: float) -> None:
    rng = np.random.default_rng(0)
    n = int(np.clip(CELLS_AT_ONCE // (n_vars * n_states), FEWEST_ROWS, MOST_ROWS))
    rows = rng.integers(0, n_states, (n, n_vars))
    others = (rows + rng.integers(min(1, n_states - 1), n_states, rows.shape)) % n_states
    pool = np.concatenate([rows, others])
    _refuse_undefined(logits(rows))
    check_rows_alone(lambda chosen: logits(pool[chosen]), n, epsilon)


def _refuse_undefined(base: Array) -> None:
    defined = np.isfinite(base) | (base == -np.inf)
    if not defined.all():
        row, position, _ = (int(i) for i in np.argwhere(~defined)[0])
        raise ValueError(f"logits are finite or -inf, got {base[row, position][:4]} at position {position}")


def _called(outputs: Outputs, codes: Array) -> Any:
    """What the module gives for codes."""
    behind = "" if outputs.start is None else f" that begin with start={outputs.start}"
    context = _context(outputs, len(codes))
    beside = "" if context is None else f" and a context of shape {tuple(context.shape)}"
    rule = f"the module must take int64 codes of shape {codes.shape}{behind}{beside}, it raised"
    return _explained(lambda: outputs.call(outputs.tensor(codes), context), rule)


def _context(outputs: Outputs, n: int) -> Any:
    row = np.random.default_rng(2).standard_normal(outputs.n_context)
    return outputs.context_tensor(np.broadcast_to(row, (n, outputs.n_context)))


def _explained(call: Callable[[], Any], rule: str) -> Any:
    """What the user's code returns; what it raises, as a ValueError that begins with the rule."""
    try:
        return call()
    except Exception as error:
        text = str(error)
        if len(text) > 500:  # compilers begin with a trace and end with the reason
            text = f"{text[:200]} ... {text[-250:]}"
        raise ValueError(f"{rule}: {type(error).__name__}: {text}") from error
