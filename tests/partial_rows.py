"""Rows of networks of tables in which values are missing, and the plain form that the oracle reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_nets import plain
from reference_evidence import families_of

import fastdgm as fd

MISSING = 255
SHARES = (0.05, 0.2, 0.5, 0.8)


def partial_rows(net: fd.BayesNet, n: int, share: float, seed: int = 0) -> np.ndarray:
    """(n, n_vars) uint8 drawn from the network; every cell is MISSING with probability ``share``."""
    codes = np.asarray(net.sample(n, seed=seed)).astype(np.uint8)
    codes[np.random.default_rng(seed).random(codes.shape) < share] = MISSING
    return codes


def every_share(net: fd.BayesNet, n: int, seed: int = 0) -> np.ndarray:
    """Complete rows, rows with few and with many missing values, n of each kind, and one where nothing is known."""
    parts = [partial_rows(net, n, share, seed + i) for i, share in enumerate((0.0, *SHARES))]
    return np.concatenate([*parts, np.full((1, len(net)), MISSING, np.uint8)])


def with_state(rows: np.ndarray, columns: np.ndarray, states: np.ndarray | int) -> np.ndarray:
    """The rows with ``rows[i, columns[i]]`` replaced."""
    changed = rows.copy()
    changed[np.arange(len(rows)), columns] = states
    return changed


def reference_form(net: fd.BayesNet) -> tuple[list[np.ndarray], list[tuple[int, ...]]]:
    """Tables and families."""
    own = plain(net)
    return own.tables, families_of(own.parents)


def known(rows: np.ndarray) -> list[list[Any]]:
    """As the oracle takes rows: None where a value is missing."""
    return [[None if code == MISSING else int(code) for code in row] for row in rows]
