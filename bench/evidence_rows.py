"""Rows in which values are missing: how many, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import fastdgm as fd

Codes = npt.NDArray[np.uint8]

MISSING = 255  # the marker of a code that is not known
AT_RANDOM = {f"{percent} % missing": percent / 100 for percent in (5, 20, 50, 80)}
ONE_HIDDEN = "one hidden"
CASES_OBSERVED = 0.2  # share of the variables in the protocol of Faster-BNI, another choice in every case


def hidden_at_random(shape: tuple[int, int], share: float) -> npt.NDArray[np.bool_]:
    """(n, n_vars): every cell on its own; the first rows are the same whatever n."""
    return np.random.default_rng(round(1000 * share)).random(shape) < share


def hidden_cases(shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(n, n_vars): in every case the same number of variables, each time others."""
    n_observed = round(CASES_OBSERVED * shape[1])
    ranks = np.random.default_rng(0).random(shape).argsort(axis=1).argsort(axis=1)
    return np.asarray(ranks >= n_observed)


def partial(rows: Codes, hidden: npt.NDArray[np.bool_]) -> Codes:
    """The rows with MISSING where something is hidden, column by column in memory."""
    return np.asfortranarray(np.where(hidden, np.uint8(MISSING), rows))


def one_hidden(net: fd.BayesNet) -> str:
    """The variable that is hidden where one is: of most families."""
    return max(net.names, key=lambda name: sum(name in parents for parents in net.parents.values()))


def evidence_of(net: fd.BayesNet, row: Any) -> dict[str, int]:
    """What is known of a row, as libraries that answer row by row take it."""
    return {name: int(code) for name, code in zip(net.names, row, strict=True) if code != MISSING}


def patterns(net: fd.BayesNet, rows: Codes) -> dict[str, Codes]:
    """The rows by what is missing in them."""
    hidden = {what: hidden_at_random(rows.shape, share) for what, share in AT_RANDOM.items()}
    hidden[ONE_HIDDEN] = np.broadcast_to(np.array(net.names) == one_hidden(net), rows.shape)
    return {what: partial(rows, own) for what, own in hidden.items()}
