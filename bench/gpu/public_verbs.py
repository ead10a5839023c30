"""What users call, on the card: shipped networks and random ones, arrays that stay there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from comparison import Comparison, Rival, fastdgm, own_cpu, relative_gap, share_of_other_rows
from numba import cuda
from rates import Rates

import fastdgm as fd

from clock import Contestant  # isort: skip
from evidence_rows import hidden_at_random, partial  # isort: skip
from hybrid_networks import linear_gaussian_net  # isort: skip
from networks import masked_network, nade  # isort: skip

try:
    import torch_rivals
except ImportError:  # then its rows are left out
    torch_rivals = None

SEED = 0
FEW = 1000  # rows that are compared number by number
SHARE = 0.2  # of values is missing
CPU_SHARE = 10  # of the rows of the card are asked of the CPU: one in so many
DEVICE = "cuda"


class Rows(NamedTuple):
    """How many of each."""

    alarm: int
    evidence: int
    made: int
    nade: int
    linear: int
    launch: int
    n_vars: int  # of MADE and NADE
    hidden: int
    n_reals: int

    @property
    def few(self) -> int:
        """That are compared."""
        return min(FEW, self.alarm)


FULL = Rows(100_000_000, 4_000_000, 100_000, 100_000, 10_000_000, 1000, 784, 500, 100)
TINY = Rows(16, 8, 8, 8, 8, 8, 12, 8, 5)

Part = Callable[[Rows, Rates], Iterator[Comparison]]


def alarm_plan_bytes() -> int:
    """Of the alias tables of ALARM, which random reads are measured with."""
    (engine,) = fd.example("alarm")._program.scoring
    return int(engine.plans.sampling.slots.nbytes)


def alarm_sampling(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Ancestral sampling."""
    net, n = fd.example("alarm"), rows.alarm
    (engine,) = net._program.scoring
    n_words = n * len(engine.plans.sampling.slot_bits)  # and as many look-ups
    limits = {
        "writing": n * len(net) / rates.written_bytes,
        "random words": n_words / rates.random_words,
        "table reads": n_words / rates.table_reads,
    }
    few = rows.few

    def others() -> float:
        own = np.asarray(net.sample(few, seed=SEED, device=DEVICE).to("cpu"))
        return share_of_other_rows(own, np.asarray(net.sample(few, seed=SEED)))

    yield Comparison(
        "gpu-alarm", "alarm", "sample", len(net),
        [fastdgm(n, lambda: net.sample(n, seed=SEED, device=DEVICE)), cpu_rows(n, lambda m: net.sample(m, seed=SEED))],
        limits, (("rows that the CPU draws otherwise", others, 0.0),),
    )  # fmt: skip


