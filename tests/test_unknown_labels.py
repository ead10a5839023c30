"""Labels that are no state: named with row and nearest state, or left out of fit; those that read alike are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import fastdgm as fd
from fastdgm.runtime.text import did_you_mean

STATES = {"rain": ["no", "yes"], "wet": ["dry", "damp", "wet"]}
ROWS = {"rain": ["no", "yes", "maybe", "yes", "no"], "wet": ["dry", "wet", "dry", "soaked", "damp"]}
KEPT = {name: [column[i] for i in (0, 1, 4)] for name, column in ROWS.items()}

KINDS = {
    "mapping": lambda rows: rows,
    "array": lambda rows: np.array(list(zip(*rows.values(), strict=True))),
    "list of rows": lambda rows: [list(row) for row in zip(*rows.values(), strict=True)],
    "pandas": pd.DataFrame,
    "pandas category": lambda rows: pd.DataFrame(rows).astype("category"),
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
    "Arrow": pa.table,
    "Arrow stream": lambda rows: pa.table(rows).to_reader(max_chunksize=2),
    "Arrow dataset": lambda rows: ds.dataset(pa.table(rows)),
    "Arrow dictionaries": lambda rows: pa.table(
        {name: pa.array(own).dictionary_encode() for name, own in rows.items()}
    ),
}


def net():
    return fd.BayesNet.from_edges([("rain", "wet")], states=STATES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_rows_with_unknown_labels_are_left_out_with_one_warning(kind, method):
    expected = net().fit(KEPT)
    told = r"^2 of 5 rows hold a label that is no state and were left out: column 'rain', row 2: 'maybe' is no state"
    with pytest.warns(UserWarning, match=told) as caught:
        learnt = getattr(net(), method)(KINDS[kind](ROWS), unknown="drop")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert all(learnt[name] == expected[name] for name in STATES)


def test_weights_of_such_rows_are_left_out():
    weights = np.array([1.0, 2.0, 100.0, 100.0, 0.5])
    with pytest.warns(UserWarning, match="2 of 5 rows"):
        learnt = net().fit(ROWS, sample_weight=weights, unknown="drop")
    assert learnt["wet"] == net().fit(KEPT, sample_weight=weights[[0, 1, 4]])["wet"]
    with pytest.raises(ValueError, match=r"shape \(5,\), got shape \(3,\)"):
        net().fit(ROWS, sample_weight=weights[:3], unknown="drop")


@pytest.mark.filterwarnings("error")
def test_dropping_changes_nothing_where_all_labels_are_known():
    assert net().fit(KEPT, unknown="drop")["wet"] == net().fit(KEPT)["wet"]
    x = fd.example("asia").sample(100, seed=0)
    fresh = lambda: fd.BayesNet.from_edges(fd.example("asia").edges, x.names)  # noqa: E731
    assert fresh().fit(x, unknown="drop")["dysp"] == fresh().fit(x)["dysp"]


def test_what_is_wrong_otherwise_stays_an_error():
    for data, error in (
        ({"rain": [0, 2], "wet": ["dry", "soaked"]}, "codes of 'rain' run from 0 to 1 .* row 1 is 2"),
        ({"rain": ["no", "yes"], "wet": ["dry", "wet", "wet"]}, "equally long"),
        ({"rain": ["no"], "sun": ["no"]}, "sun"),
    ):
        with pytest.raises((ValueError, KeyError), match=error):
            net().fit(data, unknown="drop")
    with pytest.raises(ValueError, match="unknown must be 'error' or 'drop', got 'skip'"):
        net().fit(KEPT, unknown="skip")
    with pytest.raises(KeyError, match="'maybe' is no state"):
        net().fit(ROWS)


def test_a_later_chunk_may_bring_labels_that_are_left_out():
    learner = fd.BayesNet.from_edges([], ["x"]).partial_fit({"x": ["a", "b"]}, prior=0.0)
    with pytest.warns(UserWarning, match="1 of 3 rows"):
        learner.partial_fit({"x": ["a", "c", "a"]}, prior=0.0, unknown="drop")
    assert learner["x"].table.tolist() == [0.75, 0.25]


def test_no_row_may_be_left():
    with pytest.warns(UserWarning, match="1 of 1 rows"):
        learnt = net().fit({"rain": ["never"], "wet": ["dry"]}, unknown="drop")
    assert learnt["rain"].table.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("n_states", [2, 256, 257])
def test_any_number_of_states(n_states):
    states = [f"s{k}" for k in range(n_states)]
    learner = fd.BayesNet.from_edges([], ["x"], states={"x": states})
    with pytest.warns(UserWarning, match="1 of 3 rows"):
        learner.fit({"x": [states[-1], "none", states[0]]}, prior=0.0, unknown="drop")
    assert learner["x"].table[[0, -1]].tolist() == [0.5, 0.5]


# --- the nearest state -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "nearest"), [("Yes", "yes"), ("yess", "yes"), ("YES", "yes"), ("yes ", "yes"), ("drizzle", None)]
)
def test_the_nearest_state_is_offered(label, nearest):
    told = f"did you mean '{nearest}'" if nearest else r"\['no', 'yes'\]$"
    with pytest.raises(fd.UnknownNameError, match=rf"column 'rain', row 1: {label!r} is no state.*{told}"):
        net().fit({"rain": ["no", label], "wet": ["dry", "wet"]})


def test_long_labels_and_many_states_are_no_long_wait():
    states = tuple(f"{k:05d}" for k in range(60_000))
    learner = fd.BayesNet.from_edges([], ["x"], states={"x": states})
    with pytest.raises(fd.UnknownNameError, match="is no state"):
        learner.fit({"x": ["5" * 100_000]})


# --- labels that read alike --------------------------------------------------------------------------------------


@pytest.mark.parametrize("categories", [[1, "1"], ["1", 1], [1.5, "1.5"]])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "log_prob"])
def test_categories_that_read_alike_are_refused_by_every_verb(categories, method):
    column = pd.Categorical(categories, categories=categories)
    model = fd.BayesNet({"x": fd.Categorical([0.5, 0.5], [str(categories[0]), "2"])})
    with pytest.raises(ValueError, match="state names must be distinct, column 'x' has two categories that read"):
        getattr(model, method)({"x": column})


def test_states_that_read_alike_are_refused():
    for make in (
        lambda: fd.BayesNet.from_edges([], ["x"], states={"x": [1, "1"]}),
        lambda: fd.Categorical([0.5, 0.5], [1, "1"]),
        lambda: fd.independent({"x": [1, "1"]}),
    ):
        with pytest.raises(ValueError, match="state names must be distinct, got '1' twice"):
            make()


def test_names_are_compared_with_a_bounded_number_of_short_ones():
    assert did_you_mean("x-10", [f"x{i}" for i in range(100_000)]) == "; did you mean 'x10'?"
    assert did_you_mean("a" * 61, ["a" * 60]) == ""
    assert did_you_mean("short", ["b" * 10**6, "shirt"]) == "; did you mean 'shirt'?"
