"""log_prob: data in any accepted form -> codes -> the kernel."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Rows, as_codes, refuse_bad_codes
from ...runtime.memory import check_memory

if TYPE_CHECKING:
    from ...bayesnet import BayesNet


def log_prob(net: BayesNet, data: Any, *, per_variable: bool) -> npt.NDArray[np.float64]:
    """Per-row log-likelihood in nats; see ``BayesNet.log_prob``."""
    from .dispatch import run, run_on_columns

    plans = net._lowered
    codes = as_codes(data, plans.states, plans.dtype)  # those of the tables, also while another thread fits
    n, n_vars = codes.n, len(plans.n_states)
    out: npt.NDArray[np.float64]
    if per_variable:
        check_memory(8 * n * n_vars, f"log_prob per variable of {n} rows x {n_vars} variables")
        out = np.empty((n_vars, n))
        bad = run_on_columns("log_prob per variable", codes, plans, plans.scoring_per_variable, out)
    elif isinstance(codes, Rows):
        out, empty = np.empty(n), np.empty(0, plans.dtype)
        bad = run("log_prob rows", n, n_vars, plans.scoring, plans.largest, codes.array, empty, out)
    else:
        out = np.empty(n)
        bad = run_on_columns("log_prob columns", codes, plans, plans.scoring, out)
    refuse_bad_codes(bad, codes, plans.states)
    return _like(data, out.T)


def _like(data: Any, out: npt.NDArray[np.float64]) -> Any:
    """A torch tensor for a torch tensor, sharing the memory of ``out``."""
    torch = sys.modules.get("torch")
    return torch.from_numpy(out) if torch is not None and isinstance(data, torch.Tensor) else out
