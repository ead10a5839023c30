"""Bounds of log p(what is observed): the ELBO (Kingma and Welling 2014), or with several particles the importance-
weighted bound (Burda, Grosse and Salakhutdinov 2016).

Of a row with observed x, latent real z (guide q) and hidden discrete y, with k particles,

    log sum_y mean_k  p(x, y, z_k) / q(z_k | x, y)         z_k ~ q(z | x, y), reparameterised

inside whose logarithm one particle stands for the expectation of the logarithm: log sum_y exp E_q [log p - log q]. Each
log p(z) - log q(z) of one particle is the negative Kullback-Leibler divergence in closed form where both are
independent normals and what p(z) depends on is not latent.

Every variable has a *level*: whether it differs between the configurations of y and between particles. A family is
computed at the level of its members, and only its term is spread to the others: an encoder that does not read y runs
once for each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import torch

from ....conditionals.base import Conditional
from ....conditionals.neural import Neural
from ..densities.base import Density, Values, Words
from ..densities.joint import density_of
from ..families import HALF_LOG_2_PI, normal_terms
from .configurations import Configurations


class Level(NamedTuple):
    """What values differ by besides the row."""

    configurations: bool = False
    particles: bool = False

    def joined(self, other: Level) -> Level:
        """Of what depends on both."""
        return Level(self.configurations or other.configurations, self.particles or other.particles)


class Latent(NamedTuple):
    """What the network and its guide say of a latent variable."""

    prior: Density
    guide: Density
    may_be_closed: bool  # their divergence, where the prior is normal, too


class Batch(NamedTuple):
    """Rows: the values of what is observed, and the configurations of what is hidden in some of them."""

    n: int
    values: Values
    configurations: Configurations | None


class Noise(NamedTuple):
    """Which random words a batch owns: those of rows ``start``, ... of a key."""

    key: int
    start: int = 0
    first: int = 0  # word of a row


class Term(NamedTuple):
    """One of the numbers that bounds are sums of, in all rows of a level."""

    name: str
    is_divergence: bool  # of guide and prior, or a part of it: it is subtracted
    level: Level
    values: torch.Tensor


class Bound:
    """The bound of a network with some variables latent (``guides``, in the guides' topological order) and some
    discrete ones ``hidden``; only ``members``, in topological order, have terms in it."""

    def __init__(
        self,
        conditionals: Mapping[str, Conditional],
        members: Sequence[str],
        guides: Mapping[str, Conditional],
        hidden: Mapping[str, int],
        n_particles: int,
    ) -> None:
        """``hidden`` are variables and their numbers of states."""
        self.n_particles = n_particles
        self._sizes = {name: own.variable.size for name, own in conditionals.items()}
        self._parents = {name: conditionals[name].parents for name in members}
        self._guide_parents = {name: own.parents for name, own in guides.items()}
        densities = {name: _density(conditionals, name) for name in members}
        self._terms = {name: own for name, own in densities.items() if name not in guides}
        self._latents = {}
        for name, own in guides.items():
            guide = _density({**conditionals, name: own}, name)
            closed = n_particles == 1 and not any(parent in guides for parent in self._parents[name])
            self._latents[name] = Latent(densities[name], guide, closed)
        self._levels = {name: Level(configurations=name in hidden) for name in conditionals}
        for name, parents in self._guide_parents.items():
            own_level = Level(particles=n_particles > 1)
            for parent in parents:
                own_level = own_level.joined(self._levels[parent])
            self._levels[name] = own_level
        self._n_configurations = prod(hidden.values())
        self._top = Level(bool(hidden), bool(guides) and n_particles > 1)

    @property
    def copies(self) -> int:
        """How often a row is there, in every configuration and particle, at most."""
        return self._n_configurations * (self.n_particles if self._top.particles else 1)

    def __call__(self, batch: Batch, noise: Noise, weight: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        """(n,) bounds, in nats: with the divergence of guide and prior weighted, and as they are."""
        rows = _Rows(batch, self.n_particles, self._levels)
        likelihoods, divergences = _Sums(rows, self._top), _Sums(rows, self._top)
        for term in self._every_term(rows, noise):
            (divergences if term.is_divergence else likelihoods).add(term.level, term.values)
        likelihood, divergence = likelihoods.total(), divergences.total()
        exact = self._collapsed(batch, likelihood - divergence)
        if weight == 1.0:
            return exact, exact
        return self._collapsed(batch, likelihood - weight * divergence), exact.detach()

    def not_finite(self, batch: Batch, noise: Noise) -> str | None:
        """Which term is the first that is not finite in some row, and what it is there."""
        for term in self._every_term(_Rows(batch, self.n_particles, self._levels), noise):
            odd = term.values[~torch.isfinite(term.values)]
            if len(odd):
                what = "divergence of the guide" if term.is_divergence else "log_prob"
                return f"the {what} of {term.name!r} is {float(odd[0])}"
        return None

    def _every_term(self, rows: _Rows, noise: Noise) -> Iterator[Term]:
        """Latent variables are drawn first, in their guides' order: the others' terms read them."""
        first, sampled = 0, list[str]()
        for name, latent in self._latents.items():
            term, is_whole = self._draw(name, latent, rows, Noise(noise.key, noise.start, first))
            yield term
            if not is_whole:
                sampled.append(name)
            first += self._sizes[name]
        for name in sampled:
            level = self._level(name, *self._parents[name])
            values = rows.at(level, name, *self._parents[name])
            yield Term(name, True, level, -_log_p(name, self._latents[name].prior, values))
        for name, density in self._terms.items():
            level = self._level(name, *self._parents[name])
            yield Term(name, False, level, density.terms(rows.at(level, name, *self._parents[name]))[name])

    def _draw(self, name: str, latent: Latent, rows: _Rows, noise: Noise) -> tuple[Term, bool]:
        """Draw a latent variable from its guide; its divergence from the prior and True, or its log q and False."""
        parents, prior_parents = self._guide_parents[name], self._parents[name]
        level = self._level(*parents)
        found = latent.guide.normal(name, rows.at(level, *parents))
        assert found is not None  # guides are of the normal family
        own = self._levels[name]
        mean, log_std = (rows.raised(part, level, own) for part in found)
        words = Words(noise.key, noise.start, len(mean), noise.first)
        drawn = words.normals(self._sizes[name], mean).reshape(mean.shape)
        rows.values[name] = torch.addcmul(mean, torch.exp(log_std), drawn)
        if latent.may_be_closed:
            prior_level = self._level(*prior_parents)
            prior = latent.prior.normal(name, rows.at(prior_level, *prior_parents))
            if prior is not None:
                both = level.joined(prior_level)
                mean, log_std = (rows.raised(part, level, both) for part in found)
                mean_of_prior, log_std_of_prior = (
                    part.to(mean) if part.ndim < mean.ndim else rows.raised(part.to(mean), prior_level, both)
                    for part in prior  # without parents it may be one for all rows
                )
                divergence = _summed(_divergence(mean, log_std, mean_of_prior, log_std_of_prior))
                return Term(name, True, both, divergence), True
        return Term(name, True, own, _summed(-0.5 * drawn * drawn - log_std - HALF_LOG_2_PI)), False

    def _level(self, *names: str) -> Level:
        level = Level()
        for name in names:
            level = level.joined(self._levels[name])
        return level

    def _collapsed(self, batch: Batch, terms: Any) -> torch.Tensor:
        """(n,) of terms of every configuration and particle."""
        if self._top.particles:
            terms = torch.logsumexp(terms.reshape(self.n_particles, -1), dim=0) - torch.log(
                torch.tensor(float(self.n_particles), dtype=terms.dtype)
            ).to(terms.device)
        return terms if batch.configurations is None else batch.configurations.log_sums(terms)


class _Rows:
    """The values of a batch at any level: particle after particle, and in each configuration after configuration."""

    def __init__(self, batch: Batch, n_particles: int, levels: Mapping[str, Level]) -> None:
        self.batch, self._n_particles, self._levels = batch, n_particles, levels
        hidden = {} if batch.configurations is None else batch.configurations.codes
        self.values = {**batch.values, **hidden}

    def at(self, level: Level, *names: str) -> Values:
        """Those of some variables; of none, something that tells the number of rows."""
        if not names:
            return self.batch.values
        return {name: self.raised(self.values[name], self._levels[name], level) for name in names}

    def raised(self, values: torch.Tensor, own: Level, level: Level) -> torch.Tensor:
        """Values of one level at a higher one."""
        if level.configurations and not own.configurations:
            assert self.batch.configurations is not None
            rows = self.batch.configurations.rows
            if own.particles:
                values = values.reshape(self._n_particles, -1, *values.shape[1:])[:, rows].flatten(0, 1)
            else:
                values = values[rows]
        if level.particles and not own.particles:
            values = values.expand(self._n_particles, *values.shape).flatten(0, 1)
        return values


class _Sums:
    """Sums of terms, level by level."""

    def __init__(self, rows: _Rows, top: Level) -> None:
        self._rows, self._top = rows, top
        self._found: dict[Level, torch.Tensor] = {}

    def add(self, level: Level, terms: torch.Tensor) -> None:
        """Terms of one level."""
        self._found[level] = self._found[level] + terms if level in self._found else terms

    def total(self) -> torch.Tensor | float:
        """Of all levels, at the top; 0 of nothing."""
        total: torch.Tensor | float = 0.0
        for level, own in self._found.items():
            total = self._rows.raised(own, level, self._top) + total
        return total


def _density(conditionals: Mapping[str, Conditional], name: str) -> Density:
    """The density of a variable; of what is no module's, parameters take no gradient."""
    own = density_of(conditionals[name])(conditionals, [name])
    return own if isinstance(conditionals[name], Neural) else own.requires_grad_(False)


def _log_p(name: str, density: Density, values: Values) -> torch.Tensor:
    """The log-density of a latent variable, without a matrix where its numbers are independent."""
    parts = density.normal(name, values)
    if parts is None:
        return density.terms(values)[name]
    x = values[name]
    mean, log_std = (part.to(x) for part in parts)
    return _summed(normal_terms((mean, log_std), x))


def _divergence(
    mean: torch.Tensor, log_std: torch.Tensor, prior_mean: torch.Tensor, prior_log_std: torch.Tensor
) -> torch.Tensor:
    """Of two normals, cell by cell: log(s_p / s_q) + (s_q^2 + (m_q - m_p)^2) / (2 s_p^2) - 1/2."""
    difference = (mean - prior_mean) * torch.exp(-prior_log_std)
    ratio = log_std - prior_log_std
    return 0.5 * (torch.exp(2.0 * ratio) + difference * difference - 1.0) - ratio


def _summed(terms: torch.Tensor) -> torch.Tensor:
    """(n,) of terms by cell."""
    return terms.flatten(1).sum(1) if terms.ndim > 1 else terms
