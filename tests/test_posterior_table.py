"""The joint distribution of some variables as an object: cells by state, marginals, mode, entropy, text, pandas."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.data.condition_text import condition_text

TABLE = np.array([[[0.05, 0.1], [0.15, 0.2], [0.0, 0.1]], [[0.02, 0.08], [0.1, 0.05], [0.1, 0.05]]])
STATES = {"a": ["no", "yes"], "b": ["x", "y", "z"], "c": ["False", "True"]}
JOINT = fd.PosteriorTable(STATES, TABLE, "d=1")


def test_cells_by_label_code_and_name():
    assert JOINT["yes", "x", "True"] == JOINT[1, 0, True] == JOINT[1, "x", 1] == TABLE[1, 0, 1]
    assert JOINT[{"c": True, "a": "yes", "b": 0}] == TABLE[1, 0, 1]
    assert JOINT.marginal(["b"])["z"] == pytest.approx(TABLE[:, 2].sum())


def test_marginals_in_any_order():
    np.testing.assert_allclose(JOINT.marginal(["c", "a"]).table, TABLE.sum(axis=1).T)
    turned = JOINT.marginal(["c", "a", "b"])
    assert turned.names == ("c", "a", "b") and turned.states["b"] == ("x", "y", "z") and turned.condition == "d=1"
    np.testing.assert_array_equal(turned, TABLE.transpose(2, 0, 1))


def test_mode_and_entropy():
    assert JOINT.mode == {"a": "no", "b": "y", "c": "True"}
    positive = TABLE[TABLE > 0]
    assert JOINT.entropy == pytest.approx(-(positive * np.log(positive)).sum())
    assert fd.PosteriorTable({"a": ["x", "y"]}, [0.0, 1.0]).entropy == 0.0


def test_an_array_that_nobody_can_change():
    assert np.asarray(JOINT) is JOINT.table
    np.testing.assert_array_equal(np.array(JOINT), TABLE)
    with pytest.raises(ValueError, match="read-only"):
        JOINT.table[0] = 1
    again = pickle.loads(pickle.dumps(JOINT))
    assert again.names == JOINT.names and (again.table == TABLE).all() and repr(again) == repr(JOINT)


def test_text():
    assert repr(JOINT).splitlines() == [
        "P(a, b, c | d=1)",
        "a    b  c=False  c=True",
        "no   x  0.05     0.1",
        "no   y  0.15     0.2",
        "no   z  0        0.1",
        "yes  x  0.02     0.08",
        "yes  y  0.1      0.05",
        "yes  z  0.1      0.05",
    ]
    assert repr(JOINT.marginal(["a"])) == "P(a | d=1)\nno   0.6\nyes  0.4"
    assert repr(fd.PosteriorTable({"a": ["x"]}, [1.0])) == "P(a)\nx  1"


def test_conditions_as_text():
    states = {"a": ["no", "yes"], "b": ["x", "y", "z"]}
    known = {"a": True, "b": np.array([0.1, 0.2, 0.3]), "c": 1.5, "d": [1.0, 2.0]}
    assert condition_text(known, {"b": 2}, states) == "a=True, b by likelihood, c=1.5, d=..., do(b=z)"
    assert condition_text({"b": {"x"}, "a": np.int64(1)}, {}, states) == "b in {x}, a=yes"
    assert condition_text({"b": list(range(9))}, {}, {"b": list("pqrstuvwx")}) == "b in {p, q, r, s, t, u, ...}"
    assert condition_text({f"v{i}": 0 for i in range(9)}, {}, {}).endswith("v5=0, ...")
    assert condition_text({}, {}, states) == ""


def test_large_tables_are_cut():
    states = [f"s{k}" for k in range(40)]
    one = fd.PosteriorTable({"a": states}, np.full(40, 1 / 40))
    two = fd.PosteriorTable({"a": states, "b": states}, np.full((40, 40), 1 / 1600))
    assert repr(one).splitlines()[-1] == "... (28 more rows)" == repr(two).splitlines()[-1]
    assert repr(two).splitlines()[1].split()[-2:] == ["b=s9", "..."]


def test_html_escapes_names():
    shown = fd.PosteriorTable({"<a>": ["&", "b"]}, [0.5, 0.5])._repr_html_()
    assert "&lt;a&gt;" in shown and "&amp;" in shown and "<a>" not in shown


def test_pandas():
    pytest.importorskip("pandas")
    series = JOINT.to_pandas()
    assert series["yes", "x", "True"] == TABLE[1, 0, 1] and series.index.names == ["a", "b", "c"]
    np.testing.assert_array_equal(series.unstack("c").to_numpy(), TABLE.reshape(6, 2))
    assert JOINT.marginal(["a"]).to_pandas().to_dict() == pytest.approx({"no": 0.6, "yes": 0.4})


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ("yes", ValueError, "a state of each of"),
        (("yes", "x"), ValueError, "a state of each of"),
        (("yes", "w", True), KeyError, "'w' is no state of 'b'"),
        ((2, "x", True), ValueError, "codes of 'a' run from 0 to 1, got 2"),
        ({"a": "yes", "b": "x"}, ValueError, r"no state of \['c'\] is given"),
        ({"a": "yes", "b": "x", "e": 0}, KeyError, "no variable 'e'"),
        (slice(None), ValueError, "a state of each of"),
    ],
)
def test_cells_that_are_not_there(key, error, text):
    with pytest.raises(error, match=text):
        JOINT[key]


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [(["e"], KeyError, "no variable 'e'"), ([], ValueError, "at least one"), (["a", "a"], ValueError, "distinct")],
)
def test_marginals_that_make_no_sense(names, error, text):
    with pytest.raises(error, match=text):
        JOINT.marginal(names)


def test_a_table_has_an_axis_for_each_variable():
    with pytest.raises(ValueError, match=r"a table of \['a'\] has shape \(2,\), got \(3,\)"):
        fd.PosteriorTable({"a": ["x", "y"]}, [0.2, 0.3, 0.5])
