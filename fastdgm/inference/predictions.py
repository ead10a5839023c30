"""Rows of data -> what inference says of them: how likely they are, and to which class they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import as_network_block, read_once
from ..data.evidence_rows import as_evidence
from ..data.partial import PartialRows, as_partial_rows, holds_reals_alone, without_latent
from ..errors import MissingValuesError, UnknownNameError
from ..runtime.arrays import code_type
from . import importance
from .estimates import Estimates
from .exact import Exact
from .importance import Sampling
from .latent import Inference


def log_prob(inference: Inference, data: Any) -> npt.NDArray[np.float64]:
    """log p of what is observed in every row (n,), nats: complete rows are read where they are, on all threads."""
    found = _log_prob_of_complete(inference, data)
    return inference.log_prob(found) if isinstance(found, PartialRows) else found


def estimated_log_prob(inference: Inference, data: Any, sampling: Sampling) -> Estimates:
    """The same, estimated where it has no closed form; an array may be one of all variables without a guide."""
    schema = inference.network.schema
    data = without_latent(read_once(data, schema.names), schema, sampling.guide)
    found = _log_prob_of_complete(inference, data)
    if isinstance(found, PartialRows):
        return importance.log_prob(inference, found, sampling)
    return Estimates.exact(found)


def _log_prob_of_complete(inference: Inference, data: Any) -> npt.NDArray[np.float64] | PartialRows:
    """That of complete rows; others as they are read, with a note of what is missing."""
    schema = inference.network.schema
    data = read_once(data, schema.names)
    if holds_reals_alone(data, schema):
        return as_partial_rows(data, schema)
    try:
        return inference.program.log_prob(as_network_block(data, schema))
    except (MissingValuesError, UnknownNameError):  # or a name that no variable or state has, which is refused again
        return as_partial_rows(data, schema)


def posterior(inference: Inference, data: Any, name: str) -> npt.NDArray[np.float64]:
    """P(name = k | the other values of the row), (n, k)."""
    return inference.posterior(_rows_for_posterior(inference, data, name), name)


def estimated_posterior(inference: Inference, data: Any, name: str, sampling: Sampling) -> Estimates:
    """The same, estimated where it has no closed form; an array may be one of all variables without a guide."""
    schema = inference.network.schema
    data = without_latent(read_once(data, schema.names), schema, sampling.guide)
    return importance.posterior(inference, _rows_for_posterior(inference, data, name), name, sampling)


def log_evidence(exact: Exact, data: Any) -> npt.NDArray[np.float64]:
    """``log_prob`` in a network of discrete variables alone: complete rows are read where they are."""
    schema = exact.schema
    data = read_once(data, schema.names)
    try:
        return exact.program.log_prob(as_network_block(data, schema))
    except (MissingValuesError, UnknownNameError):
        return exact.log_evidence(as_evidence(data, schema))


def exact_posterior(exact: Exact, inference: Inference, data: Any, name: str) -> npt.NDArray[np.float64]:
    """``posterior`` in a network of discrete variables alone; where all others have values by their loops."""
    rows = as_partial_rows(data, exact.schema)
    if set(rows.missing) <= {exact.schema.rows[name]}:
        return inference.posterior(rows, name)
    found = exact.posterior(as_evidence(data, exact.schema), name)
    if np.isnan(found).any():
        raise ValueError(f"row {int(np.argmax(np.isnan(found[:, 0])))} has no posterior of {name!r}: it is impossible")
    return found


def _rows_for_posterior(inference: Inference, data: Any, name: str) -> PartialRows:
    schema = inference.network.schema
    if name not in schema.states:
        raise ValueError(f"only discrete variables have a posterior by state, {name!r} is real")
    return as_partial_rows(data, schema)


def predicted_codes(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """The most probable state of every row."""
    codes: npt.NDArray[Any] = np.argmax(probabilities, axis=1).astype(code_type(probabilities.shape[1]))
    return codes
