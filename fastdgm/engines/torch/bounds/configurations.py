"""Rows in every configuration of the discrete variables that are hidden in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

Codes = npt.NDArray[np.int64]


class Group(NamedTuple):
    """Rows that hide the same variables, which have ``n_configurations`` together."""

    n_rows: int
    n_configurations: int


class Configurations(NamedTuple):
    """Rows, each as often as it has configurations: group after group, row after row."""

    rows: torch.Tensor  # (m,) the row that each one is
    codes: Mapping[str, torch.Tensor]  # (m,) int64, of the variables that may be hidden
    groups: tuple[Group, ...]
    places: torch.Tensor  # (n,) where each row is, one after the other

    def log_sums(self, terms: torch.Tensor) -> torch.Tensor:
        """log sum e^terms over the configurations of each row: (m,) -> (n,)."""
        found, first = [], 0
        for group in self.groups:
            size = group.n_rows * group.n_configurations
            own = terms[first : first + size].reshape(group.n_rows, group.n_configurations)
            found.append(own[:, 0] if group.n_configurations == 1 else torch.logsumexp(own, dim=1))
            first += size
        return torch.cat(found)[self.places]


def configurations(hidden: Mapping[str, int], codes: Codes, device: torch.device) -> Configurations:
    """``hidden`` are variables and their numbers of states, ``codes`` theirs (n, n_hidden), -1 where one is hidden."""
    missing = codes < 0
    packed = np.packbits(missing, axis=1)
    found, place = np.unique(packed, axis=0, return_inverse=True)
    place = place.reshape(-1)
    order = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place, minlength=len(found)))
    rows, columns, groups = [], [], []
    for own in np.split(order, ends[:-1]):
        every = _every_configuration(missing[own[0]], tuple(hidden.values()))
        repeated = np.repeat(codes[own], len(every), axis=0)
        columns.append(np.where(repeated < 0, np.tile(every, (len(own), 1)), repeated))
        rows.append(np.repeat(own, len(every)))
        groups.append(Group(len(own), len(every)))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    together = torch.from_numpy(np.concatenate(columns)).to(device)
    return Configurations(
        torch.from_numpy(np.concatenate(rows)).to(device),
        {name: together[:, j] for j, name in enumerate(hidden)},
        tuple(groups),
        torch.from_numpy(places).to(device),
    )


def _every_configuration(missing: npt.NDArray[np.bool_], n_states: Sequence[int]) -> Codes:
    """(n_configurations, n_hidden): the states of what is missing, 0 for the others."""
    shape = [k if gone else 1 for k, gone in zip(n_states, missing, strict=True)]
    return np.indices(shape).reshape(len(shape), prod(shape)).T
