"""That fastdgm and its rivals compute the same: without this a comparison of their speeds says nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from evidence_rows import patterns
from peers.base import Peer, Subject
from peers.bernoulli_bayes import TorchBernoulli
from peers.logistic_nodes import TorchLogistic
from peers.numpy_hybrid import NumpyConditional, NumpyGram
from peers.ours import OurEpoch
from peers.ours_neural import OurAutoencoderEpoch
from peers.parts_alone import KernelsAlone, PerceptronAlone
from peers.pyagrum_evidence import PyAgrumEvidence
from peers.sklearn_mixture import SklearnMixture
from peers.torch_autoencoder import AutoencoderAdam
from peers.torch_gradients import NodeLoop
from peers.torch_linear import TorchNodes
from peers.torch_masked import IncrementalLoop, MasksBeforehand, OnePassPerVariable
from peers.torch_nade import StepLoop
from peers.torch_training import Adam
from rows import missing

import fastdgm as fd

CHECKED_ROWS = 32
EVIDENCE_ROWS = 8
NEAR = 1e-5  # how close to a threshold a uniform lies where float32 results may differ

Record = dict[str, Any]


def check(what: str, value: float, limit: float) -> Record:
    """A difference between methods and the largest that is allowed."""
    return {"check": what, "value": float(f"{value:.3g}"), "limit": limit, "passed": bool(value <= limit)}


def relative(own: np.ndarray, theirs: np.ndarray) -> float:
    """The largest |own - theirs| / |theirs|."""
    return float(np.max(np.abs(own - theirs) / np.abs(theirs)))


def checked(subject: Subject) -> tuple[Subject, np.ndarray]:
    """A few rows drawn from given uniforms (n, n_vars), as the subject's rows."""
    uniforms = np.random.default_rng(3).random((CHECKED_ROWS, subject.variables), np.float32)
    return subject._replace(rows=subject.model.sample(CHECKED_ROWS, uniforms=uniforms)), uniforms


def same_samples(x: np.ndarray, other: np.ndarray, uniforms: np.ndarray, thresholds: np.ndarray, name: str) -> Record:
    """Rows may differ only from the first variable whose uniform lies near its threshold.

    ``thresholds`` are those of rows that agree with x up to its first difference from ``other``.
    """
    differ = x != other
    rows = np.flatnonzero(differ.any(axis=1))
    first = differ[rows].argmax(axis=1)
    gaps = np.abs(uniforms[rows, first] - thresholds[rows, first])
    what = f"samples, {len(rows)} rows differ from the {name}: largest |uniform - threshold| where they begin to"
    return check(what, float(gaps.max(initial=0.0)), NEAR)


def same_log_prob(own: np.ndarray, theirs: np.ndarray) -> Record:
    """To 1e-5 relative."""
    return check("log_prob, largest relative difference", relative(own, theirs), 1e-5)


def masked_checks(whole: Subject) -> list[Record]:
    """The same samples from both torch methods, and the same log_prob."""
    import torch

    subject, uniforms = checked(whole)
    naive_peer = OnePassPerVariable(subject, CHECKED_ROWS)
    u = torch.from_numpy(uniforms)
    naive = naive_peer.draw(u, subject.variables)
    loop = IncrementalLoop(subject, CHECKED_ROWS).draw(u.T.contiguous()).numpy().T
    with torch.inference_mode():
        thresholds = torch.sigmoid(naive_peer.logits(naive)).numpy()
    theirs = MasksBeforehand(subject, CHECKED_ROWS).score(baked=True).numpy()
    return [
        same_samples(subject.rows, naive.numpy(), uniforms, thresholds, "one pass per variable"),
        same_samples(subject.rows, loop, uniforms, thresholds, "incremental loop"),
        same_log_prob(subject.model.log_prob(subject.rows), theirs),
    ]


