"""The measurements of autoregressive.py, in groups that run in a process each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from markov_group import markov
from masked_groups import GRID, MAIN, ROWS, Settings, about, masked_group, masked_model, relative, sample_checks
from tasks import Record, Task, check, measure, ours

import fastdgm as fd

Found = tuple[list[Record], list[Record]]

TRAINING_ROWS, EPOCH_ROWS, BATCH = 5000, 50_000, 100
DENSITIES = {"50 %": 0.0, "15 %": -2.2}  # of ones, roughly, and the bias that gives them


def made_grid(settings: Settings) -> Found:
    """All sizes, one thread."""
    return masked_group((MAIN,) if settings.quick else GRID, ROWS, 1, settings)


def made_two_threads(settings: Settings) -> Found:
    """The main size on two threads, and fastdgm on one beside them."""
    return masked_group((MAIN,), ROWS[:2], 2, settings)


def fvsbn(settings: Settings) -> Found:
    """No hidden layer."""
    return masked_group(((784, ()),), ROWS, 1, settings)


def fvsbn_two_threads(settings: Settings) -> Found:
    """No hidden layer, two threads."""
    return masked_group(((784, ()),), ROWS[:1], 2, settings)


# NADE -----------------------------------------------------------------------------------------------------------------


def nade_model(bias: float) -> Any:
    """784-500, random, its logits around ``bias``."""
    model = fd.NADE(784, 500, seed=0)
    own = {name: array.copy() for name, array in model.parameters.items()}
    for name in "WV":
        own[name] *= 3
        own[name] -= own[name].mean(axis=1 if name == "V" else 0, keepdims=True)
    own["b"][:] = bias
    return fd.NADE.from_parameters(**own)


def nade(settings: Settings) -> Found:
    """One thread."""
    return _nade(settings, 1, (1000,) if settings.quick else (1000, 100))


def nade_two_threads(settings: Settings) -> Found:
    """Two threads."""
    return _nade(settings, 2, (1000,))


def _nade(settings: Settings, threads: int, sizes: tuple[int, ...]) -> Found:
    from peers_ar.torch_nade import TorchNADE

    records: list[Record] = []
    checks: list[Record] = []
    for density, bias in DENSITIES.items():
        model = nade_model(bias)
        peer = TorchNADE(model)
        for rows in sizes:
            x = model.sample(rows, seed=1)
            which = about(model, rows) | {"ones": density}
            which["fraction_of_ones"] = float(f"{x.mean():.3g}")
            records += measure(nade_tasks(model, peer, x, threads, settings), settings.rounds, which)
        checks += nade_checks(model, peer, which)
    return records, checks


def nade_tasks(model: Any, peer: Any, x: np.ndarray, threads: int, settings: Settings) -> list[Task]:
    """fastdgm, and both loops in torch: the second works only where a variable is 1."""
    import torch

    rows, columns = len(x), torch.from_numpy(x.T.astype(np.float32))
    tasks = []
    for own in sorted({1, threads}):
        tasks.append(ours("sample", own, lambda: model.sample(rows, seed=2)))
        tasks.append(ours("log_prob", own, lambda: model.log_prob(x)))
    for method, ones_only in (("step-loop", False), ("step-loop-ones", True)):
        sample: Callable[[], Any] = lambda ones_only=ones_only: peer.sample(rows, ones_only=ones_only)  # noqa: E731
        score: Callable[[], Any] = lambda ones_only=ones_only: peer.log_prob(columns, ones_only)  # noqa: E731
        tasks.append(Task("sample", method, sample, threads, rounds=settings.slow_rounds))
        tasks.append(Task("log_prob", method, score, threads, rounds=settings.slow_rounds))
    return tasks


def nade_checks(model: Any, peer: Any, which: Record) -> list[Record]:
    """The same samples and log_prob as the plain loop."""
    import torch

    uniforms = np.random.default_rng(3).random((32, model.n_vars), np.float32)
    x = model.sample(32, uniforms=uniforms)
    u = torch.from_numpy(uniforms.T.copy())
    other, z = (part.numpy().T for part in peer.run(torch.empty_like(u), u))
    theirs = peer.log_prob(torch.from_numpy(x.T.astype(np.float32))).numpy()
    return [
        *sample_checks(which | {"rows": 32}, x, other, uniforms, 1 / (1 + np.exp(-z)), "O(H) loop"),
        check(which, "log_prob, largest relative difference from torch", relative(model.log_prob(x), theirs), 1e-5),
    ]


# Continuous flows -----------------------------------------------------------------------------------------------------


def flows(settings: Settings) -> Found:
    """zuko's flow against its own weights accelerated; nflows against a MADE that multiplies as much."""
    records: list[Record] = []
    checks: list[Record] = []
    for n_vars, width in ((784, 500),) if settings.quick else ((784, 500), (100, 100)):
        for measure_flow in (zuko_flow, nflows_flow):
            try:
                found, compared = measure_flow(n_vars, width, settings)
            except ImportError as error:
                print(f"  left out: {measure_flow.__name__}, {error}")
                continue
            records += found
            checks += compared
    return records, checks


