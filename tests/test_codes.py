"""Arrays of codes: every accepted form gives the same numbers, everything else an error that names the offender."""

from __future__ import annotations

from collections import deque

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from random_nets import codes_of, random_net, random_table

import fastdgm as fd
from fastdgm.data.boundary import as_block
from fastdgm.data.tables import TableReader
from fastdgm.kernels.tiles import TILE
from fastdgm.learning.counts import count_families

NET = random_net(21, 5)
N_ROWS = 600
ROWS = codes_of(NET, N_ROWS)

LAYOUTS = {
    "row-major": np.ascontiguousarray,
    "column-major": np.asfortranarray,
    "every second row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "every second column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "unaligned": lambda a: np.frombuffer(b"-" + a.tobytes(), a.dtype, a.size, 1).reshape(a.shape),
    "masked, nothing missing": lambda a: np.ma.masked_array(a, np.zeros(a.shape, bool)),
}


def net_of(n_states: int) -> fd.BayesNet:
    """Variables of 2 and of so many states."""
    rng = np.random.default_rng(n_states)
    return fd.BayesNet({"a": fd.Bernoulli(0.5), "big": fd.CPT(["a"], random_table(rng, (2, n_states)))})


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"])
def test_every_integer_type_gives_the_same_numbers(dtype):
    same_numbers(ROWS.astype(dtype))
    same_numbers(np.asfortranarray(ROWS.astype(dtype)))


