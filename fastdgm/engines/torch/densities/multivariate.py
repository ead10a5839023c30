"""Normal vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ....conditionals.base import Conditional
from ....conditionals.multivariate import MultivariateNormal
from ..families import HALF_LOG_2_PI
from .base import Density, Values, Words


class MultivariateDensity(Density):
    """x = mean + L noise, L a triangular factor of the covariance for each configuration of the parents."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        own = [vector for vector in self.own.values() if isinstance(vector, MultivariateNormal)]
        self.means = torch.nn.ParameterList(torch.tensor(vector.mean) for vector in own)
        factors = [torch.linalg.cholesky(torch.tensor(vector.covariance)) for vector in own]
        self.factors = torch.nn.ParameterList(factors)
        self._is_diagonal = [bool((factor.tril(-1) == 0).all()) for factor in factors]

    def _parts(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (..., d) and factor (..., d, d) for the rows."""
        i = self.members.index(name)
        at = tuple(values[parent] for parent in self.own[name].parents)
        return (self.means[i][at], self.factors[i].tril()[at]) if at else (self.means[i], self.factors[i].tril())

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By solving with the factor."""
        found = {}
        for name in self.members:
            x = values[name]
            mean, factor = (part.to(x) for part in self._parts(name, values))
            z = torch.linalg.solve_triangular(factor, (x - mean)[..., None], upper=False)[..., 0]
            log_det = factor.diagonal(dim1=-2, dim2=-1).abs().log().sum(-1)
            found[name] = -0.5 * (z * z).sum(-1) - log_det - x.shape[-1] * HALF_LOG_2_PI
        return found

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Where the covariance is diagonal."""
        if not self._is_diagonal[self.members.index(name)]:
            return None
        mean, factor = self._parts(name, values)
        return mean, factor.diagonal(dim1=-2, dim2=-1).abs().log()

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """mean + L noise."""
        mean, factor = self._parts(name, values)
        noise = words.normals(self.variables[name].size, mean)
        return mean + (factor @ noise[..., None])[..., 0]

    def conditionals(self) -> dict[str, Conditional]:
        """With covariance L L'."""
        found: dict[str, Conditional] = {}
        for (name, own), mean, factor in zip(self.own.items(), self.means, self.factors, strict=True):
            triangle = factor.detach().tril()
            covariance = triangle @ triangle.transpose(-1, -2)
            found[name] = MultivariateNormal.given(own.parents, mean.detach().numpy(), covariance.numpy())
        return found
