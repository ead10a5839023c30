"""Reparameterised draws of whole networks: by the words that ``sample`` draws by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from ....conditionals.base import Conditional
from ....runtime.arrays import real_type
from ....runtime.memory import check_memory
from ...hybrid import Program
from .joint import JointDensity

TYPES = {"float32": torch.float32, "float64": torch.float64}


def first_words(conditionals: Mapping[str, Conditional], order: Sequence[str], density: JointDensity) -> dict[str, int]:
    """The first random word of each variable: engine after engine, as ``Program`` gives them out."""
    names, words, first = list(conditionals), dict[str, int](), 0
    for engine, members in Program(conditionals, order).segments:
        begin = first
        for name in (names[v] for v in members):
            words[name] = first
            first += density.of(name).n_words(name)
        if first - begin != engine.n_words:
            raise AssertionError(f"{type(engine).__name__} draws from {engine.n_words} words, not {first - begin}")
    return words


def check_drawn(density: JointDensity) -> None:
    """ValueError, naming the variables, where draws of some have no gradient."""
    reasons = density.why_not_drawn()
    if reasons:
        listed = ", ".join(f"{name!r} ({reason})" for name, reason in list(reasons.items())[:10])
        raise ValueError(
            f"rsample draws networks in which every draw has a gradient; those of {listed} have none: sample draws them"
        )


def drawn(
    density: JointDensity, words: Mapping[str, int], n: int, key: int, start: int, dtype: npt.DTypeLike | torch.dtype
) -> dict[str, torch.Tensor]:
    """{name: (n, *event_shape)} of rows ``start`` to ``start + n`` of a key's stream."""
    kind = real_type(np.dtype(str(dtype).removeprefix("torch.")) if isinstance(dtype, torch.dtype) else dtype)
    n_cells = sum(density.of(name).variables[name].size for name in density.order)
    check_memory(3 * n * n_cells * kind.itemsize, f"a reparameterised sample of {n} rows x {n_cells} numbers")
    return density.rsample(n, key, start, words, TYPES[kind.name])