@pytest.mark.parametrize("dtype", ["u1", "i8"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_memory_layout_gives_the_same_numbers(dtype, layout):
    same_numbers(layout(ROWS.astype(dtype)))


@pytest.mark.parametrize(
    "data",
    [
        ROWS.tolist(),
        [tuple(row) for row in ROWS.tolist()],
        list(ROWS),
        ROWS.astype(float),
        ROWS.astype(np.float16),
        ROWS.astype(str),
        ROWS.astype(object),
        dict(zip(NET.names, ROWS.T, strict=True)),
        {name: ROWS[:, v].astype(str).tolist() for v, name in reversed(list(enumerate(NET.names)))},
    ],
    ids=["lists", "tuples", "arrays", "floats", "halves", "labels", "objects", "mapping", "mapping of labels"],
)
def test_other_containers_give_the_same_numbers(data):
    same_numbers(data)


@pytest.mark.parametrize("hold", [deque, memoryview])
def test_other_sequences_give_the_same_numbers(hold):
    same_numbers(hold(ROWS))


def same_numbers(data) -> None:
    expected = NET.log_prob(ROWS)
    assert (NET.log_prob(data) == expected).all()
    assert (NET.log_prob(data, per_variable=True) == NET.log_prob(ROWS, per_variable=True)).all()
    counts = zip(
        count_families(NET.parents, as_block(data, NET.states)),
        count_families(NET.parents, as_block(ROWS, NET.states)),
        strict=True,
    )
    assert all((own == plain).all() for own, plain in counts)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("by_columns", [False, True])
def test_torch_tensors_share_their_memory_and_come_back(dtype, by_columns):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = torch.tensor(ROWS, dtype=getattr(torch, dtype))
    result = NET.log_prob(tensor.T.contiguous().T if by_columns else tensor)
    assert isinstance(result, torch.Tensor)
    assert (result.numpy() == NET.log_prob(ROWS)).all()


def test_input_is_never_written():
    for layout in LAYOUTS.values():
        data = layout(ROWS.astype(np.uint8))
        writable = data.flags.writeable
        NET.log_prob(data)
        assert (data == ROWS).all()
        assert data.flags.writeable == writable


# --- samples --------------------------------------------------------------------------------------------


def test_samples_of_a_network_with_other_columns_are_matched_by_name():
    a_first = fd.BayesNet({"a": fd.Bernoulli(0.1), "b": fd.Bernoulli(0.9)})
    b_first = fd.BayesNet({"b": fd.Bernoulli(0.9), "a": fd.Bernoulli(0.1)})
    x = a_first.sample(100, seed=0)
    assert (b_first.log_prob(x) == a_first.log_prob(x)).all()
    assert (b_first.log_prob(x[3:50:2]) == a_first.log_prob(x)[3:50:2]).all()


def test_samples_of_a_network_with_other_states_are_matched_by_label():
    plain = fd.BayesNet({"a": fd.Categorical([0.2, 0.8], states=["no", "yes"])})
    turned = fd.BayesNet({"a": fd.Categorical([0.8, 0.2], states=["yes", "no"])})
    x = plain.sample(100, seed=0)
    assert (turned.log_prob(x) == plain.log_prob(x)).all()
    with pytest.raises(KeyError, match=r"'no|yes' is no state"):
        fd.BayesNet({"a": fd.Bernoulli(0.5)}).log_prob(x)
    with pytest.raises(KeyError, match=r"no variable \['a'\]"):
        fd.BayesNet({"b": fd.Bernoulli(0.5)}).log_prob(x)


@pytest.mark.parametrize("n_states", [2, 256, 257])
def test_samples_of_any_width_go_by_their_codes(n_states):
    net = net_of(n_states)
    rows = np.array([[0, 0], [1, 1], [1, min(n_states - 1, 255)]])
    for dtype in (np.uint8, np.uint16):
        assert (net.log_prob(fd.Samples(rows.T.astype(dtype), net.states)) == net.log_prob(rows)).all()


@pytest.mark.parametrize(("n_states", "code"), [(2, 2), (2, 256), (256, 256), (257, 257)])
def test_codes_out_of_range_in_samples_are_named(n_states, code):
    net = net_of(n_states)
    x = fd.Samples(np.array([[0, 0], [0, code]], np.uint16), net.states)
    for operation in (net.log_prob, net.fit):
        with pytest.raises(ValueError, match=f"codes of 'big' run from 0 to {n_states - 1} .*: row 1 is {code}$"):
            operation(x)


# --- 255, 256 and 257 states ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_states", [127, 128, 129, 255, 256, 257])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u8", "i1", "i2", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_largest_code_counts_and_the_next_does_not(n_states, dtype, order):
    net = net_of(n_states)
    limit = np.iinfo(dtype).max
    largest = min(n_states - 1, limit)
    codes = np.array([[0, 0], [1, largest]], dtype, order=order)
    assert net.log_prob(codes)[1] == net.log_prob([[1, largest]])[0]
    if n_states == 255 and dtype == "u1":
        second_is_missing(net, np.array([[0, 0], [1, 255]], dtype, order=order))
    elif n_states <= limit:
        with pytest.raises(ValueError, match=f"'big'.* row 1 is {n_states}$"):
            net.log_prob(np.array([[0, 0], [1, n_states]], dtype, order=order))


def second_is_missing(net, rows):
    """Row 1 of rows (0, 0), (1, missing) is summed over: P(a = 1) is left."""
    expected = [net.log_prob([[0, 0]])[0], np.log(0.5)]
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-14)


@pytest.mark.parametrize("n_states", [2, 127, 128, 129, 255, 256, 257])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_minus_one_is_missing_in_every_signed_type(n_states, dtype, order):
    codes = np.array([[0, 0], [1, -1]], dtype, order=order)
    second_is_missing(net_of(n_states), codes)
    codes[1, 1] = -2
    with pytest.raises(ValueError, match=r"codes of 'big' run from .*: row 1 is -2"):
        net_of(n_states).log_prob(codes)


COLUMNS = {
    "mapping": lambda codes: {"big": codes[:, 1], "a": codes[:, 0]},
    "swapped": lambda codes: {"a": codes[:, 0], "big": codes[:, 1].astype(codes.dtype.newbyteorder())},
    "strided": lambda codes: {"a": codes[:, 0], "big": np.repeat(codes[:, 1], 2)[::2]},
    "pandas": lambda codes: pd.DataFrame(codes, columns=["a", "big"]),
    "polars": lambda codes: pl.DataFrame(codes, schema=["a", "big"]),
    "Arrow": lambda codes: pa.table({"a": codes[:, 0], "big": codes[:, 1]}),
    "Arrow chunks": lambda codes: pa.table(
        {"a": codes[:, 0], "big": pa.chunked_array([pa.array(codes[:1, 1]), pa.array(codes[1:, 1])])}
    ),
}


@pytest.mark.parametrize("n_states", [2, 128, 129, 157, 255, 256, 257, 300, 32_769, 65_500])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS.keys())
def test_negative_codes_in_named_columns_are_no_upper_states(n_states, dtype, make):
    net = net_of(n_states)
    learner = fd.BayesNet.from_edges(net.edges, net.names, net.states)
    for value in (-2, -100, -128):
        codes = np.array([[0, 0], [1, value]], dtype)
        for verb in (net.log_prob, learner.fit, learner.partial_fit):
            with pytest.raises(ValueError, match=f"codes of 'big' run from 0 to {n_states - 1} .*: row 1 is {value}$"):
                verb(make(codes))
    codes = np.array([[0, 0], [1, -1]], dtype)
    second_is_missing(net, make(codes))
    with pytest.raises(fd.MissingValuesError, match="column 'big', row 1 is missing"):
        learner.partial_fit(make(codes))
    largest = min(n_states - 1, np.iinfo(dtype).max)
    codes = np.array([[0, 0], [1, largest]], dtype)
    assert net.log_prob(make(codes))[1] == net.log_prob([[1, largest]])[0]