def zuko_flow(n_vars: int, width: int, settings: Settings, rows: int = 100) -> Found:
    """Sampling and scoring of a flow of zuko's."""
    import torch
    from peers_ar.zuko_maf import ZukoMAF

    from fastdgm.interop.zuko import accelerate

    peer = ZukoMAF(n_vars, (width,))
    fast = accelerate(peer.flow)
    x = fast.sample(rows, seed=0)
    which = {"model": f"zuko MAF {n_vars}-{width}", "n_vars": n_vars, "hidden": [width], "rows": rows}
    tasks = [
        ours("sample", 1, lambda: fast.sample(rows, seed=1), "zuko's weights"),
        ours("log_prob", 1, lambda: fast.log_prob(x), "zuko's weights"),
        Task("sample", "zuko", lambda: peer.sample(rows), rounds=min(2, settings.slow_rounds)),
        Task("log_prob", "zuko", lambda: peer.log_prob(x)),
    ]
    z = torch.randn(8, n_vars, generator=torch.Generator().manual_seed(0))
    theirs = peer.inverse(z)
    gap = (fast.inverse(z) - theirs).abs() / theirs.abs().clamp(min=1)
    own = fast.log_prob(x).numpy()
    compared = [
        check(which, "x of the same noise, largest relative difference from zuko", float(gap.max()), 1e-4),
        check(which, "log_prob, largest relative difference from zuko", relative(own, peer.log_prob(x).numpy()), 1e-5),
    ]
    return measure(tasks, settings.rounds, which), compared


def nflows_flow(n_vars: int, width: int, settings: Settings, rows: int = 100) -> Found:
    """Sampling of nflows' smallest flow with a non-linear layer, which has two hidden products."""
    from peers_ar.nflows_maf import NflowsMAF

    peer = NflowsMAF(n_vars, width)
    model = fd.MADE(n_vars, (width, width), head="normal", seed=0)
    which = {"model": f"nflows MAF {n_vars}-{width}-{width}", "n_vars": n_vars, "hidden": [width] * 2, "rows": rows}
    tasks = [
        ours("sample", 1, lambda: model.sample(rows, seed=1), "MADE of the same size with normal heads"),
        Task("sample", "nflows", lambda: peer.sample(rows), rounds=1),
    ]
    return measure(tasks, settings.rounds, which), []


# Training -------------------------------------------------------------------------------------------------------------


def training(settings: Settings) -> Found:
    """One thread."""
    return _training(settings, 1)


def training_two_threads(settings: Settings) -> Found:
    """Two threads."""
    return _training(settings, 2)


def _training(settings: Settings, threads: int) -> Found:
    import torch
    from peers_ar.torch_training import TorchTraining

    n = 1000 if settings.quick else TRAINING_ROWS
    rows = masked_model(*MAIN).sample(n, seed=1)
    floats = torch.from_numpy(rows.astype(np.float32))
    model, scale = fd.MADE(*MAIN, seed=0), EPOCH_ROWS / n
    peers = {"torch-adam": False, "torch-adam-fused": True}
    trained = {name: TorchTraining(model, floats, BATCH, fused) for name, fused in peers.items()}
    losses = {name: peer.epoch() for name, peer in trained.items()}

    def fit() -> Any:
        return model.fit(rows, epochs=1, batch_size=BATCH, schedule="constant", patience=None, progress=False)

    fit()
    which = about(model, EPOCH_ROWS)
    loss = losses["torch-adam"]
    what = f"training, loss in the first epoch against torch's {loss:.1f}: relative difference (other minibatches)"
    compared = [check(which, what, abs(model.history[-1]["train"] / loss - 1), 0.02)]
    note = f"{n} rows timed, scaled to {EPOCH_ROWS}; batches of {BATCH}"
    tasks = [ours("fit", own, fit, note)._replace(scale=scale) for own in sorted({1, threads})]
    tasks += [Task("fit", name, peer.epoch, threads, scale, note=note) for name, peer in trained.items()]
    return measure(tasks, settings.rounds, which), compared


# First calls ----------------------------------------------------------------------------------------------------------


def first_calls(settings: Settings) -> Found:
    """Seconds of the first log_prob, then sample, then fit of each family in a new process: records of "start-up"."""
    from fresh import ONE_LINE_KERNEL
    from startup import fresh, medians

    os.environ.pop("FASTDGM_NUM_THREADS", None)
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        full = os.path.join(folder, "cache")
        with open(os.path.join(folder, "one_line.py"), "w") as file:
            file.write(ONE_LINE_KERNEL)
        runs = [fresh("one_line_kernel", folder, cache=full)["kernel_s"] for _ in range(1 + settings.slow_rounds)]
        kernel = median(runs[1:])
        records.append({"operation": "one-line cached numba kernel (numba's import included)", "median_s": kernel})
        for family in ("MADE", "NADE", "MarkovChain"):
            with tempfile.TemporaryDirectory() as empty:
                cold = fresh("autoregressive_first_calls", family, cache=empty)
                cached = medians(
                    [fresh("autoregressive_first_calls", family, cache=empty) for _ in range(settings.slow_rounds)]
                )
            cached[next(iter(cached))] -= kernel  # numba's import is in the first
            for state, seconds in (("cold", cold), ("cached", cached)):
                for key, value in seconds.items():
                    operation = f"{state} first {key.removesuffix('_s')}"
                    records.append({"model": family, "operation": operation, "median_s": value})
    return [{"start_up": True, **record, "median_s": float(f"{record['median_s']:.4g}")} for record in records], []


GROUPS: dict[str, tuple[int, Callable[[Settings], Found]]] = {  # name -> threads, what runs
    "made": (1, made_grid),
    "made-2": (2, made_two_threads),
    "fvsbn": (1, fvsbn),
    "fvsbn-2": (2, fvsbn_two_threads),
    "nade": (1, nade),
    "nade-2": (2, nade_two_threads),
    "flows": (1, flows),
    "markov": (1, markov),
    "training": (1, training),
    "training-2": (2, training_two_threads),
    "first-calls": (1, first_calls),
}
