"""The models and sizes that everything in this folder measures, named once."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from evidence_rows import AT_RANDOM, ONE_HIDDEN
from hybrid_networks import conditional_gaussian_net, linear_gaussian_net, logistic_net, mixture, naive_bayes_net
from networks import masked_network, nade
from neural_networks import autoencoder_subject, context_subject, gradients_subject, mixed_subject
from peers.base import Subject, UnsuitableError

import fastdgm as fd

SHARED_DATA = Path(os.environ.get("FASTDGM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


class FewRows(NamedTuple):
    """How many a library is given of a workload that is slow for it."""

    library: str
    operation: str
    rows: int  # of one call; 0: it is left out


class Workload(NamedTuple):
    """A model and a number of rows; libraries that can, are measured with one thread and with ``threads``."""

    name: str
    family: str  # of peers
    model: str  # in tables
    rows: int
    make: Callable[[int], Subject]
    threads: int = 1
    scale: float = 1.0  # the work that is reported, in calls
    needs: tuple[str, ...] = ()  # packages
    few_rows: tuple[FewRows, ...] = ()

    def rows_of(self, library: str, operation: str) -> int:
        """Rows of one call, at most. Raises UnsuitableError where a slow library is given none."""
        n = next((few.rows for few in self.few_rows if few[:2] == (library, operation)), self.rows)
        if not n:
            raise UnsuitableError("too slow for this model, or nothing to compare")
        return n


def table_subject(network: str, n: int) -> Subject:
    """An example network, or one from the optional data folder (``FASTDGM_SHARED_DATA``), and rows drawn from it."""
    if network in fd.example_names():
        net = fd.example(network)
    else:
        file = SHARED_DATA / "bif" / f"{network}.bif.gz"
        if not file.exists():
            raise UnsuitableError(f"optional data file bif/{file.name} is not in {SHARED_DATA}")
        net = fd.read(file)
    return Subject(net, net.sample(n, seed=0), len(net))


def coded_subject(network: str, n: int) -> Subject:
    """The same with the rows as an array of codes, column by column in memory."""
    subject = table_subject(network, n)
    place = network if network in fd.example_names() else str(SHARED_DATA / "bif" / f"{network}.bif.gz")
    return subject._replace(rows=np.asfortranarray(np.asarray(subject.rows)), source=place)


def masked_subject(n_vars: int, hidden: tuple[int, ...], n: int) -> Subject:
    """A MADE, or without hidden layers an FVSBN."""
    network = masked_network(n_vars, hidden)
    model = fd.from_torch(network.module())
    return Subject(model, model.sample(n, seed=1), n_vars, network)


def nade_subject(bias: float, n: int) -> Subject:
    """784-500."""
    model = nade(bias)
    return Subject(model, model.sample(n, seed=1), 784)


def zuko_subject(n_vars: int, width: int, n: int) -> Subject:
    """One affine transform, ReLU, zuko's own random weights."""
    import torch
    import zuko

    torch.manual_seed(0)
    flow = zuko.flows.MAF(n_vars, transforms=1, hidden_features=(width,))
    model = fd.interop.zuko.accelerate(flow)
    return Subject(model, model.sample(n, seed=0), n_vars, flow)


def nflows_subject(n_vars: int, width: int, n: int) -> Subject:
    """A MADE that multiplies as much as nflows' smallest flow with a non-linear layer: two hidden products."""
    model = fd.MADE(n_vars, (width, width), head="normal", seed=0)
    return Subject(model, model.sample(n, seed=0), n_vars)


def text() -> str:
    """A million characters: Shakespeare's where the optional data is at hand, else random ones."""
    file = SHARED_DATA / "text" / "tinyshakespeare.txt.gz"
    if file.exists():
        return gzip.decompress(file.read_bytes()).decode()[:1_000_000]
    letters = np.random.default_rng(0).geometric(0.08, 1_000_000).clip(max=60) + 39
    return letters.astype(np.uint8).tobytes().decode("ascii")