def test_what_has_the_name_of_a_state_is_not_missing_in_a_whole_column():
    names = {"x": fd.Categorical([0.2, 0.3, 0.5], ["-1", "0", "1"]), "y": fd.CPT(["x"], np.full((3, 2), 0.5))}
    net = fd.BayesNet(names)
    for ask in (net.log_prob, net.marginals, net.impute):
        with pytest.raises(ValueError, match="could be codes or"):
            ask({"x": np.array([-1, -1]), "y": [0, 1]})
    masked = np.ma.masked_array([0, 0], [True, True])
    np.testing.assert_allclose(net.log_prob({"x": masked, "y": [0, 1]}), np.log(0.5))


def test_minus_one_is_no_missing_value_where_a_state_is_named_so():
    net = fd.BayesNet({"x": fd.Categorical([0.2, 0.3, 0.5], ["-1", "0", "1"])})
    with pytest.raises(ValueError, match=r"codes of 'x' run from 0 to 2 .*: row 1 is -1$"):
        net.log_prob(np.array([[0], [-1]]))


@pytest.mark.parametrize("order", ["C", "F"])
def test_all_ones_is_missing_in_unsigned_types_unless_it_is_a_state(order):
    codes = np.array([[0, 0], [1, 255]], np.uint8, order=order)
    second_is_missing(net_of(255), codes)
    assert net_of(256).log_prob(codes)[1] == net_of(256).log_prob([[1, 255]])[0]
    assert net_of(257).log_prob(codes)[1] == net_of(257).log_prob([[1, 255]])[0]
    net = net_of(256)  # "a" has two states, whatever the others have
    found = net.log_prob(np.array([[0, 0], [255, 1]], np.uint8, order=order))
    np.testing.assert_allclose(found[1], np.log(net["big"].table[:, 1].mean()), rtol=1e-14)
    wide = np.array([[0, 0], [1, 2**64 - 1]], np.uint64, order=order)
    second_is_missing(net_of(257), wide)


@pytest.mark.parametrize("value", [256, 2**16, 2**32, 2**63 - 1])
@pytest.mark.parametrize("order", ["C", "F"])
def test_narrowing_never_turns_a_large_code_into_a_small_one(value, order):
    for n_states in (2, 256, 257 if value > 256 else 256):
        with pytest.raises(ValueError, match=f"codes of 'big' run from .*: row 1 is {value}$"):
            net_of(n_states).log_prob(np.array([[0, 0], [0, value]], order=order))


# --- out of range, wherever it is -----------------------------------------------------------------------

N_LONG = 3 * TILE + 13


@pytest.mark.parametrize("row", [0, 1, 511, 512, TILE - 1, TILE, 2 * TILE - 1, N_LONG - 13, N_LONG - 1])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_vars", [5, 70])
def test_the_bad_row_is_found(row, dtype, order, n_vars, monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")
    net = fd.BayesNet({f"x{v}": fd.Bernoulli(0.5) for v in range(n_vars)})
    codes = np.zeros((N_LONG, n_vars), dtype, order=order)
    codes[row, 3] = 2
    codes[-1, 4] = 77  # further down, and never the one reported
    rule = rf"codes of 'x3' run from 0 to 1 \(\['False', 'True'\]\): row {row} is 2$"
    for operation in (net.log_prob, lambda data: net.log_prob(data, per_variable=True), net.fit):
        with pytest.raises(ValueError, match=rule):
            operation(codes)


class Changing(TableReader):
    """A reader of data that another thread changes: its first real piece has a bad code, which is then gone."""

    def read(self, begin, end):
        block = super().read(begin, end)
        if end > begin and not vars(self).get("changed"):
            self.changed = True
            block[2, -1] = 200
        return block


@pytest.mark.parametrize("verb", ["log_prob", "per variable", "fit", "partial_fit"])
def test_what_a_kernel_reports_is_always_raised(verb, monkeypatch):
    monkeypatch.setattr("fastdgm.data.blocks.TableReader", Changing)
    learner = fd.BayesNet.from_edges(NET.edges, NET.names, NET.states)
    operations = {
        "log_prob": NET.log_prob,
        "per variable": lambda data: NET.log_prob(data, per_variable=True),
        "fit": learner.fit,
        "partial_fit": learner.partial_fit,
    }
    with pytest.raises(ValueError, match="data must not change while it is read"):
        operations[verb](dict(zip(NET.names, ROWS.T, strict=True)))
    assert not learner.is_fitted


# --- what is no array of codes --------------------------------------------------------------------------


BY_LABEL = fd.BayesNet(
    {"smoker": fd.Categorical([0.9, 0.1], ["True", "False"]), "grade": fd.Categorical([0.2, 0.3, 0.5], ["a", "b", "c"])}
)


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([[True, "b"], [False, "a"]], [[0, 1], [1, 0]]),
        ([[True, 1], [False, 0]], [[0, 1], [1, 0]]),
        ([[0, "b"], [1, "a"]], [[0, 1], [1, 0]]),
        ([[True, "b"], np.array([False, "a"], object)], [[0, 1], [1, 0]]),
        ([[1.0, 1], [0, 0.0]], [[1, 1], [0, 0]]),
    ],
)
def test_every_column_of_a_list_of_rows_means_what_it_does_alone(rows, codes):
    """NumPy alone makes numbers of booleans beside numbers, and text of numbers beside text."""
    np.testing.assert_array_equal(BY_LABEL.log_prob(rows), BY_LABEL.log_prob(codes))
    learner = fd.BayesNet.from_edges([], BY_LABEL.names, BY_LABEL.states)
    np.testing.assert_array_equal(learner.fit(rows)["smoker"].table, learner.fit(codes)["smoker"].table)


