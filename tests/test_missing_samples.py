"""Samples that have missing values: shown, exported, written to files, and read again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real
from fastdgm.io.rows import read_rows, write_rows

SIZES = {"a": 2, "b": 130, "c": 200, "d": 256, "e": 300}


def samples(*names: str, n: int = 40) -> Samples:
    """Codes of which a fifth are missing, in bytes where that is possible."""
    states = {name: tuple(f"{name}{k}" for k in range(SIZES[name])) for name in names}
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, len(own), n) for own in states.values()])
    missing = rng.random(codes.shape) < 0.2
    codes[:, 0], missing[:, 0] = np.array([len(own) for own in states.values()]) - 1, False
    dtype = np.uint8 if max(map(len, states.values())) < 256 else np.uint16
    return Samples(np.where(missing, np.iinfo(dtype).max, codes).astype(dtype), states)


@pytest.fixture(params=[("a",), ("a", "b"), ("c", "a"), ("a", "d"), ("e", "d", "c", "b", "a")], ids=",".join)
def x(request):
    return samples(*request.param)


def evidence(data, x):
    block = as_evidence(data, x.schema)
    return block.read(0, block.n).codes


def expected(x):
    return [["" if label is None else label for label in x.labels(name)] for name in x.names]


def test_round_trips(x):
    codes = evidence(x, x)
    assert x.n_missing == sum(as_evidence(x, x.schema).missing_counts.values()) > 0
    for form in (x.to_pandas(), x.to_arrow(), pl.DataFrame(x), np.asarray(x), x.to_pandas().astype(object)):
        assert (evidence(form, x) == codes).all()
    assert x.to_pandas().isna().sum().sum() == x.n_missing == sum(pl.DataFrame(x).null_count().row(0))
    assert x.to_arrow().to_pydict() == {name: x.labels(name).tolist() for name in x.names}
    assert (evidence(x[::3], x) == codes[:, ::3]).all()


def test_labels(x):
    for name, column in x.items():
        states = x.states[name]
        want = [states[code] if code < len(states) else None for code in column]
        assert x.labels(name).tolist() == want and None in want


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".npy", ".csv.gz"])
def test_files(x, suffix, tmp_path):
    path = tmp_path / f"rows{suffix}"
    write_rows(path, [x[:7], x[7:]], x.schema)
    found = [evidence(part, x) for part in read_rows(path, x.schema, 16)]
    assert (np.concatenate(found, axis=1) == evidence(x, x)).all()


def test_other_readers_of_csv(tmp_path):
    x = samples("a", "b")
    write_rows(tmp_path / "x.csv", [x], x.schema)
    assert pd.read_csv(tmp_path / "x.csv").isna().sum().sum() == x.n_missing
    assert sum(pl.read_csv(tmp_path / "x.csv").null_count().row(0)) == x.n_missing
    empty = Samples(np.array([[0, 255]], np.uint8), {"v": ("", "w")})
    with pytest.raises(ValueError, match="an empty cell of a CSV file is a missing value"):
        write_rows(tmp_path / "x.csv", [empty], empty.schema)


def test_a_repr_says_how_many():
    x = Samples(np.array([[255, 0], [1, 255]], np.uint8), {"a": ("u", "v"), "b": ("w", "z")})
    assert repr(x).splitlines() == [
        "Samples: 2 rows x 2 variables, uint8 codes, 2 missing",
        "a        b",
        "missing  z",
        "u        missing",
    ]
    assert x._repr_html_().count("missing") == 3
    complete = Samples(np.zeros((1, 3), np.uint8), {"a": ("u", "v")})
    assert complete.n_missing == 0 and "missing" not in repr(complete)


def test_the_largest_byte_of_256_states_is_one():
    x = Samples(np.full((1, 2), 255, np.uint8), {"d": tuple(f"d{k}" for k in range(256))})
    assert x.n_missing == 0 and x.labels("d").tolist() == ["d255", "d255"]
    assert evidence(x, x).tolist() == [[255, 255]]


def test_codes_out_of_range_are_errors_still():
    x = Samples(np.array([[0, 255, 254]], np.uint8), {"a": ("u", "v")})
    for verb in (x.to_pandas, x.to_arrow, lambda: x.labels("a"), lambda: evidence(x, x)):
        with pytest.raises(ValueError, match=r"codes of 'a' run from 0 to 1 .*: row 2 is 254"):
            verb()


def test_beside_reals():
    schema = Schema({"a": Discrete(("u", "v")), "x": Real()})
    values = Values(np.array([[0, 255, 1]], np.uint8), np.array([[0.5, 1.0, np.nan]]))
    x = Samples.of(values, schema)
    np.testing.assert_array_equal(np.asarray(x), [[0, 0.5], [np.nan, 1.0], [1, np.nan]])
    assert x.n_missing == 2
    net = fd.BayesNet({"a": fd.Bernoulli(0.25), "x": fd.Normal.given(["a"], mean=[0, 1], std=[1, 2])})
    x = Samples.of(values, net.sample(1, seed=0).schema)
    want = net.log_prob({"a": [0, None, 1], "x": [0.5, 1.0, np.nan]})
    np.testing.assert_allclose(net.log_prob(x), want, rtol=1e-6)


def test_a_network_reads_them():
    net = fd.example("asia")
    x = net.sample(200, seed=0)
    codes = np.array(x.block)
    codes[np.random.default_rng(0).random(codes.shape) < 0.2] = 255
    part = Samples(codes, net.states)
    np.testing.assert_array_equal(net.log_prob(part), net.log_prob(part.to_pandas()))
    np.testing.assert_array_equal(net.log_prob(part), net.log_prob(np.asarray(part)))
    other = Samples(codes[::-1], dict(reversed(net.states.items())))
    np.testing.assert_array_equal(net.log_prob(part), net.log_prob(other))


def test_the_missing_code_of_255_states_goes_by_name():
    """In a network that has the same variables in another order columns are matched."""
    big = fd.Categorical(np.random.default_rng(0).dirichlet(np.ones(255)))
    net = fd.BayesNet({"big": big, "b": fd.Bernoulli(0.5)})
    x = fd.Samples(np.array([[3, 255], [0, 1]], np.uint8), net.states)
    np.testing.assert_array_equal(fd.BayesNet({"b": fd.Bernoulli(0.5), "big": big}).log_prob(x), net.log_prob(x))
