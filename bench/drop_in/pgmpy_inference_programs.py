"""Programs of pgmpy's users that ask and learn, on ALARM."""

from __future__ import annotations

from typing import Any

import numpy as np
from pairs import Pair, Program
from pgmpy_programs import NEEDS, pair

import fastdgm as fd

ROWS = 10_000
THEIRS = 50  # of which pgmpy predicts so many


def rows(n: int) -> Any:
    """Strings."""
    import pandas as pd

    net = fd.example("alarm")
    drawn = net.sample(n, seed=0)
    return pd.DataFrame({name: pd.Series(drawn.labels(name)) for name in net.names})


def predict() -> Pair:
    """One variable is no column, which pgmpy asks for, and a fifth of all other cells is missing."""
    model = fd.example("alarm").to_pgmpy()
    data = rows(ROWS).drop(columns="LVFAILURE")
    data = data.mask(np.random.default_rng(0).random(data.shape) < 0.2)
    few = data.iloc[:THEIRS]
    return pair(lambda: model.predict(data), lambda: model.predict(few, n_jobs=1), theirs_scale=ROWS / THEIRS)


def predict_probability() -> Pair:
    """Four variables are no columns."""
    model = fd.example("alarm").to_pgmpy()
    data = rows(ROWS).drop(columns=["LVFAILURE", "CATECHOL", "SHUNT", "HYPOVOLEMIA"])
    few = data.iloc[:THEIRS]
    return pair(
        lambda: model.predict_probability(data),
        lambda: model.predict_probability(few),
        theirs_scale=ROWS / THEIRS,
    )


def query() -> Pair:
    """Single causes under single effects."""
    from pgmpy.inference import VariableElimination

    inference = VariableElimination(fd.example("alarm").to_pgmpy())
    known = {"HRBP": "HIGH", "EXPCO2": "LOW", "BP": "LOW"}
    names = ["HYPOVOLEMIA", "LVFAILURE", "INTUBATION", "KINKEDTUBE", "PULMEMBOLUS", "ANAPHYLAXIS"]

    def ask() -> None:
        for name in names:
            inference.query([name], known, show_progress=False)

    return pair(ask)


def map_query() -> Pair:
    """Six causes together under three effects."""
    from pgmpy.inference import VariableElimination

    inference = VariableElimination(fd.example("alarm").to_pgmpy())
    known = {"HRBP": "HIGH", "EXPCO2": "LOW", "BP": "LOW"}
    names = ["HYPOVOLEMIA", "LVFAILURE", "INTUBATION", "KINKEDTUBE", "PULMEMBOLUS", "ANAPHYLAXIS"]
    return pair(lambda: inference.map_query(names, known, show_progress=False))


def fit(as_codes: bool) -> Pair:
    """The tables of the known structure."""
    import logging

    from pgmpy.models import DiscreteBayesianNetwork

    logging.getLogger("pgmpy").setLevel(logging.ERROR)
    data = rows(100_000)
    if as_codes:
        data = data.astype("category").apply(lambda column: column.cat.codes.astype("int64"))
    edges = fd.example("alarm").edges
    return pair(lambda: DiscreteBayesianNetwork(edges).fit(data))


PROGRAMS = [
    Program(
        "pgmpy predict, 10k rows of ALARM, 20% missing",
        NEEDS,
        1000.0,
        predict,
        rounds=5,
        note="one variable is no column, a fifth of the other cells is NaN; pgmpy predicts 50 rows in one process",
    ),
    Program(
        "pgmpy predict_probability, 10k rows of ALARM",
        NEEDS,
        None,
        predict_probability,
        rounds=5,
        note="pgmpy answers 50 rows",
    ),
    Program("pgmpy query, ALARM", NEEDS, None, query),
    Program("pgmpy map_query, ALARM", NEEDS, None, map_query),
    Program(
        "pgmpy fit, 100k rows of ALARM, strings",
        NEEDS,
        None,
        lambda: fit(as_codes=False),
        note="pandas' own encoding of strings, which both do, is most of ours",
    ),
    Program("pgmpy fit, 100k rows of ALARM, integers", NEEDS, None, lambda: fit(as_codes=True)),
]