@pytest.mark.parametrize("rows", [[[0, 1], [True, 0]], [np.array([True, False]), np.array([0, 1])]])
def test_booleans_never_become_codes_in_a_list_of_rows(rows):
    with pytest.raises(TypeError, match="a mixture of boolean and integer"):
        BY_LABEL.log_prob(rows)


@pytest.mark.parametrize("rows", [list, tuple])
def test_masks_of_listed_rows_count(rows):
    masked = np.ma.masked_array([[0, 1], [1, 0], [0, 0]], [[0, 0], [0, 1], [0, 0]])
    with pytest.raises(fd.MissingValuesError, match=r"'grade'.* row 1"):
        BY_LABEL.log_prob(rows(masked), per_variable=True)
    np.testing.assert_allclose(BY_LABEL.log_prob(rows(masked))[1], np.log(BY_LABEL["smoker"].table[1]), rtol=1e-14)


REFUSED = {
    "a column too few": (ROWS[:, :4], ValueError, r"shape \(n_rows, 5\), .* got shape \(600, 4\)"),
    "columns too many": (np.hstack([ROWS, ROWS]), ValueError, r"got shape \(600, 10\)"),
    "one row": (ROWS[0], ValueError, r"got shape \(5,\)"),
    "three axes": (ROWS[None], ValueError, r"got shape \(1, 600, 5\)"),
    "empty list": ([], ValueError, r"got shape \(0,\)"),
    "None": (None, ValueError, r"got shape \(\)"),
    "number": (7, ValueError, r"got shape \(\)"),
    "string": ("rows", ValueError, r"got shape \(\)"),
    "ragged": ([[0, 1], [1]], ValueError, "rectangular"),
    "fractions": (ROWS + 0.5, ValueError, "whole: column 'x0', row 0 is"),
    "infinite": (np.full(ROWS.shape, np.inf), ValueError, "whole: column 'x0', row 0 is inf"),
    "complex": (ROWS.astype(complex), TypeError, "complex128"),
    "dates": (ROWS.astype("M8[s]"), TypeError, "datetime64.*; numbers made of it"),
    "booleans": (ROWS > 0, KeyError, "booleans match the states False and True"),
    "huge": ([[0, 0, 0, 0, 2**70]], ValueError, "too large"),
    "unknown labels": (np.full(ROWS.shape, "purple"), KeyError, "'purple' is no state"),
    "pandas Series": (pd.Series([0, 1]), TypeError, "one column per variable, got the single column pandas.*Series"),
    "polars Series": (pl.Series([0, 1]), TypeError, "one column per variable, got the single column polars.*Series"),
}


@pytest.mark.parametrize(("data", "error", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(data, error, rule):
    for operation in (NET.log_prob, lambda data: fd.BayesNet(NET.conditionals).fit(data)):
        with pytest.raises(error, match=rule):
            operation(data)


@pytest.mark.parametrize("data", [np.empty((0, 5), np.uint8), np.empty((0, 5)), np.empty((0, 5), np.int64, "F")])
def test_no_rows_at_all(data):
    assert NET.log_prob(data).shape == (0,)
    assert NET.log_prob(data, per_variable=True).shape == (0, 5)
    uniform = fd.BayesNet(NET.conditionals).fit(data)
    assert all((uniform[name].table == 1.0 / len(NET.states[name])).all() for name in NET.names)
    assert NET.sample(0, seed=1).shape == (0, 5)
    assert list(NET.iter_samples(0, seed=1)) == []


def test_a_network_without_tables_does_nothing():
    net = fd.BayesNet.from_edges([("a", "b")])
    for operation in (
        lambda: net.sample(1),
        lambda: net.iter_samples(1),
        lambda: net.log_prob([[0, 0]]),
        lambda: net.log_prob([[0, 0]], per_variable=True),
    ):
        with pytest.raises(fd.NotFittedError, match=r"call fit\(data\) first"):
            operation()
