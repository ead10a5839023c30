"""Linear Gaussians in torch, variable by variable: what torch can differentiate, transform and place as it likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from ..gaussian.gradient import Layout
from .families import HALF_LOG_2_PI

Tensor = torch.Tensor
Rows = Tensor | Mapping[int, Tensor]  # of a block, by number; each (n,)
Parameters = Sequence[Tensor]  # flat: intercepts, coefficients, log stds


class Place(NamedTuple):
    """Where one member, its parents and its parameters are."""

    row: int
    parents: Sequence[int]  # rows of reals
    selectors: Sequence[int]  # rows of codes
    strides: Sequence[int]
    table: slice  # intercepts and log stds
    slopes: slice


def places_of(layout: Layout) -> list[Place]:
    """Of all members."""
    row, parent_start, parent_row, selector_start, selector_row, stride, table_start, slope_start = (
        array.tolist() for array in layout
    )
    return [
        Place(
            row[m],
            parent_row[parent_start[m] : parent_start[m + 1]],
            selector_row[selector_start[m] : selector_start[m + 1]],
            stride[selector_start[m] : selector_start[m + 1]],
            slice(table_start[m], table_start[m + 1]),
            slice(slope_start[m], slope_start[m + 1]),
        )
        for m in range(len(row))
    ]


def mean_and_log_std(place: Place, reals: Rows, codes: Rows, parameters: Parameters) -> tuple[Tensor, Tensor]:
    """Of one member: (n,), or () where they are those of all rows."""
    intercepts, slopes, log_stds = (
        own[cells] for own, cells in zip(parameters, (place.table, place.slopes, place.table), strict=True)
    )
    slopes = slopes.reshape(len(intercepts), len(place.parents))
    mean, slope, log_std = intercepts[0], slopes[0], log_stds[0]
    if place.selectors:
        addends = [codes[row].long() * stride for row, stride in zip(place.selectors, place.strides, strict=True)]
        d = torch.stack(addends).sum(0)
        mean, slope, log_std = intercepts[d], slopes[d], log_stds[d]
    for j, parent in enumerate(place.parents):
        mean = mean + slope[..., j] * reals[parent]
    return mean, log_std


def term(place: Place, reals: Rows, codes: Rows, parameters: Parameters) -> Tensor:
    """log p (n,) of one member; a log std of -inf is a point mass, whose gradient is 0."""
    mean, log_std = mean_and_log_std(place, reals, codes, parameters)
    x = reals[place.row]
    is_point = torch.isneginf(log_std)
    finite = log_std.masked_fill(is_point, 0.0)
    scaled = (x - mean) * torch.exp(-finite)
    density = -0.5 * scaled * scaled - finite - HALF_LOG_2_PI
    at_point = torch.zeros_like(density).masked_fill(x != mean, -torch.inf)
    return torch.where(is_point, at_point, density)


def log_prob(places: Sequence[Place], reals: Tensor, codes: Tensor, parameters: Parameters) -> Tensor:
    """log p (n,): the sum over all members."""
    total = torch.zeros_like(reals[0])
    for place in places:
        total = total + term(place, reals, codes, parameters)
    return total