def nade_checks(whole: Subject) -> list[Record]:
    """The same samples and log_prob as the plain loop."""
    import torch

    subject, uniforms = checked(whole)
    peer = StepLoop(subject, CHECKED_ROWS)
    u = torch.from_numpy(uniforms.T.copy())
    other, z = (part.numpy().T for part in peer.run(torch.empty_like(u), u))
    return [
        same_samples(subject.rows, other, uniforms, 1 / (1 + np.exp(-z)), "O(H) loop"),
        same_log_prob(subject.model.log_prob(subject.rows), peer.log_prob().numpy()),
    ]


def zuko_checks(subject: Subject) -> list[Record]:
    """The same x of the same noise, and the same log_prob."""
    import torch

    z = torch.randn(8, subject.variables, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = subject.source.transform().inv(z)
        scores = subject.source().log_prob(subject.rows).numpy()
    gap = float(((subject.model.inverse(z) - theirs).abs() / theirs.abs().clamp(min=1)).max())
    own = subject.model.log_prob(subject.rows).numpy()
    return [check("x of the same noise, largest relative difference", gap, 1e-4), same_log_prob(own, scores)]


def training_checks(subject: Subject) -> list[Record]:
    """Losses in the first epoch are near each other (minibatches differ)."""
    model = fd.from_torch(subject.source.module())
    model.fit(subject.rows, epochs=1, **OurEpoch.settings)
    loss = Adam(subject, len(subject.rows)).epoch()
    what = f"training, loss in the first epoch against torch's {loss:.1f}: relative difference"
    return [check(what, abs(model.history[-1]["train"] / loss - 1), 0.02)]


def rival_log_prob(subject: Subject, peer: type[Peer]) -> list[Record]:
    """Of the first rows, by what the peer is timed at; nothing where its library is missing."""
    if missing(peer.needs):
        return []
    rival = peer(subject, CHECKED_ROWS)
    rival.prepare()
    return [same_log_prob(subject.model.log_prob(rival.rows), np.asarray(peer.operations["log_prob"](rival)))]


def linear_checks(subject: Subject) -> list[Record]:
    """The same log_prob as torch and NumPy, and the same regressions."""
    rival = NumpyGram(subject, min(len(subject.rows), 10_000))
    own = fd.BayesNet(dict(subject.model.conditionals)).fit(rival.rows)
    gaps = [abs(own[name].std / std - 1) for name, (_, _, std) in rival.fit().items()]
    fitted = check("fit, standard deviations against NumPy's: largest relative difference", max(map(float, gaps)), 1e-4)
    return [*rival_log_prob(subject, TorchNodes), *rival_log_prob(subject, NumpyConditional), fitted]


def naive_bayes_checks(subject: Subject) -> list[Record]:
    """The same posterior as torch's, where there is torch."""
    if missing(TorchBernoulli.needs):
        return []
    rival = TorchBernoulli(subject, CHECKED_ROWS)
    gap = np.abs(subject.model.predict_proba(rival.rows, "y") - rival.posterior().numpy()).max()
    return [check("predict_proba, largest difference", float(gap), 1e-5)]


def rivals_checked(*peers: type[Peer]) -> Callable[[Subject], list[Record]]:
    """Checks that these give the same log_prob."""
    return lambda subject: [each for peer in peers for each in rival_log_prob(subject, peer)]


def autoencoder_checks(subject: Subject) -> list[Record]:
    """The same rows in chunks of any size, but for pixels whose uniform lies near its threshold."""
    n = len(subject.rows)
    whole = np.asarray(subject.model.sample(n, seed=2)["x"])
    found = []
    for chunk in (100, 1000, 10_000):
        parts = [np.asarray(part["x"]) for part in subject.model.iter_samples(n, chunk, seed=2)]
        share = float((np.concatenate(parts) != whole).mean())
        found.append(check(f"samples in chunks of {chunk}, share of pixels that differ", share, NEAR))
    return found


def training_autoencoder_checks(subject: Subject) -> list[Record]:
    """Bounds in the first epoch are near each other (minibatches and noise differ)."""
    theirs = AutoencoderAdam(subject, len(subject.rows)).epoch()
    own = OurAutoencoderEpoch(subject, len(subject.rows))
    own.epoch()
    what = f"training, bound in the first epoch against torch's {theirs:.1f}: relative difference"
    return [check(what, abs(own.model.history[-1]["train"] / theirs - 1), 0.02)]


def mixed_checks(subject: Subject) -> list[Record]:
    """The whole is the sum of its parts."""
    perceptron, kernels = (kind(subject, CHECKED_ROWS) for kind in (PerceptronAlone, KernelsAlone))
    parts = perceptron.log_prob().double().numpy() + kernels.others.log_prob(
        {name: subject.rows[name][:CHECKED_ROWS] for name in kernels.others.names}
    )
    return [same_log_prob(subject.model.log_prob(subject.rows[:CHECKED_ROWS]), parts)]


def gradients_checks(subject: Subject) -> list[Record]:
    """The same log_prob as torch's loop, and the same gradients by the data."""
    import torch

    loop = NodeLoop(subject, CHECKED_ROWS)
    x = torch.from_numpy(subject.rows[:CHECKED_ROWS].copy()).requires_grad_()
    own = subject.model.to_torch()(x)
    own.sum().backward()
    loop.columns = x.detach().T.contiguous().requires_grad_()
    theirs = loop.log_prob()
    theirs.sum().backward()
    gap = float((x.grad - loop.columns.grad.T).abs().max() / x.grad.abs().max())
    return [
        same_log_prob(own.detach().double().numpy(), theirs.detach().double().numpy()),
        check("gradients by the data, largest difference over the largest gradient", gap, 1e-4),
    ]


def evidence_checks(subject: Subject) -> list[Record]:
    """pyAgrum's p(e) and marginals, where there is pyAgrum."""
    if missing(PyAgrumEvidence.needs):
        return []
    rival = PyAgrumEvidence(subject, EVIDENCE_ROWS)
    found = []
    for what, rows in patterns(subject.model, subject.rows[:EVIDENCE_ROWS]).items():
        own, theirs = subject.model.log_prob(rows), np.log(rival.log_prob(what))
        gap = float(np.max(np.abs(own - theirs) / np.maximum(1.0, np.abs(theirs))))
        found.append(check(f"log_prob, {what}: largest difference from pyAgrum", gap, 1e-10))
        marginals, others = subject.model.marginals(rows), rival.marginals(what)
        gaps = [np.abs(marginals[name][i] - p).max() for i, row in enumerate(others) for name, p in row.items()]
        found.append(check(f"marginals, {what}: largest difference from pyAgrum", max(map(float, gaps)), 1e-10))
    return found


def memory_checks(subject: Subject) -> list[Record]:
    """What an answer takes beyond itself, in a process of its own, where the system tells."""
    from startup import fresh

    if not Path("/proc/self/clear_refs").exists():
        return []

    peak = fresh("evidence_memory", subject.source)["peak memory"]
    return [check("log_prob and marginals of 20 000 rows: MiB beyond rows and answers", peak, 200.0)]


CHECKS: dict[str, Callable[[Subject], list[Record]]] = {
    "masked network": masked_checks,
    "NADE": nade_checks,
    "zuko": zuko_checks,
    "training": training_checks,
    "linear Gaussian": linear_checks,
    "conditional Gaussian": rivals_checked(NumpyConditional),
    "mixture": rivals_checked(SklearnMixture),
    "logistic": rivals_checked(TorchLogistic),
    "naive Bayes": naive_bayes_checks,
    "autoencoder": autoencoder_checks,
    "training of an autoencoder": training_autoencoder_checks,
    "mixed with a perceptron": mixed_checks,
    "gradients": gradients_checks,
    "evidence": evidence_checks,
    "first answer": memory_checks,
}
