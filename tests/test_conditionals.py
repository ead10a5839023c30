"""A kind of conditional that the library does not know: its class and its engine, in this file alone, are enough."""

from __future__ import annotations

import numpy as np
import pytest
import reference

import fastdgm as fd
from fastdgm.conditionals.base import Conditional
from fastdgm.data.variables import Discrete
from fastdgm.engines.base import Engine
from fastdgm.engines.hybrid import ENGINES


class Geometric(Conditional):
    """P(k | parent) = (1 - p) p**k / (1 - p**n_states) for k below n_states, p by the parent's state."""

    __slots__ = ("_variable", "parents", "ratio")

    def __init__(self, parent, ratio, n_states):
        for name, value in (
            ("parents", (parent,)),
            ("ratio", np.asarray(ratio, np.float64)),
            ("_variable", Discrete(tuple(map(str, range(n_states))))),
        ):
            object.__setattr__(self, name, value)

    @property
    def variable(self):
        return self._variable

    @property
    def n_parameters(self):
        return self.ratio.size

    def bound(self, name, parents):
        if self.ratio.shape != (parents[0].n_states,):
            raise ValueError(f"{name!r} has one ratio for each of {parents[0].n_states} states of its parent")
        return self

    def parameters(self):
        return {"ratio": self.ratio}

    @classmethod
    def from_parameters(cls, name, parents, variable, parameters):
        return cls(parents[0], parameters["ratio"], variable.n_states)

    @property
    def table(self):
        powers = self.ratio[:, None] ** np.arange(self.variable.n_states)
        return powers / powers.sum(axis=1, keepdims=True)


class GeometricEngine(Engine):
    """Plain NumPy: a word of its own for every member, by inverse CDF."""

    def __init__(self, members, first_word=0):
        self.columns, self.parents, self.first_word = list(members.columns), members.parents, first_word
        self.tables = [list(members.conditionals.values())[v].table for v in self.columns]

    @property
    def n_words(self):
        return len(self.columns)

    def sample(self, begin, end, key, start, values):
        codes = values.codes
        for j, v in enumerate(self.columns):
            rows = np.arange(begin, end, dtype=np.uint64) + np.uint64(start)
            words = reference.random_words(key, rows, self.first_word + j, reference.STREAM_SAMPLE)
            uniforms = (words.astype(np.float64) + 0.5) / 2**32
            cumulative = self.tables[j].cumsum(axis=1)[codes[self.parents[v][0], begin:end]]
            codes[v, begin:end] = (cumulative < uniforms[:, None]).sum(axis=1)

    def log_prob(self, begin, end, part, out):
        terms = np.empty((len(part.codes), end))
        self.log_prob_per_variable(begin, end, part, terms)
        out[begin:end] = terms[self.columns, begin:end].sum(axis=0)
        return -1

    def log_prob_per_variable(self, begin, end, part, out):
        for table, v in zip(self.tables, self.columns, strict=True):
            own, parent = part.codes[v, begin:end], part.codes[self.parents[v][0], begin:end]
            out[v, begin:end] = np.log(table[parent, own])
        return -1

    @property
    def n_bytes(self):
        return sum(table.nbytes for table in self.tables)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Geometric, GeometricEngine)


RAIN = fd.CPT([], [0.5, 0.2, 0.3])
COUNT = Geometric("rain", [0.3, 0.9, 0.6], 5)
BUSY = fd.CPT(["count", "rain"], np.random.default_rng(0).dirichlet([1, 1], (5, 3)))
LAST = Geometric("busy", [0.5, 0.8], 4)
COIN = fd.Bernoulli(0.25)


def mixed():
    """A table below a geometric variable below a table, and a geometric one last: four segments."""
    return fd.BayesNet({"last": LAST, "busy": BUSY, "coin": COIN, "count": COUNT, "rain": RAIN})


def tabulated():
    """The same distribution by tables only."""
    return fd.BayesNet(
        {
            "last": fd.CPT(["busy"], LAST.table),
            "busy": BUSY,
            "coin": COIN,
            "count": fd.CPT(["rain"], COUNT.table),
            "rain": RAIN,
        }
    )


