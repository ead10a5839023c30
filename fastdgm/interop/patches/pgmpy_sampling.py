"""pgmpy's samplers of Bayesian networks: ``BayesianModelSampling`` and ``DiscreteBayesianNetwork.simulate``.

Rows are of pgmpy's distribution, and are other rows: a call takes one number from NumPy's global generator, which
``seed`` sets as it does in pgmpy, and draws its rows from that.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pgmpy.models import DiscreteBayesianNetwork
from pgmpy.sampling import BayesianModelSampling

from ...data.samples import Samples
from ...errors import ImpossibleEvidenceError
from .pgmpy_frames import categories, frame
from .pgmpy_models import Twin, twin_of
from .replacement import NotOursError, Replacement, faster


def replacements() -> list[Replacement]:
    """Samplers."""
    return [
        faster(BayesianModelSampling, "forward_sample", forward_sample),
        faster(BayesianModelSampling, "rejection_sample", rejection_sample),
        faster(BayesianModelSampling, "likelihood_weighted_sample", likelihood_weighted_sample),
        faster(DiscreteBayesianNetwork, "simulate", simulate),
    ]


def forward_sample(
    sampler: BayesianModelSampling,
    size: int = 1,
    include_latents: bool = False,
    seed: int | None = None,
    show_progress: bool = True,
    partial_samples: pd.DataFrame | None = None,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Ancestral samples."""
    _check_size(size)
    if partial_samples is not None:
        raise NotOursError("partial_samples")
    twin = twin_of(sampler.model)
    states = _states_of(sampler, twin)
    rows = frame(dict(twin.net.sample(size, seed=_key(seed)).items()), states)
    latents = sampler.model.latents
    if not include_latents and any(latent in rows.columns for latent in latents):
        rows = rows.drop(latents, axis=1)
    return rows


def rejection_sample(
    sampler: BayesianModelSampling,
    evidence: Sequence[tuple[str, Hashable]] = (),
    size: int = 1,
    include_latents: bool = False,
    seed: int | None = None,
    show_progress: bool = True,
    partial_samples: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rows of the posterior, drawn exactly: none is rejected."""
    _check_size(size)
    if partial_samples is not None:
        raise NotOursError("partial_samples")
    if len(evidence) == 0:
        raise NotOursError  # pgmpy calls forward_sample
    twin = twin_of(sampler.model)
    states = _states_of(sampler, twin)
    known = _codes(sampler.model, evidence)
    rows = frame(dict(_given(twin, size, known, {}, seed).items()), states)
    return rows if include_latents else rows.drop(sampler.model.latents, axis=1)


def likelihood_weighted_sample(
    sampler: BayesianModelSampling,
    evidence: Iterable[tuple[str, Hashable]] = (),
    size: int = 1,
    include_latents: bool = False,
    seed: int | None = None,
    show_progress: bool = True,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Ancestral samples of what is not known, each with the probability of what is known given its parents."""
    _check_size(size)
    twin = twin_of(sampler.model)
    states = _states_of(sampler, twin)
    known = _codes(sampler.model, evidence)
    samples = twin.net.sample(size, do=known, seed=_key(seed))
    rows = frame(dict(samples.items()), states)
    rows["_weight"] = _weights(twin, samples, known)
    return rows if include_latents else rows.drop(sampler.model.latents, axis=1)


def simulate(
    model: DiscreteBayesianNetwork,
    n_samples: int = 10,
    do: Mapping[str, Hashable] | None = None,
    evidence: Mapping[str, Hashable] | None = None,
    virtual_evidence: list[Any] | None = None,
    virtual_intervention: list[Any] | None = None,
    missing_prob: Any = None,
    include_latents: bool = False,
    partial_samples: pd.DataFrame | None = None,
    seed: int | None = None,
    show_progress: bool = True,
    return_full: bool = False,
) -> pd.DataFrame:
    """Rows as categories, under interventions and given evidence."""
    _check_size(n_samples)
    options = {
        "virtual_evidence": virtual_evidence,
        "virtual_intervention": virtual_intervention,
        "missing_prob": missing_prob,
        "partial_samples": partial_samples,
    }
    for name, value in options.items():
        if value is not None and not (isinstance(value, list) and not value):
            raise NotOursError(name)
    twin = twin_of(model)
    seen, done = _numbered(twin, evidence), _numbered(twin, do)
    if seen.keys() & done.keys():
        raise NotOursError
    samples = _given(twin, n_samples, seen, done, seed)
    columns = samples.keys() if include_latents else set(samples.keys()) - model.latents
    return categories({name: samples[name] for name in columns}, twin.states)


def _check_size(size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise NotOursError  # pgmpy fails


def _key(seed: Any) -> int:
    """A number of NumPy's global generator, as pgmpy's draws are."""
    if seed is not None:
        np.random.seed(seed)
    return int(np.random.randint(0, 2**64, dtype=np.uint64))


def _states_of(sampler: BayesianModelSampling, twin: Twin) -> dict[str, tuple[Hashable, ...]]:
    """Those that the sampler found in the model when it was made."""
    names = sampler.state_names_map
    for name, states in twin.states.items():
        if list(names.get(name, ())) != list(range(len(states))):
            raise NotOursError("a model that was changed after its sampler was made")
    return {name: tuple(names[name].values()) for name in twin.states}


def _codes(model: DiscreteBayesianNetwork, evidence: Iterable[tuple[str, Hashable]]) -> dict[str, int]:
    """Evidence by variable; pgmpy's own errors for variables and states that there are not."""
    pairs = list(evidence)
    codes = {variable: model.get_cpds(variable).get_state_no(variable, state) for variable, state in pairs}
    if len(codes) < len(pairs):
        raise NotOursError("evidence that names a variable twice")
    return codes


def _numbered(twin: Twin, states: Mapping[str, Hashable] | None) -> dict[str, int]:
    """The codes of states; what there is not, pgmpy refuses."""
    try:
        return {name: twin.states[name].index(state) for name, state in (states or {}).items()}
    except (AttributeError, KeyError, ValueError):
        raise NotOursError from None


def _given(twin: Twin, size: int, seen: dict[str, int], done: dict[str, int], seed: Any) -> Samples:
    """Rows of p(x | seen, do(done)). ImpossibleEvidenceError where pgmpy would wait for a row forever."""
    try:
        return twin.net.sample(size, given=seen or None, do=done or None, seed=_key(seed))
    except ImpossibleEvidenceError:
        raise
    except ValueError as error:  # too large a junction tree
        if not seen:
            raise
        raise NotOursError(f"evidence without an exact posterior: {error}") from None


def _weights(twin: Twin, samples: Samples, known: dict[str, int]) -> npt.NDArray[np.float64]:
    """The product of P(known state | its parents) over the variables that are known, (n,)."""
    weights = np.ones(len(samples))
    for name in twin.net.order:
        if name in known:
            cpt = twin.net[name]
            likelihoods = cpt.table[..., known[name]]
            weights *= likelihoods[tuple(samples[parent] for parent in cpt.parents)]
    return weights