def codes(characters: str) -> np.ndarray:
    """uint8 numbers of the characters."""
    return np.searchsorted(sorted(set(characters)), list(characters)).astype(np.uint8)


def text_subject(n: int) -> Subject:
    """So many characters as one sequence; a character counts as a row."""
    characters = text()[:n]
    own = codes(characters)
    model = fd.MarkovChain(order=3, n_states=int(own.max()) + 1).fit((own, np.array([0, n])))
    return Subject(model, own, 1, characters)


def text_rows_subject(n: int) -> Subject:
    """Rows of 100 characters."""
    rows = codes(text()).reshape(-1, 100)
    model = fd.MarkovChain(order=3, n_vars=100, n_states=int(rows.max()) + 1).fit(rows)
    return Subject(model, rows, 100)


def strings_subject(n: int) -> Subject:
    """Lines of the text; a string counts as a row."""
    characters = text()
    lines = [line for line in characters.split("\n") if line] if "\n" in characters else [characters[:100]] * 100
    return Subject(fd.MarkovChain(order=3).fit(lines), lines, 1)


def linear_subject(n_vars: int, n_edges: int, dtype: type, n: int) -> Subject:
    """All variables real."""
    net = linear_gaussian_net(n_vars, n_edges)
    return Subject(net, net.sample(n, seed=0, dtype=dtype), n_vars)


def mixture_subject(n_components: int, n_vars: int, dtype: type, n: int) -> Subject:
    """Rows as scikit-learn takes them, (n, n_vars)."""
    net = mixture(n_components, n_vars)
    return Subject(net, np.ascontiguousarray(net.sample(n, seed=0, dtype=dtype)["x"]), n_vars)


def conditional_subject(n: int) -> Subject:
    """Variables of both kinds."""
    net = conditional_gaussian_net()
    return Subject(net, net.sample(n, seed=0, dtype=np.float64), len(net))


def logistic_subject(n: int) -> Subject:
    """100 binary variables."""
    net = logistic_net(100, 10)
    return Subject(net, net.sample(n, seed=0), 100)


def bayes_subject(n: int) -> Subject:
    """Two classes and 100 features; only these count as variables."""
    net = naive_bayes_net(2, 100)
    return Subject(net, net.sample(n, seed=0), 100)


def normal_subject(dtype: type, n: int) -> Subject:
    """Uniforms, outer 2^-4 left out, whose quantiles are wanted."""
    return Subject(None, np.random.default_rng(0).uniform(1 / 16, 15 / 16, n).astype(dtype), 1)


def tables(network: str, n: int) -> Workload:
    """A Bayes net."""
    rows = f"{n // 1_000_000}M" if n >= 1_000_000 else f"{n // 1000}k"
    return Workload(f"{network}-{rows}", "tables", network, n, partial(table_subject, network), 2)


def masked(n_vars: int, hidden: tuple[int, ...], n: int, threads: int = 1) -> Workload:
    """A MADE or FVSBN."""
    kind, size = "MADE" if hidden else "FVSBN", "-".join(map(str, (n_vars, *hidden)))
    name = f"{kind.lower()}-{size}-{n}" + "-2t" * (threads > 1)
    make = partial(masked_subject, n_vars, hidden)
    return Workload(name, "masked network", f"{kind} {size}", n, make, threads, needs=("torch",))


def nades(kind: str, ones: str, bias: float, n: int, threads: int = 1) -> Workload:
    """A NADE; it is faster where fewer variables are 1."""
    name = f"nade-784-500-{kind}-{n}" + "-2t" * (threads > 1)
    return Workload(name, "NADE", f"NADE 784-500, {ones} ones", n, partial(nade_subject, bias), threads)