def test_segments_follow_the_order():
    segments = [segment.engine for segment in mixed()._program.segments]
    kinds = [type(segment).__name__ for segment in segments]
    assert kinds == ["TableEngine", "GeometricEngine", "TableEngine", "GeometricEngine"]
    first_words = [segment.plans.first_word for segment in segments[::2]] + [s.first_word for s in segments[1::2]]
    assert first_words == list(np.cumsum([0, *(s.n_words for s in segments[::2]), segments[1].n_words]))


def test_n_parameters():
    assert mixed().n_parameters == 2 + 3 + 15 + 2 + 1


@pytest.mark.parametrize("n", [1, 5000, 300_000])
def test_log_prob_is_that_of_the_tables(n):
    x = tabulated().sample(n, seed=1)
    rows = np.asarray(x, np.int64)
    for data in (x, rows, np.asfortranarray(rows), x.to_pandas()):
        np.testing.assert_allclose(mixed().log_prob(data), tabulated().log_prob(x), rtol=1e-12)
    terms = mixed().log_prob(x, per_variable=True)
    np.testing.assert_allclose(terms, tabulated().log_prob(x, per_variable=True), rtol=1e-12)


def test_rows_do_not_depend_on_chunks_and_follow_the_distribution():
    net, n = mixed(), 20_000
    x = net.sample(n, seed=7)
    parts = list(net.iter_samples(n, chunk=777, seed=7))
    assert (np.concatenate([part.block for part in parts], axis=1) == x.block).all()
    states = [4, 2, 2, 5, 3]
    found = np.bincount(np.ravel_multi_index(tuple(x.block), states), minlength=np.prod(states))
    every = np.indices(states).reshape(5, -1).T
    expected = n * np.exp(tabulated().log_prob(every))
    assert expected.sum() == pytest.approx(n)
    assert ((found - expected) ** 2 / expected).sum() < 240 + 5 * np.sqrt(2 * 240)


def test_codes_out_of_range_are_named():
    rows = np.asarray(tabulated().sample(10, seed=0), np.int64)
    rows[4, 3] = 5
    with pytest.raises(ValueError, match=r"codes of 'count' run from 0 to 4 .*: row 4 is 5"):
        mixed().log_prob(rows)


def test_native_files(tmp_path):
    net = mixed()
    fd.write(net, tmp_path / "net.safetensors")
    again = fd.read(tmp_path / "net.safetensors")
    assert type(again["count"]) is Geometric and again["busy"] == net["busy"]
    assert (again.sample(1000, seed=3).block == net.sample(1000, seed=3).block).all()


@pytest.mark.parametrize("suffix", ["bif", "xmlbif", "uai", "net"])
def test_what_needs_tables_says_so(tmp_path, suffix):
    with pytest.raises(TypeError, match=r"needs tables.*, variable 'last' has a Geometric"):
        fd.write(mixed(), tmp_path / f"net.{suffix}")
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="no estimator learns the Geometric of 'last'"):
        mixed().fit(tabulated().sample(10, seed=0))


def test_a_kind_without_an_engine(monkeypatch):
    monkeypatch.delitem(ENGINES, Geometric)
    with pytest.raises(TypeError, match="no engine draws and scores a Geometric"):
        mixed().sample(1)


def test_an_engine_that_draws_what_is_no_state_gives_no_rows(monkeypatch):
    def careless(self, begin, end, key, start, values):
        values.codes[self.columns, begin:end] = 7

    monkeypatch.setattr(GeometricEngine, "sample", careless)
    with pytest.raises(ValueError, match="GeometricEngine drew code 7 of 'count', which has 5 states"):
        mixed().sample(10, seed=0)


def test_a_subclass_goes_with_its_class(tmp_path):
    class Special(Geometric):
        __slots__ = ()

    net = fd.BayesNet({"rain": RAIN, "count": Special("rain", [0.3, 0.9, 0.6], 5)})
    fd.write(net, tmp_path / "net.safetensors")
    again = fd.read(tmp_path / "net.safetensors")
    assert type(again["count"]) is Geometric
    assert (again.sample(100, seed=3).block == net.sample(100, seed=3).block).all()
