"""The networks and sizes that everything in this folder measures, named once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import fastdgm as fd

SHARED_DATA = Path(os.environ.get("FASTDGM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


class Workload(NamedTuple):
    """A network and a number of rows."""

    network: str
    n_rows: int

    @property
    def name(self) -> str:
        """For example ``alarm-1M``."""
        rows = f"{self.n_rows // 1_000_000}M" if self.n_rows >= 1_000_000 else f"{self.n_rows // 1000}k"
        return f"{self.network}-{rows}"


WORKLOADS = (
    Workload("alarm", 100_000),
    Workload("alarm", 1_000_000),
    Workload("hailfinder", 100_000),
    Workload("hailfinder", 1_000_000),
    Workload("win95pts", 100_000),
    Workload("win95pts", 1_000_000),
    Workload("pigs", 100_000),
    Workload("munin", 100_000),
)


class MissingNetworkError(Exception):
    """A network that does not come with the package and is not in the optional data folder."""


def load_network(name: str) -> fd.BayesNet:
    """An example network, or one from the optional data folder (``FASTDGM_SHARED_DATA``)."""
    if name in fd.example_names():
        return fd.example(name)
    file = SHARED_DATA / "bif" / f"{name}.bif.gz"
    if not file.exists():
        raise MissingNetworkError(f"optional data file bif/{file.name} is not in {SHARED_DATA}")
    return fd.read(file)