def training(threads: int) -> Workload:
    """An epoch of 50 000 rows, of which 5 000 are timed."""
    make = partial(masked_subject, 784, (500,))
    name = "training-made-784-500" + "-2t" * (threads > 1)
    return Workload(name, "training", "MADE 784-500", 5000, make, threads, 10.0, ("torch",))


def evidence(network: str, rows: Sequence[int], pyagrum: Sequence[int], others: bool = False) -> Workload:
    """Rows with missing values; how many, for each amount that is missing and for one hidden variable."""
    verbs, amounts = ("log_prob", "marginals", "predict_proba"), (*AT_RANDOM, ONE_HIDDEN)
    few = [
        FewRows(library, f"{verb}, {amount}", n)
        for library, own in (("fastdgm", rows), ("multiply-adds", rows), ("pyagrum", pyagrum))
        for amount, n in zip(amounts, own, strict=True)
        for verb in verbs
    ]
    few.append(FewRows("nbn", f"predict_proba, {ONE_HIDDEN}", rows[-1] * others))
    few += [FewRows("pgmpy", f"marginals, {amount}", 5 * others) for amount in AT_RANDOM]
    make = partial(coded_subject, network)
    return Workload(f"{network}-evidence", "evidence", network, max(rows), make, 2, few_rows=tuple(few))


def cases(network: str, n: int, pyagrum: int) -> Workload:
    """The protocol of Faster-BNI has 2000 cases."""
    few = (FewRows("pyagrum", "marginals", pyagrum),)
    return Workload(f"{network}-cases", "cases", network, n, partial(coded_subject, network), 2, few_rows=few)


def first_answer(network: str, cold: bool) -> Workload:
    """One row of a new network."""
    few = (FewRows("fastdgm", "cold first answers", int(cold)),)
    return Workload(f"{network}-first", "first answer", network, 1, partial(coded_subject, network), few_rows=few)


def linear(dtype: type, n: int) -> Workload:
    """A linear-Gaussian net."""
    make, kind = partial(linear_subject, 100, 187, dtype), dtype.__name__
    return Workload(f"linear-100-{kind}", "linear Gaussian", f"linear Gaussian net, 100 variables, {kind}", n, make, 2)


def mixtures(dtype: type, n: int) -> Workload:
    """Eight full covariances."""
    make, kind = partial(mixture_subject, 8, 100, dtype), dtype.__name__
    return Workload(f"mixture-8x100-{kind}", "mixture", f"mixture of 8 full Gaussians, d = 100, {kind}", n, make, 2)


def with_torch(name: str, family: str, model: str, n: int, make: Callable[[int], Subject]) -> Workload:
    """A network with torch modules, on two threads, and on one."""
    return Workload(name, family, model, n, make, 2, needs=("torch",))


