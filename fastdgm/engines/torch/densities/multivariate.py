"""Normal vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ....conditionals.base import Conditional
from ....conditionals.multivariate import MultivariateNormal
from ..families import HALF_LOG_2_PI
from .base import Density, Values, Words, as_array, widened


class MultivariateDensity(Density):
    """x = mean + L noise, L a triangular factor of the covariance for each configuration of the parents.

    Below the diagonal ``factors`` hold L, on it the logarithms of the diagonal of L, which is above 0.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        own = [vector for vector in self.own.values() if isinstance(vector, MultivariateNormal)]
        self.means: torch.nn.ParameterList = torch.nn.ParameterList(torch.tensor(vector.mean) for vector in own)
        factors = (torch.linalg.cholesky(torch.tensor(vector.covariance)) for vector in own)
        self.factors: torch.nn.ParameterList = torch.nn.ParameterList(
            factor.tril(-1) + torch.diag_embed(factor.diagonal(dim1=-2, dim2=-1).log()) for factor in factors
        )

    def _parts(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean (..., d), log diagonal of L (..., d) and L (..., d, d): of all rows, without parents, or of each."""
        i = self.members.index(name)
        mean, factor = self.means[i], self.factors[i]
        at = tuple(values[parent].long() for parent in self.own[name].parents)
        if at:
            mean, factor = mean[at], factor[at]
        log_diagonal = factor.diagonal(dim1=-2, dim2=-1)
        return mean, log_diagonal, factor.tril(-1) + torch.diag_embed(log_diagonal.exp())

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By solving with the factor."""
        found = {}
        for name in self.members:
            mean, log_diagonal, factor = self._parts(name, values)
            centred = widened(values[name], mean) - mean
            if self.own[name].parents:
                z = torch.linalg.solve_triangular(factor, centred[..., None], upper=False)[..., 0]
            else:  # all rows by one factor
                z = torch.linalg.solve_triangular(factor.T.to(centred), centred, upper=True, left=False)
            squares = (z * z).sum(-1)
            found[name] = -0.5 * squares - log_diagonal.sum(-1) - mean.shape[-1] * HALF_LOG_2_PI
        return found

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Where the covariance is diagonal: (d,), or (n, d) with parents. The zeros then have no gradient."""
        if bool((self.factors[self.members.index(name)].detach().tril(-1) != 0).any()):
            return None
        mean, log_diagonal, _ = self._parts(name, values)
        return mean, log_diagonal

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """mean + L noise."""
        mean, _, factor = self._parts(name, values)
        noise = words.normals(self.variables[name].size, mean)
        return mean + (noise @ factor.T if factor.ndim == 2 else (factor @ noise[..., None])[..., 0])

    def conditionals(self) -> dict[str, Conditional]:
        """With covariance L L'."""
        found: dict[str, Conditional] = {}
        for (name, own), mean, factor in zip(self.own.items(), self.means, self.factors, strict=True):
            numbers = as_array(factor)
            triangle = numbers.tril(-1) + torch.diag_embed(numbers.diagonal(dim1=-2, dim2=-1).exp())
            covariance = triangle @ triangle.transpose(-1, -2)
            found[name] = MultivariateNormal.given(own.parents, as_array(mean).numpy(), covariance.numpy())
        return found
