"""Rows of discrete variables -> what likelihood weighting says of them, with how far that can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.evidence_rows import as_evidence, given_evidence
from ..errors import ImpossibleEvidenceError
from .estimates import Estimates
from .impossible import Impossible
from .joint_tables import check_table
from .sampling_info import SamplingInfo
from .weighted import Shares, WeightedInference, WeightedSampling

Numbers = npt.NDArray[np.float64]


class WeightedAnswer(NamedTuple):
    """An estimated answer."""

    value: Any
    info: SamplingInfo
    doubt: str | None  # what to warn of


def log_prob(inference: WeightedInference, data: Any, sampling: WeightedSampling) -> WeightedAnswer:
    """log p of what is observed in every row (n,)."""
    found = inference.log_evidence(as_evidence(data, inference.schema), sampling)
    return WeightedAnswer(found.value, SamplingInfo(found.std_error, found.n_effective), _doubt(found, sampling))


def posterior(
    inference: WeightedInference, data: Any, name: str, sampling: WeightedSampling, impossible: Impossible
) -> WeightedAnswer:
    """P(name = k | the row's other values) (n, k)."""
    shares = inference.joint(as_evidence(data, inference.schema).without(name), [name], sampling)
    _refuse_unexplained(shares, impossible, f"posterior of {name!r}")
    info = SamplingInfo(shares.std_error.T, shares.log_evidence.n_effective)
    return WeightedAnswer(shares.value.T, info, _doubt(shares.log_evidence, sampling))


def marginals(
    inference: WeightedInference, data: Any, sampling: WeightedSampling, impossible: Impossible
) -> WeightedAnswer:
    """P(x_v = k | e) of every variable, (n, k)."""
    shares = inference.marginals(as_evidence(data, inference.schema), sampling)
    _refuse_unexplained(shares, impossible, "marginals")
    first, names = inference.first_cell, inference.schema.names
    cells = {name: slice(first[v], first[v + 1]) for v, name in enumerate(names)}
    errors = {name: shares.std_error[own].T for name, own in cells.items()}
    info = SamplingInfo(errors, shares.log_evidence.n_effective)
    value = {name: shares.value[own].T for name, own in cells.items()}
    return WeightedAnswer(value, info, _doubt(shares.log_evidence, sampling))


def joint_table(
    inference: WeightedInference, names: Sequence[str], known: Mapping[str, Any], sampling: WeightedSampling
) -> WeightedAnswer:
    """P(names | known), an axis for each name."""
    check_table(names, inference.schema)
    shares = inference.joint(given_evidence(known, inference.schema, 1), names, sampling)
    _refuse_unexplained(shares, "error", f"posterior of {', '.join(map(repr, names))}")
    sizes = [len(inference.schema.states[name]) for name in names]
    info = SamplingInfo(shares.std_error.reshape(sizes), shares.log_evidence.n_effective)
    return WeightedAnswer(shares.value.reshape(sizes), info, _doubt(shares.log_evidence, sampling))


def refuse_unexplained(found: Estimates, what: str) -> None:
    """ImpossibleEvidenceError for the first row that no sample explains: it is impossible, or hard to come upon."""
    unexplained = found.value == -np.inf
    if unexplained.any():
        row = int(np.argmax(unexplained))
        raise ImpossibleEvidenceError(
            f"row {row} has no {what}: all of its samples have weight 0, because the network calls what it holds "
            "impossible, or because it is too rare for so few samples"
        )


def refuse_beside_weighted(options: Mapping[str, Any], defaults: Collection[Any] = (None, False)) -> None:
    """ValueError for options of exact answers, or of other estimates, that were given."""
    for name, value in options.items():
        if value not in defaults:
            raise ValueError(f'{name}= does not go with method="weighted": leave one of them out')


def _refuse_unexplained(shares: Shares, impossible: Impossible, what: str) -> None:
    if impossible == "error":
        refuse_unexplained(shares.log_evidence, what)


def _doubt(found: Estimates, sampling: WeightedSampling) -> str | None:
    return found.doubt(sampling.n_samples, "n_samples")