GRID = tuple((n_vars, (width,) * depth) for n_vars in (100, 500, 784) for width in (100, 500) for depth in (1, 2))
SUITES: dict[str, tuple[Workload, ...]] = {
    "tables": (
        *(tables(network, n) for network in ("alarm", "hailfinder", "win95pts") for n in (100_000, 1_000_000)),
        tables("pigs", 100_000),
        tables("munin", 100_000),
        Workload("alarm-1M-forms", "forms of data", "alarm", 1_000_000, partial(table_subject, "alarm"), 2),
        Workload("asia-1", "one row", "asia", 1, partial(table_subject, "asia")),
    ),
    "autoregressive": (
        *(masked(n_vars, hidden, n) for n_vars, hidden in GRID for n in (1000, 100, 1)),
        *(masked(784, (500,), n, threads=2) for n in (1000, 100)),
        *(masked(784, (), n) for n in (1000, 100, 1)),
        masked(784, (), 1000, threads=2),
        *(nades(*ones, n) for ones in (("half", "50 %", 0.0), ("few", "15 %", -2.2)) for n in (1000, 100)),
        *(nades(*ones, 1000, threads=2) for ones in (("half", "50 %", 0.0), ("few", "15 %", -2.2))),
        Workload("zuko-784-500", "zuko", "zuko MAF 784-500", 100, partial(zuko_subject, 784, 500), 1, 1.0, ("zuko",)),
        Workload("zuko-100-100", "zuko", "zuko MAF 100-100", 100, partial(zuko_subject, 100, 100), 1, 1.0, ("zuko",)),
        Workload("nflows-784-500-500", "nflows", "nflows MAF 784-500-500", 100, partial(nflows_subject, 784, 500)),
        Workload("nflows-100-100-100", "nflows", "nflows MAF 100-100-100", 100, partial(nflows_subject, 100, 100)),
        training(threads=1),
        training(threads=2),
        Workload("chain-text", "chain over text", "MarkovChain, order 3", 1_000_000, text_subject),
        Workload("chain-rows", "chain over rows", "MarkovChain, order 3", 10_000, text_rows_subject),
        Workload("chain-strings", "chain over strings", "MarkovChain, order 3", 25_000, strings_subject),
    ),
    "hybrid": (
        linear(np.float32, 1_000_000),
        linear(np.float64, 1_000_000),
        Workload("clg-8", "conditional Gaussian", "CLG net, 8 variables", 1_000_000, conditional_subject, 2),
        mixtures(np.float32, 30_000),
        mixtures(np.float64, 30_000),
        Workload("logistic-100", "logistic", "100 logistic variables, 10 parents", 20_000, logistic_subject, 2),
        Workload("naive-bayes-100", "naive Bayes", "naive Bayes, 100 binary features", 1_000_000, bayes_subject, 2),
        *(
            Workload(f"normals-{kind.__name__}", "normals", kind.__name__, 1 << 20, partial(normal_subject, kind))
            for kind in (np.float32, np.float64)
        ),
    ),
    "evidence": (
        evidence("alarm", [50_000] * 5, [400, 250, 100, 60, 400], others=True),
        evidence("child", [50_000] * 5, [800, 400, 200, 100, 800]),
        evidence("hepar2", [20_000] * 5, [200, 100, 40, 15, 200]),
        evidence("win95pts", [20_000] * 5, [120, 60, 40, 25, 120]),
        evidence("hailfinder", [20_000] * 5, [250, 150, 80, 30, 250]),
        evidence("insurance", [20_000, 20_000, 10_000, 5000, 20_000], [300, 150, 100, 60, 300]),
        evidence("pigs", [4000, 2000, 1000, 200, 4000], [20, 10, 5, 3, 20]),
        evidence("barley", [5000, 2000, 200, 10, 5000], [200, 100, 40, 3, 200]),
        evidence("munin1", [5000, 2000, 300, 5, 5000], [80, 40, 10, 3, 80]),
        cases("hailfinder", 2000, 30),
        cases("pigs", 2000, 3),
        cases("munin1", 6, 2),
        Workload("alarm-complete", "complete rows", "alarm", 1_000_000, partial(coded_subject, "alarm"), 2),
        Workload("alarm-given", "conditional sampling", "alarm", 1_000_000, partial(table_subject, "alarm"), 2),
        Workload("alarm-incomplete", "incomplete rows", "alarm", 100_000, partial(coded_subject, "alarm"), 2),
        first_answer("alarm", cold=True),
        first_answer("pigs", cold=False),
    ),
    "neural": (
        with_torch("vae-784", "autoencoder", "VAE 50-200-200-784", 10_000, autoencoder_subject),
        with_torch("training-vae-784", "training of an autoencoder", "VAE 50-200-200-784", 5000, autoencoder_subject),
        with_torch("mixed-101", "mixed with a perceptron", "50 tables, 50 Gaussians, MLP", 100_000, mixed_subject),
        with_torch("gradients-100", "gradients", "linear Gaussian net, 100 variables", 10_000, gradients_subject),
        with_torch("made-context-784", "images of a class", "MADE 784-500 given a label", 1000, context_subject),
    ),
}
