"""Rows of dask collections are scored as those in memory."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("dask.dataframe", reason="dask is not installed")
import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd

import fastdgm as fd
from fastdgm.interop.dask import log_prob, predict_proba


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def net():
    return fd.example("asia")


@pytest.fixture(scope="module")
def frame(net):
    return net.sample(500, seed=0).to_pandas().set_index(pd.RangeIndex(1000, 1500))


def test_frames_are_scored_in_their_partitions(net, frame):
    data = dd.from_pandas(frame, npartitions=7)
    found = log_prob(net, data)
    assert (found.name, found.dtype, found.divisions) == ("log_prob", np.float64, data.divisions)
    computed = found.compute()
    assert computed.index.equals(frame.index)
    assert np.array_equal(computed, net.log_prob(frame))
    assert len(found.partitions[2].compute()) == len(data.partitions[2])


def test_the_scores_join_the_frame(net, frame):
    data = dd.from_pandas(frame.astype(str), npartitions=3)
    both = data.assign(score=log_prob(net, data))
    assert np.array_equal(both[both.score < -3].compute().score, [s for s in net.log_prob(frame) if s < -3])


def test_missing_values_and_columns_are_summed_out(net, frame):
    some = frame.drop(columns="dysp").astype(object)
    some.iloc[::3, 2] = None
    found = log_prob(net, dd.from_pandas(some, npartitions=4), given=["smoke"])
    assert np.array_equal(found.compute(), net.log_prob(some, given=["smoke"]))


def test_partitions_may_be_empty(net, frame):
    data = dd.from_pandas(frame, npartitions=3)
    for query in ("smoke == 'yes'", "smoke == 'never'"):
        own = frame.query(query)
        assert np.array_equal(log_prob(net, data.query(query)).compute(), net.log_prob(own))


def test_arrays_of_unknown_chunks(net):
    codes = np.asarray(net.sample(500, seed=0))
    data = da.from_array(codes, chunks=(170, 3))
    assert log_prob(net, data).chunks == ((170, 170, 160),)
    some = data[data[:, 2] == 1]
    assert np.isnan(some.chunks[0]).all()
    found = log_prob(net, some)
    assert np.array_equal(found.compute(), net.log_prob(codes[codes[:, 2] == 1]))


def test_real_variables_and_autoregressive_models():
    mixture = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})
    frame = mixture.sample(300, seed=1, dtype=np.float64).to_pandas()
    data = dd.from_pandas(frame, npartitions=4)
    assert np.array_equal(log_prob(mixture, data).compute(), mixture.log_prob(frame))
    x = np.random.default_rng(0).integers(0, 2, (100, 6))
    made = fd.MADE(n_vars=6, hidden=(8,), seed=0)
    assert np.array_equal(log_prob(made, da.from_array(x, chunks=(30, 6))).compute(), made.log_prob(x))


def test_posteriors(net, frame):
    expected = net.predict_proba(frame, "lung")
    data = dd.from_pandas(frame.drop(columns="lung"), npartitions=3)
    found = predict_proba(net, data, "lung")
    assert (list(found.columns), found.divisions) == (["yes", "no"], data.divisions)
    computed = found.compute()
    assert np.array_equal(computed, expected)
    assert computed.index.equals(frame.index)
    codes = np.asarray(net.sample(500, seed=0))
    blocks = predict_proba(net, da.from_array(codes, chunks=(170, 3)), "lung")
    assert blocks.chunks == ((170, 170, 160), (2,))
    assert np.array_equal(blocks.compute(), expected)
    with pytest.raises(KeyError, match="no variable 'lungs'"):
        predict_proba(net, data, "lungs")
    parts = dd.from_pandas(pd.DataFrame({"tub": ["yes"], "either": ["no"]}), npartitions=1)
    with pytest.raises(fd.ImpossibleEvidenceError, match=r"^partition 0: .* index 0$"):
        predict_proba(net, parts, "lung").compute()
    assert predict_proba(net, parts, "lung", impossible="nan").compute().isna().all(axis=None)


def test_a_later_fit_changes_no_result(frame):
    net = fd.example("asia")
    before = net.log_prob(frame)
    scores = log_prob(net, dd.from_pandas(frame, npartitions=2))
    net.fit(frame.iloc[:10])
    assert np.array_equal(scores.compute(), before)


def test_a_bad_row_is_named_in_the_terms_of_the_frame(net, frame):
    labels = frame.astype(object)
    labels.iloc[399, 3] = "sometimes"
    scores = log_prob(net, dd.from_pandas(labels, npartitions=5))
    text = r"^partition 3: column 'lung', row 99: 'sometimes' is no state.*; row 99 of partition 3 has the index 1399$"
    with pytest.raises(fd.UnknownNameError, match=text):
        scores.compute()
    codes = np.asarray(net.sample(100, seed=0)).copy()
    codes[70, 0] = 9
    with pytest.raises(ValueError, match=r"^partition 1: codes of 'asia' run from 0 to 1 .*row 20 is 9$"):
        log_prob(net, da.from_array(codes, chunks=(50, 8))).compute()


def test_meta_that_lies(net, frame):
    def renamed(part):
        return part.rename(columns={"smoke": "smokes"})

    data = dd.from_pandas(frame, npartitions=2).map_partitions(renamed, meta=frame.iloc[:0], enforce_metadata=False)
    with pytest.raises(KeyError, match=r"partition [01]: columns are matched by name: the model has no variable"):
        log_prob(net, data).compute()


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ([[0, 1]], TypeError, "reads dask DataFrames and dask Arrays, got builtins.list: net.log_prob"),
        (pd.DataFrame({"asia": ["yes"]}), TypeError, "got pandas"),
        (dd.from_pandas(pd.Series([0, 1], name="asia"), npartitions=1), TypeError, "to_frame"),
        (da.zeros(4, dtype=int), ValueError, "two axes"),
        (da.zeros((4, 3), dtype=int), ValueError, "n_rows, 8"),
        (da.zeros((4, 8), dtype=int)[:, da.ones(8, dtype=bool)], ValueError, "compute_chunk_sizes"),
        (dd.from_pandas(pd.DataFrame({"usia": ["yes"]}), npartitions=1), KeyError, r"no variable \['usia'\]"),
    ],
)
def test_what_is_wrong_at_once(net, data, error, text):
    with pytest.raises(error, match=text):
        log_prob(net, data)


def test_a_network_that_is_not_fitted():
    data = dd.from_pandas(pd.DataFrame({"a": [0], "b": [1]}), npartitions=1)
    with pytest.raises(fd.NotFittedError):
        log_prob(fd.markov_chain(["a", "b"]), data)
    with pytest.raises(TypeError, match="then of data"):
        log_prob(data, data)
