"""Linear Gaussians, all of a network together, by kernels with gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ....conditionals.base import Conditional
from ....conditionals.gaussian import LinearGaussian
from ....data.schema import Schema
from ....runtime.arrays import freeze
from ...base import Members
from ...gaussian.gradient import Layout
from ...gaussian.plan import gaussian_plan
from ..gaussian_formulas import log_prob, mean_and_log_std, places_of, term
from ..gaussian_operators import Structure, followed_log_prob, layout_tensors
from .base import Density, Values, Words, as_array

CODES = {1: torch.uint8, 2: torch.uint16}  # by their size in bytes


class LinearGaussianDensity(Density):
    """Intercepts, coefficients and log stds of all members, one after the other, in the layout of a GaussianPlan.

    The sum of the terms and its gradient are computed by kernels, in float64, where everything is on the CPU. A std of
    0 is a point mass, as in the network: log p is 0 at the mean and -inf elsewhere, without a gradient, and it stays 0.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._gaussians = {name: own for name, own in self.own.items() if isinstance(own, LinearGaussian)}
        schema = Schema(self.variables)
        column = {name: i for i, name in enumerate(conditionals)}
        plan = gaussian_plan(Members(conditionals, [column[name] for name in members]), np.dtype(np.float64), 0)
        used_reals, used_codes = np.union1d(plan.row, plan.parent_row), np.unique(plan.selector_row)
        self._real_names = [name for name in schema.real_names if schema.rows[name] in used_reals]
        self._code_names = [name for name in schema.code_names if schema.rows[name] in used_codes]
        self._has_vectors = any(self.variables[name].event_shape for name in self._real_names)
        self._code_type = CODES[schema.code_dtype.itemsize]
        layout = Layout(*(getattr(plan, field) for field in Layout._fields))._replace(
            row=np.searchsorted(used_reals, plan.row).astype(np.uint32),
            parent_row=np.searchsorted(used_reals, plan.parent_row).astype(np.uint32),
            selector_row=np.searchsorted(used_codes, plan.selector_row).astype(np.uint32),
        )
        freeze(*layout)
        self._places = dict(zip(self.members, places_of(layout), strict=True))
        # of the kernels, so never on another device
        self._structure = Structure(layout_tensors(layout), list(self._places.values()))
        self.register_buffer("is_point", torch.from_numpy(plan.std == 0), persistent=False)
        self.intercepts: torch.nn.Parameter = torch.nn.Parameter(torch.from_numpy(plan.intercept.copy()))
        self.coefficients: torch.nn.Parameter = torch.nn.Parameter(torch.from_numpy(plan.slope.copy()))
        self.log_stds: torch.nn.Parameter = torch.nn.Parameter(
            torch.from_numpy(np.log(np.where(plan.std == 0, 1.0, plan.std)))
        )

    def _parameters_in_order(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.intercepts, self.coefficients, self.log_stds.masked_fill(self.get_buffer("is_point"), -torch.inf)

    def _blocks(self, values: Values) -> tuple[torch.Tensor, torch.Tensor]:
        """Reals (n_reals, n) and codes (n_codes, n) of members and their parents."""
        reals = [values[name] for name in self._real_names]
        codes = [values[name] for name in self._code_names]
        n = len(reals[0])
        block = torch.cat([own.reshape(n, -1).T for own in reals]) if self._has_vectors else torch.stack(reals)
        return block, torch.stack(codes) if codes else torch.empty((0, n), dtype=torch.uint8, device=block.device)

    def _rows(self, values: Values) -> tuple[dict[int, torch.Tensor], dict[int, torch.Tensor]]:
        """The rows of both blocks, as far as there are values."""
        reals, row = dict[int, torch.Tensor](), 0
        for name in self._real_names:
            size = self.variables[name].size
            if name in values:
                own = values[name]
                reals |= dict(enumerate(own.reshape(len(own), size).unbind(1), row))
            row += size
        return reals, {i: values[name] for i, name in enumerate(self._code_names) if name in values}

    def forward(self, values: Values) -> torch.Tensor:
        """The sum of the members' terms (n,), float64 on the CPU."""
        reals, codes = self._blocks(values)
        parameters = self._parameters_in_order()
        if reals.device.type != "cpu":
            return log_prob(list(self._places.values()), reals, codes, parameters)
        block, *own = (tensor.double() for tensor in (reals, *parameters))
        return followed_log_prob(block, codes.to(self._code_type), own, self._structure)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By torch, variable by variable."""
        reals, codes = self._rows(values)
        kinds = [self.intercepts.dtype, *(reals[place.row].dtype for place in self._places.values())]
        kind = torch.float64 if torch.float64 in kinds else self.intercepts.dtype
        parameters = [own.to(kind) for own in self._parameters_in_order()]
        wide = {row: own.to(kind) for row, own in reals.items()}
        return {name: term(place, wide, codes, parameters) for name, place in self._places.items()}

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Every member is."""
        return mean_and_log_std(self._places[name], *self._rows(values), self._parameters_in_order())

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """mean + std * noise."""
        mean, log_std = mean_and_log_std(self._places[name], *self._rows(values), self._parameters_in_order())
        return mean + log_std.exp() * words.normals(1, mean)[:, 0]

    def conditionals(self) -> dict[str, Conditional]:
        """With the present parameters."""
        found: dict[str, Conditional] = {}
        intercepts, coefficients, log_stds = map(as_array, self._parameters_in_order())
        for name, own in self._gaussians.items():
            place = self._places[name]
            arrays = {
                "intercept": intercepts[place.table],
                "coefficients": coefficients[place.slopes],
                "std": log_stds[place.table].exp(),
            }
            shapes = own.parameters()
            numbers = {part: array.reshape(shapes[part].shape).numpy() for part, array in arrays.items()}
            made = LinearGaussian.from_parameters(name, own.parents, own.variable, numbers)
            found[name] = type(own).from_parameters(name, own.parents, own.variable, made.parameters())
        return found
