"""The checkpoint of EM in networks of tables: the same numbers as without a break, and other runs refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_em_tables import latent_classes, same, tables

import fastdgm as fd
from fastdgm.errors import FormatError
from fastdgm.learning.search import Search

COLUMNS, _ = latent_classes(200)
OPTIONS = {"seed": 3, "n_restarts": 3, "tolerance": 1e-9, "max_iterations": 12}
pytestmark = pytest.mark.filterwarnings("ignore:EM stopped after max_iterations")


def fresh(n_states=3):
    edges = [("class", name) for name in COLUMNS]
    return fd.BayesNet.from_edges(edges, states={"class": range(n_states), **{name: range(2) for name in COLUMNS}})


def trace(net):
    return [{**record, "seconds": 0.0} for record in net.history]


def interrupted_after(monkeypatch, n_steps):
    real, left = Search.advance, iter(range(n_steps))

    def advance(self):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(self)

    monkeypatch.setattr(Search, "advance", advance)


@pytest.mark.parametrize("n_steps", [0, 1, 7, 12, 13, 25, 30])
def test_a_run_goes_on_with_the_same_numbers(tmp_path, monkeypatch, n_steps):
    whole = fresh().fit(COLUMNS, **OPTIONS)
    path, net = tmp_path / "em", fresh()
    with monkeypatch.context() as patch:
        interrupted_after(patch, n_steps)
        with pytest.raises(KeyboardInterrupt):
            net.fit(COLUMNS, checkpoint=path, **OPTIONS)
    assert not net.is_fitted and path.exists()
    net.fit(COLUMNS, checkpoint=path, **OPTIONS)
    assert same(net, whole) and trace(net) == trace(whole)
    again = fresh().fit(COLUMNS, checkpoint=path, **OPTIONS)  # all is done
    assert same(again, whole) and trace(again) == trace(whole)


def test_more_iterations_go_on_and_the_seed_is_that_of_the_file(tmp_path):
    path = tmp_path / "em"
    fresh().fit(COLUMNS, checkpoint=path, max_iterations=5, tolerance=0.0)
    net = fresh().fit(COLUMNS, checkpoint=path, max_iterations=9, tolerance=0.0)
    assert len(net.history) == 10
    seed = json.loads(_text(path))["settings"]["seed"]
    assert same(net, fresh().fit(COLUMNS, seed=seed, max_iterations=9, tolerance=0.0))


def _text(path):
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header["__metadata__"]["fastdgm checkpoint"]


def test_other_runs_are_refused(tmp_path):
    path = tmp_path / "em"
    fresh().fit(COLUMNS, checkpoint=path, **OPTIONS)
    for change, name in (({"seed": 4}, "seed"), ({"tolerance": 0.1}, "tolerance"), ({"prior": 2.0}, "prior")):
        with pytest.raises(ValueError, match=f"belongs to another run: its .*{name}"):
            fresh().fit(COLUMNS, checkpoint=path, **{**OPTIONS, **change})
    with pytest.raises(ValueError, match="another run: its train is"):
        fresh().fit({**COLUMNS, "x0": 1 - COLUMNS["x0"]}, checkpoint=path, **OPTIONS)
    with pytest.raises(ValueError, match=r"another run: its .*sample_weight"):
        fresh().fit(COLUMNS, checkpoint=path, sample_weight=np.linspace(1, 2, 200), **OPTIONS)
    with pytest.raises(ValueError, match="another run"):
        fresh(2).fit(COLUMNS, checkpoint=path, **OPTIONS)


def test_files_that_are_damaged_or_lie(tmp_path):
    path = tmp_path / "em"
    fresh().fit(COLUMNS, checkpoint=path, **OPTIONS)
    whole = path.read_bytes()
    for damaged in (b"", b"no checkpoint", whole[:-9], whole[:-9] + bytes(9)):
        path.write_bytes(damaged)
        with pytest.raises(FormatError):
            fresh().fit(COLUMNS, checkpoint=path, **OPTIONS)
    with pytest.raises(OSError):
        fresh().fit(COLUMNS, checkpoint=tmp_path / "none" / "em", **OPTIONS)


def test_what_has_no_checkpoint(tmp_path):
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "b": fd.Logistic(["a"], [0.0], 0.0)})
    with pytest.raises(TypeError, match="checkpoint= keeps tables, but 'b'"):
        net.fit({"a": [0, 1, None, 1], "b": [0, 1, 1, None]}, checkpoint=tmp_path / "em")
    with pytest.raises(TypeError, match="variables of other kinds"):
        fd.gaussian_mixture(2, 1).fit(np.arange(10.0)[:, None] ** 2, checkpoint=tmp_path / "em")
    with pytest.raises(TypeError, match="checkpoint= is about the training of modules and EM, and these rows are"):
        fresh().fit({"class": COLUMNS["x0"], **COLUMNS}, checkpoint=tmp_path / "em")
    with pytest.raises(ValueError, match="give one"):
        fresh().fit(COLUMNS, checkpoint=tmp_path / "em", resume=True)
    assert not (tmp_path / "em").exists()


def test_an_error_leaves_the_network_as_it_was(tmp_path, monkeypatch):
    net = fresh().fit(COLUMNS, **OPTIONS)
    before = tables(net)
    interrupted_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        net.fit(COLUMNS, checkpoint=tmp_path / "em", **OPTIONS)
    assert all(own is then for own, then in zip(tables(net), before, strict=True))