def cpu_rows(n: int, call: Callable[[int], Any]) -> Rival:
    """The CPU with fewer rows."""
    own = max(1, n // CPU_SHARE)
    return own_cpu(own, lambda: call(own))


def alarm_scoring(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Rows that were drawn on the card."""
    net, n = fd.example("alarm"), rows.alarm
    x, on_cpu = net.sample(n, seed=SEED, device=DEVICE), net.sample(max(rows.few, n // CPU_SHARE), seed=SEED)
    rivals = [
        fastdgm(n, lambda: net.log_prob(x)),
        own_cpu(len(on_cpu), lambda: net.log_prob(on_cpu)),
    ]
    right, few = net.log_prob(on_cpu[: rows.few]), net.sample(rows.few, seed=SEED, device=DEVICE)
    checks = [("the CPU's numbers", lambda: relative_gap(net.log_prob(few).copy_to_host(), right), 1e-12)]
    if torch_rivals:
        gathers = torch_rivals.TableGathers(net, torch_rivals.on_card(net.sample(n, seed=SEED).block))
        rivals.append(Rival("torch-gathers", "torch, a gather per variable", n, Contestant(gathers.log_prob)))
        found = lambda: relative_gap(gathers.log_prob()[: rows.few].cpu().numpy(), right)  # noqa: E731
        checks.append(("torch's numbers", found, 1e-9))
    limits = {"reading": n * len(net) / rates.read_bytes}
    yield Comparison("gpu-alarm", "alarm", "log_prob", len(net), rivals, limits, tuple(checks))


def alarm_evidence(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """log p(e): another pattern in every row."""
    net, n = fd.example("alarm"), rows.evidence
    codes = np.asarray(net.sample(n, seed=SEED))
    x = partial(codes, hidden_at_random(codes.shape, SHARE))
    there, few = cuda.to_device(np.ascontiguousarray(x)), x[: rows.few]
    right, own = net.log_prob(few), cuda.to_device(np.ascontiguousarray(few))
    yield Comparison(
        "gpu-alarm", "alarm", "log_prob, 20 % missing", len(net),
        [fastdgm(n, lambda: net.log_prob(there)), cpu_rows(n, lambda m: net.log_prob(x[:m]))],
        {"reading": n * len(net) / rates.read_bytes},
        (("the CPU's numbers", lambda: relative_gap(net.log_prob(own).copy_to_host(), right), 1e-10),),
    )  # fmt: skip


def made_sampling(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Binary variables, one hidden layer."""
    network, n = masked_network(rows.n_vars, (rows.hidden,)), rows.made
    model = fd.from_torch(network.module()) if torch_rivals else fd.MADE(rows.n_vars, (rows.hidden,), seed=0)
    few = min(FEW, n)

    def others() -> float:
        own = model.sample(few, seed=SEED, device=DEVICE).copy_to_host()
        return share_of_other_rows(own, model.sample(few, seed=SEED))

    rivals = [
        fastdgm(n, lambda: model.sample(n, seed=SEED, device=DEVICE)),
        cpu_rows(n, lambda m: model.sample(m, seed=SEED)),
    ]
    checks = [("rows that the CPU draws otherwise", others, 0.01)]
    if torch_rivals:
        x = model.sample(n, seed=SEED)
        torch_way = torch_rivals.MaskedPasses(network, x)
        scale = rows.n_vars / torch_way.passes()
        rivals += [
            Rival("torch-pass", "torch, one log_prob pass", n, Contestant(torch_way.log_prob)),
            Rival("naive", "torch, one pass per variable", n, Contestant(torch_way.sample_naively, scale=scale)),
        ]
        gap = lambda: relative_gap(torch_way.log_prob()[:few].cpu().numpy(), model.log_prob(x[:few]))  # noqa: E731
        checks.append(("torch's log_prob", gap, 1e-4))
    name = f"MADE {rows.n_vars}-{rows.hidden}"
    yield Comparison("gpu-made-784-500", name, "sample", rows.n_vars, rivals, {}, tuple(checks))


def nade_sampling(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Binary variables."""
    model, n = nade(0.0, rows.n_vars, rows.hidden), rows.nade
    few = min(FEW, n)

    def others() -> float:
        own = model.sample(few, seed=SEED, device=DEVICE).copy_to_host()
        return share_of_other_rows(own, model.sample(few, seed=SEED))

    rivals = [
        fastdgm(n, lambda: model.sample(n, seed=SEED, device=DEVICE)),
        cpu_rows(n, lambda m: model.sample(m, seed=SEED)),
    ]
    checks = [("rows that the CPU draws otherwise", others, 0.01)]
    if torch_rivals:
        x, small = model.sample(few, seed=SEED), torch_rivals.NADESteps(model.parameters, few)
        gap = lambda: relative_gap(small.log_prob(x).cpu().numpy(), model.log_prob(x))  # noqa: E731
        checks.append(("torch's log_prob", gap, 1e-4))
        replay = torch_rivals.NADESteps(model.parameters, n).captured()
        rivals.append(Rival("torch-graph", "torch, steps in a CUDA graph", n, Contestant(replay)))
    name = f"NADE {rows.n_vars}-{rows.hidden}"
    yield Comparison("gpu-nade-784-500", name, "sample", rows.n_vars, rivals, {}, tuple(checks))


def linear_gaussian(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Rows of float32."""
    net, n, kind = linear_gaussian_net(rows.n_reals, min(187, 2 * rows.n_reals)), rows.linear, np.float32
    limits = {"copying": 4 * n * len(net) / rates.copied_bytes}
    name, few = f"linear Gaussian net, {len(net)} variables", min(FEW, n)
    part, right = net.sample(few, seed=SEED, dtype=kind, device=DEVICE), net.sample(few, seed=SEED, dtype=kind)

    def drawn() -> float:
        return relative_gap(np.asarray(part.to("cpu")), np.asarray(right))

    yield Comparison(
        "gpu-linear-100", name, "sample", len(net),
        [
            fastdgm(n, lambda: net.sample(n, seed=SEED, dtype=kind, device=DEVICE)),
            cpu_rows(n, lambda m: net.sample(m, seed=SEED, dtype=kind)),
        ],
        limits, (("the CPU's numbers", drawn, 1e-3),),
    )  # fmt: skip
    x = net.sample(n, seed=SEED, dtype=kind, device=DEVICE)
    on_cpu = net.sample(max(1, n // CPU_SHARE), seed=SEED, dtype=kind)
    yield Comparison(
        "gpu-linear-100", name, "log_prob", len(net),
        [fastdgm(n, lambda: net.log_prob(x)), own_cpu(len(on_cpu), lambda: net.log_prob(on_cpu))],
        limits,
        (("the CPU's numbers", lambda: relative_gap(net.log_prob(part).copy_to_host(), net.log_prob(right)), 1e-3),),
    )  # fmt: skip


def small_calls(rows: Rows, rates: Rates) -> Iterator[Comparison]:
    """Call after call on few rows: what Python and launches cost."""
    net, n = fd.example("alarm"), rows.launch
    x, on_cpu = net.sample(n, seed=SEED, device=DEVICE), net.sample(n, seed=SEED)
    calls = {
        "sample": (lambda: net.sample(n, seed=SEED, device=DEVICE), lambda: net.sample(n, seed=SEED)),
        "log_prob": (lambda: net.log_prob(x), lambda: net.log_prob(on_cpu)),
    }
    for operation, (there, here) in calls.items():
        yield Comparison("gpu-launch", "alarm", operation, len(net), [fastdgm(n, there), own_cpu(n, here)])


PARTS: dict[str, Part] = {
    "ALARM sampling": alarm_sampling,
    "ALARM log_prob": alarm_scoring,
    "ALARM log p(e)": alarm_evidence,
    "MADE sampling": made_sampling,
    "NADE sampling": nade_sampling,
    "linear Gaussians": linear_gaussian,
    "small calls": small_calls,
}
