"""Rows of networks of tables in which values are missing, and the plain form that the oracle reads."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_nets import plain
from reference_evidence import families_of
from shared_data import shared

import fastdgm as fd

MISSING = 255
SHARES = (0.05, 0.2, 0.5, 0.8)
FEW_ROWS = {  # network of the optional folder -> rows of each share; 0: only few values may be missing
    "child": 40,
    "insurance": 20,
    "hepar2": 20,
    "win95pts": 20,
    "hailfinder": 20,
    "pigs": 4,
    "barley": 0,
    "munin1": 0,
}


def network(name: str) -> fd.BayesNet:
    """A shipped one, or one of the optional folder; a skip where that is absent."""
    return fd.example(name) if name in fd.example_names() else fd.read(shared(f"bif/{name}.bif.gz"))


def rows_of(net: fd.BayesNet, name: str, at_most: int = 40) -> np.ndarray:
    """Few of large networks, and where the sums are large with few missing values."""
    n = min(FEW_ROWS.get(name, at_most), at_most)
    return every_share(net, n) if n else np.concatenate([partial_rows(net, 3, share) for share in SHARES[:2]])


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
