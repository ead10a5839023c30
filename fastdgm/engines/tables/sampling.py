"""Ancestral sampling: checks, one block of codes, the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.samples import Samples
from ...runtime.memory import check_memory
from ...runtime.seeds import check_rows, key_from_seed, whole_number

if TYPE_CHECKING:
    from ...bayesnet import BayesNet
    from .plan import Plans


def sample(net: BayesNet, n: int, *, seed: Any, start: Any) -> Samples:
    """Rows start .. start + n of the data set of a seed; see ``BayesNet.sample``."""
    n, start = check_rows(n, start)
    return _draw(net._lowered, n, key_from_seed(seed), start)


def iter_samples(net: BayesNet, n: int, chunk: int, *, seed: Any, start: Any) -> Iterator[Samples]:
    """The rows of ``sample`` in pieces; arguments are checked and the key drawn before the first piece."""
    n, start = check_rows(n, start)
    chunk = whole_number(chunk, "chunk")
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1 row, got {chunk}")
    key = key_from_seed(seed)
    plans = net._lowered  # as they are now: a later fit does not change the rows to come
    return (_draw(plans, min(chunk, n - done), key, start + done) for done in range(0, n, chunk))


def _draw(plans: Plans, n: int, key: int, start: int) -> Samples:
    from .dispatch import run

    n_vars = len(plans.n_states)
    what = f"a sample of {n} rows x {n_vars} variables (use iter_samples for more than fits in memory)"
    check_memory(n * n_vars * plans.dtype.itemsize, what)
    block = np.empty((n_vars, n), plans.dtype)
    run("sample", n, n_vars, np.uint64(key), np.uint64(start % 2**64), plans.sampling, block)
    return Samples(block, plans.states, key, start)
