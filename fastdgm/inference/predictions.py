"""Rows of data -> what inference says of them: how likely they are, and to which class they belong."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import as_network_block, read_once
from ..data.partial import PartialRows, as_partial_rows, holds_reals_alone, only, without_latent
from ..errors import ImpossibleEvidenceError, MissingValuesError, UnknownNameError
from ..runtime.arrays import code_type
from ..runtime.memory import check_memory
from . import importance
from .estimates import Estimates
from .importance import Sampling
from .impossible import Impossible, difference
from .latent import Inference

Array = npt.NDArray[np.float64]


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


def posterior(inference: Inference, data: Any, name: str, impossible: Impossible) -> npt.NDArray[np.float64]:
    """P(name = k | the other values of the row), (n, k)."""
    rows = as_partial_rows(data, inference.network.schema)
    return inference.posterior(rows, name, impossible)


def estimated_posterior(
    inference: Inference, data: Any, name: str, sampling: Sampling, impossible: Impossible
) -> Estimates:
    """The same, estimated where it has no closed form; an array may be one of all variables without a guide."""
    schema = inference.network.schema
    data = without_latent(read_once(data, schema.names), schema, sampling.guide)
    return importance.posterior(inference, as_partial_rows(data, schema), name, sampling, impossible)


def predicted_codes(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """The most probable state of every row, the missing code of the type where there is none."""
    is_impossible = np.isnan(probabilities[:, 0])
    dtype = code_type(probabilities.shape[1] + bool(is_impossible.any()))
    codes: npt.NDArray[Any] = np.argmax(probabilities, axis=1).astype(dtype)
    codes[is_impossible] = np.iinfo(dtype).max
    return codes


def marginals(inference: Inference, data: Any, impossible: Impossible) -> dict[str, npt.NDArray[np.float64]]:
    """P(x_v = k | what is observed) of every discrete variable that is no vector, (n, k); certain where observed."""
    schema = inference.network.schema
    return marginals_of_rows(inference, as_partial_rows(read_once(data, schema.names), schema), impossible)


def marginals_of_rows(
    inference: Inference, rows: PartialRows, impossible: Impossible
) -> dict[str, npt.NDArray[np.float64]]:
    """The same of rows that are read."""
    schema = rows.schema
    single = {name: len(own) for name, own in schema.states.items() if not schema.variables[name].event_shape}
    check_memory(8 * rows.n * sum(single.values()), f"the marginals of {rows.n} rows x {sum(single.values())} states")
    is_impossible = inference.log_prob(rows) == -np.inf
    if impossible == "error":
        _refuse(is_impossible, "marginals", "what it holds")
    found = {name: _marginal(inference, rows, name) for name in single}
    for own in found.values():
        own[is_impossible] = np.nan
    return found


def _marginal(inference: Inference, rows: PartialRows, name: str) -> npt.NDArray[np.float64]:
    row = rows.schema.rows[name]
    certain = np.eye(len(rows.schema.states[name]))[rows.values.codes[row]]
    if row not in rows.missing:
        return certain
    missing = rows.missing[row]
    found = inference.posterior_of_possible(rows, name)
    return found if missing is None else np.where(missing[:, None], found, certain)


def log_prob_given(inference: Inference, data: Any, names: Collection[str], impossible: Impossible) -> Array:
    """log p(what is observed) - log p(what is observed of some variables) (n,), NaN where the latter is impossible."""
    schema = inference.network.schema
    data = read_once(data, schema.names)
    total = log_prob(inference, data)
    given = inference.log_prob(only(as_partial_rows(data, schema), names))
    if impossible == "error":
        _refuse(given == -np.inf, "log_prob given these names", "their values")
    return difference(total, given)


def _refuse(is_impossible: npt.NDArray[np.bool_], what: str, values: str) -> None:
    if is_impossible.any():
        raise ImpossibleEvidenceError(
            f"row {int(np.argmax(is_impossible))} has no {what}: the network calls {values} impossible, or so far out "
            "that the log-probability leaves the range of float64"
        )
