"""``fastdgm info MODEL DATA`` counts missing values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fastdgm as fd
from fastdgm.cli.program import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_rows_of_labels(folder, capsys):
    frame = fd.example("asia").sample(20, seed=0).to_pandas()
    frame.loc[[3, 4], "smoke"] = None
    frame.loc[19, "xray"] = None
    frame.to_csv("rows.csv", index=False)
    frame.drop(columns="asia").to_parquet("other.parquet", index=False)
    assert main(["info", "asia", "rows.csv", "--chunk", "7"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "rows                20",
        "missing values      3 of 160 (1.9 %)",
        "  smoke             2 of 20 (10.0 %)",
        "  xray              1 of 20 (5.0 %)",
    ]
    assert main(["info", "asia", "other.parquet"]) == 0
    assert "  asia              20 of 20 (100.0 %)" in capsys.readouterr().out.splitlines()
    frame.dropna().to_csv("rows.csv", index=False)
    assert main(["info", "asia", "rows.csv"]) == 0
    assert capsys.readouterr().out.splitlines() == ["rows                17", "missing values      none"]


def test_rows_of_reals(folder, capsys):
    net = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})
    fd.write(net, "net.safetensors")
    pd.DataFrame({"z": ["False", None, "True"], "x": [np.nan, 1.5, np.nan]}).to_csv("rows.csv", index=False)
    assert main(["info", "net.safetensors", "rows.csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "missing values      3 of 6 (50.0 %)",
        "  z                 1 of 3 (33.3 %)",
        "  x                 2 of 3 (66.7 %)",
    ]


def test_rows_that_are_none(folder, capsys):
    pd.DataFrame({"smoke": ["yes", "maybe"]}).to_csv("rows.csv", index=False)
    assert main(["info", "asia", "rows.csv"]) == 2
    assert "rows.csv: column 'smoke', row 1: 'maybe' is no state" in capsys.readouterr().err
    fd.write(fd.MarkovChain(order=1).fit([[0, 1, 1, 0]]), "chain.safetensors")
    assert main(["info", "chain.safetensors", "rows.csv"]) == 2
    assert "without rows, describes it" in capsys.readouterr().err
