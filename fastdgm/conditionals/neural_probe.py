"""Trying out a module before it serves: shapes, parameters that are some, and rows that do not mix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.variables import Discrete, Variable
from ..runtime.row_mixing import check_rows_alone
from ..runtime.torch_modules import evaluating, left_as_it_was
from .neural_calls import ModuleCall

Array = npt.NDArray[Any]
N_ROWS = 3  # that are compared with others in their places


def check_module(call: ModuleCall, name: str) -> None:
    """ValueError, TypeError where the module of variable ``name`` is not what it must be; it stays as it is.

    Random values of its parents are tried: what holds for them need not for others, and parameters that are none are
    refused wherever they come.
    """
    rng = np.random.default_rng(0)
    pool = [_random_values(variable, 2 * N_ROWS, rng) for variable in call.parent_variables]
    with evaluating(call.module), left_as_it_was(call.module):
        epsilon = _epsilon(call, name, pool)
        try:
            check_rows_alone(lambda chosen: _numbers(call, name, pool, chosen), N_ROWS, epsilon)
        except ValueError as error:
            if error.__cause__ is not None or repr(name) in str(error):
                raise
            raise ValueError(f"the module of {name!r} does not fit a conditional: {error}") from None


def _epsilon(call: ModuleCall, name: str, pool: list[Array]) -> float:
    """Rounding error of the coarsest type that the module takes or gives; ValueError for parameters that are none."""
    import torch

    rows = np.arange(N_ROWS)
    outputs = call.outputs(name, _tensors(pool, rows), N_ROWS)
    for part, output in zip(call.parts, outputs, strict=True):
        check_defined(name, part, np.asarray(output.detach().cpu()), "of a trial with random parents")
    kinds = {output.dtype for output in outputs} | {
        own.dtype for own in call.module.parameters() if own.is_floating_point()
    }
    return max(torch.finfo(kind).eps for kind in kinds)


def _numbers(call: ModuleCall, name: str, pool: list[Array], chosen: Array) -> Array:
    """All parameters of the chosen rows of the pool, (m, d) float64."""
    outputs = call.outputs(name, _tensors(pool, chosen), len(chosen))
    parts = [np.asarray(output.detach().double().cpu()).reshape(len(chosen), -1) for output in outputs]
    return np.concatenate(parts, axis=1)


def _tensors(pool: list[Array], chosen: Array) -> list[Any]:
    import torch

    return [torch.from_numpy(values[chosen]) for values in pool]


def _random_values(variable: Variable, n: int, rng: np.random.Generator) -> Array:
    """(n, *event_shape); those of the second half differ from those of the first."""
    shape = (n // 2, *variable.event_shape)
    if isinstance(variable, Discrete):
        k = variable.n_states
        first = rng.integers(0, k, shape)
        return np.concatenate([first, (first + rng.integers(min(1, k - 1), k, shape)) % k])
    return rng.normal(size=(n, *variable.event_shape))


def check_defined(name: str, part: str, values: Array, where: str = "", first: int = 0) -> None:
    """ValueError that names the first row (n, ...) whose parameters are none; row 0 has the number ``first``.

    Logits may be infinite where that stands for a probability of 0 or 1: that is for the sampler and the scorer to see.
    """
    allowed = np.isfinite(values) if part != "logits" else ~np.isnan(values)
    if not allowed.all():
        row = int(np.argwhere(~allowed)[0][0])
        bad = np.atleast_1d(values[row])[~np.atleast_1d(allowed[row])]
        raise ValueError(
            f"the {part} that the module of {name!r} gives are no parameters in row {first + row}"
            f"{' ' * bool(where)}{where}: among them is {bad[0]}"
        )
