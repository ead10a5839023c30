"""Entropies, divergences and moments of networks that have closed forms. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..bayesnet import BayesNet
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT
from ..data.variables import Discrete, Real
from ..errors import ImpossibleEvidenceError
from .torch_distribution_rows import NetworkRows, Rows

Array = npt.NDArray[np.float64]


def closed_form(rows: Rows, what: str) -> Any:
    """The entropy (a number), or the mean, variance or mode (n_columns,); None where there is no closed form."""
    if not isinstance(rows, NetworkRows) or not isinstance(rows.model, BayesNet):
        return None
    try:
        return FORMS[what](rows)
    except ImpossibleEvidenceError:
        raise
    except ValueError:  # of posteriors that are too large, or not normal
        return None


def closed_divergence(p: Rows, q: Rows) -> float | None:
    """KL(p || q) of rows of networks with the same columns; None where there is no closed form."""
    if not isinstance(p, NetworkRows) or not isinstance(q, NetworkRows):
        return None
    try:
        return divergence(p, q)
    except ImpossibleEvidenceError:
        raise
    except ValueError:
        return None


def _is_tabular(rows: NetworkRows) -> bool:
    return all(isinstance(rows.conditional(name), CPT) for name in rows.net.names)


def _has_reals_alone(rows: NetworkRows) -> bool:
    return not any(rows.n_states)


def normal_of(rows: NetworkRows) -> Any:
    """The mean (n,) and covariance (n, n) of real columns together. ValueError where they are not normal."""
    if rows.given:
        return rows.net.posterior(rows.names, given=rows.given)
    return rows.net.to_multivariate_normal()


# Entropy ----------------------------------------------------------------------------------------------------------


def entropy(rows: NetworkRows) -> float:
    """- E log p(row): of the sum over variables of what each leaves uncertain given its parents.

    Raises ValueError where a term has no closed form.
    """
    if rows.given and _is_tabular(rows):
        return -expected_log(rows, rows)
    if rows.given and not _has_reals_alone(rows):
        raise ValueError("beside reals no sum over families is closed under evidence")
    if rows.given or _has_reals_alone(rows):
        normal = normal_of(rows)
        return 0.5 * _log_det(2 * np.pi * np.e * normal.covariance)
    return sum(_entropy_given_parents(rows, name) for name in rows.names)


def _entropy_given_parents(rows: NetworkRows, name: str) -> float:
    """H(x_v | its parents)."""
    net, own = rows.net, rows.conditional(name)
    if isinstance(net.variables[name], Discrete):
        if any(isinstance(net.variables[parent], Real) for parent in own.parents):
            raise ValueError(f"{name!r} has real parents")
        family = net.posterior([*own.parents, name])
        return float(family.entropy - (net.posterior(own.parents).entropy if own.parents else 0.0))
    if not isinstance(own, LinearGaussian) or own.std is None or not (own.std > 0).all():
        raise ValueError(f"{name!r} has no closed entropy")
    weights = net.posterior(own.discrete_parents).table if own.discrete_parents else np.float64(1.0)
    return float((weights * np.log(own.std)).sum() + 0.5 * np.log(2 * np.pi * np.e))


# Divergence -------------------------------------------------------------------------------------------------------


def divergence(p: NetworkRows, q: NetworkRows) -> float:
    """KL(p || q) = E_p[log p - log q] of networks of tables, or of normal vectors, over the same columns.

    Raises ValueError where it has no closed form.
    """
    if _has_reals_alone(p) and _has_reals_alone(q):
        return normal_divergence(normal_of(p), normal_of(q))
    if not (_is_tabular(p) and _is_tabular(q)):
        raise ValueError("no networks of tables, and no normal vectors")
    of_p = expected_log(p, p)
    of_q = expected_log(p, q)
    return float(np.inf) if of_q == -np.inf else max(0.0, of_p - of_q)


def expected_log(p: NetworkRows, q: NetworkRows) -> float:
    """E_p[log q(row)], by p's posterior of each of q's families; -inf where q calls impossible what p does not."""
    total = -q.log_p_given
    for name in q.net.names:
        own = q.conditional(name)
        axes = (*own.parents, name)
        known: Mapping[str, int] = q.codes_given
        with np.errstate(divide="ignore"):
            log_q = np.log(own.parameters()["table"][tuple(known.get(axis, slice(None)) for axis in axes)])
        free = [axis for axis in axes if axis not in known]
        weights = p.net.posterior(free, given=p.given or None).table if free else np.float64(1.0)
        total += float(np.where(weights > 0, weights * np.where(weights > 0, log_q, 0.0), 0.0).sum())
    return total


def normal_divergence(p: Any, q: Any) -> float:
    """KL of normal vectors: (tr(S_q^-1 S_p) + (m_q - m_p)' S_q^-1 (m_q - m_p) - n + log det S_q - log det S_p) / 2."""
    by_q = np.linalg.cholesky(q.covariance)
    of_p = np.linalg.solve(by_q, np.linalg.cholesky(p.covariance))
    shift = np.linalg.solve(by_q, q.mean - p.mean)
    log_dets = _log_det(q.covariance) - _log_det(p.covariance)
    return float(0.5 * ((of_p**2).sum() + shift @ shift - len(shift) + log_dets))


def _log_det(matrix: Array) -> float:
    return float(np.linalg.slogdet(matrix)[1])


# Moments ----------------------------------------------------------------------------------------------------------


def _mean(rows: NetworkRows) -> Array:
    return _moments(rows)[0]


def _variance(rows: NetworkRows) -> Array:
    return _moments(rows)[1]


def _moments(rows: NetworkRows) -> tuple[Array, Array]:
    """Mean and variance of each column: of a normal vector, or of codes."""
    if _has_reals_alone(rows):
        normal = normal_of(rows)
        return normal.mean, np.diagonal(normal.covariance)
    if not rows.is_discrete:
        raise ValueError("codes and real numbers together")
    means, variances = [], []
    for name in rows.names:
        p = rows.net.posterior([name], given=rows.given or None).table
        codes = np.arange(len(p))
        means.append(float(p @ codes))
        variances.append(float(p @ (codes - means[-1]) ** 2))
    return np.array(means), np.array(variances)


def _covariance(rows: NetworkRows) -> Array:
    if not _has_reals_alone(rows):
        raise ValueError("no normal vector")
    own: Array = normal_of(rows).covariance
    return own


def _mode(rows: NetworkRows) -> Array:
    """The mean of a normal vector, the most probable row of codes."""
    if _has_reals_alone(rows):
        own: Array = normal_of(rows).mean
        return own
    if not _is_tabular(rows):
        raise ValueError("no closed form")
    codes = rows.codes_given
    row = np.array([[codes.get(name, -1) for name in rows.net.names]])
    found = np.asarray(rows.net.impute(row, how="mpe"))[0]
    return found[[name in rows.names for name in rows.net.names]].astype(np.float64)


FORMS: Mapping[str, Callable[[NetworkRows], Any]] = {
    "entropy": entropy,
    "mean": _mean,
    "variance": _variance,
    "mode": _mode,
    "covariance": _covariance,
}
