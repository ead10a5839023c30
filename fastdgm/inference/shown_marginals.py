"""The marginals of discrete variables, given values of some, that a picture shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence import Known, known_values
from ..data.evidence_block import EvidenceBlock, likelihoods_of, missing_code
from ..data.evidence_rows import given_evidence
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from ..show.marginals import Marginals
from .exact import Exact
from .impossible import refuse_impossible
from .known_row import one_row
from .latent import Inference

Array = npt.NDArray[Any]

SMALLEST, LARGEST = log(1e-300), log(1e300)  # what lies beyond is written as its logarithm


def exact_shown(exact: Exact, given: Mapping[str, object]) -> Marginals:
    """P(x_v = k | given) of all variables, and P(x_v = k), in a network of discrete variables alone.

    Raises as ``given_evidence``; ValueError for evidence of several rows; ImpossibleEvidenceError.
    """
    block = given_evidence(given, exact.schema)
    if block.n != 1:
        raise ValueError(f"a picture shows what one row of evidence says, got {block.n} rows")
    prior = exact.marginals(given_evidence({}, exact.schema))[1]
    log_p, posterior = exact.marginals(block)
    refuse_impossible(exact.log_evidence, block, log_p == -np.inf, "posterior to show")
    likelihoods = block.read(0, 1).likelihoods
    what = "probability" if _is_of_sets(likelihoods) else "likelihood"  # which may be any number
    known = _known_texts(block)
    return Marginals(_by_name(exact, prior), _by_name(exact, posterior), known, _how_likely(what, log_p[0]))


def _by_name(exact: Exact, marginals: Array) -> dict[str, Sequence[float]]:
    first = exact.first_cell
    return {name: marginals[first[v] : first[v + 1], 0].tolist() for v, name in enumerate(exact.schema.names)}


def _known_texts(block: EvidenceBlock) -> dict[str, str]:
    """What is known of each variable as it reads: its state, the states that are allowed, or likelihoods."""
    evidence, states = block.read(0, 1), block.schema.states
    likelihoods = likelihoods_of(evidence, [len(own) for own in states.values()])
    known: dict[str, str] = {}
    for v, (name, own) in enumerate(states.items()):
        code = int(evidence.codes[v, 0])
        if v in likelihoods:
            known[name] = _soft_text(own, likelihoods[v][:, 0])
        elif code != missing_code(evidence.codes.dtype):
            known[name] = own[code]
    return known


def _soft_text(states: Sequence[str], likelihood: Array) -> str:
    if _is_of_sets(likelihood):
        return " or ".join(state for state, own in zip(states, likelihood, strict=True) if own)
    return "likelihood " + " : ".join(f"{own:.3g}" for own in likelihood)


def _is_of_sets(likelihood: Array) -> bool:
    """Whether likelihoods say which states are allowed, and no more."""
    return bool(np.isin(likelihood, (0.0, 1.0)).all())


def mixed_shown(inference: Inference, given: Mapping[str, object]) -> Marginals:
    """The same of the discrete variables of a network with real variables, of those whose sums have a closed form.

    Raises as ``known_values``; ValueError where the density of what is given has no closed form.
    """
    schema = inference.network.schema
    known = known_values(given, schema)
    nothing, rows = (one_row(own, schema) for own in (known_values({}, schema), known))
    log_p = inference.log_prob(rows)[0]
    texts = {name: _known_text(name, known, schema) for name in schema.names if name in known.names}
    _check_possible(log_p, texts)
    prior, posterior = {}, {}
    for name in schema.states:
        if schema.variables[name].event_shape:
            continue
        try:
            prior[name], posterior[name] = (inference.posterior(own, name)[0] for own in (nothing, rows))
        except ValueError:
            prior.pop(name, None)
            continue
        if name in known.codes:
            posterior[name] = np.eye(len(schema.states[name]))[known.codes[name]]
    density = any(name in schema.sizes for name in known.names)
    return Marginals(prior, posterior, texts, _how_likely("density" if density else "probability", log_p))


def _known_text(name: str, known: Known, schema: Schema) -> str:
    if name in known.codes:
        return schema.states[name][known.codes[name]]
    if schema.variables[name].event_shape:
        return "a vector"
    return f"{known.reals[schema.rows[name]]:.6g}"


def _check_possible(log_p: float, known: Mapping[str, str]) -> None:
    if log_p == -np.inf:
        facts = ", ".join(f"{name}={value}" for name, value in known.items())
        raise ImpossibleEvidenceError(f"nothing follows from what the network calls impossible: {facts}")


def _how_likely(what: str, log_p: float) -> str:
    return f"{what} {exp(log_p):.4g}" if SMALLEST < log_p < LARGEST else f"log-{what} {log_p:.1f} nats"
