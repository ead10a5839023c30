"""Rows filled in: jointly, one by one, by exact draws; against every joint state listed."""

from __future__ import annotations

import numpy as np
import pytest
from brute_force import Listed, partial_rows
from hypothesis import given
from hypothesis import strategies as st
from random_nets import nets, random_net

import fastdgm as fd
from fastdgm.engines.junction.engine import JunctionEngine

ASIA = fd.example("asia")
seeds = st.integers(0, 2**31)


@given(nets(max_vars=5), seeds, st.sampled_from([0.3, 0.7]))
def test_the_most_probable_explanation(net, seed, rate):
    rows, listed = partial_rows(net, 10, rate, seed), Listed(net)
    found = net.impute(rows)
    codes = np.asarray(found).astype(np.int64)
    assert ((rows < 0) | (codes == rows)).all()
    best = [listed.most_probable(row) for row in rows]
    np.testing.assert_allclose(net.log_prob(found), best, rtol=1e-11, atol=1e-12)


@given(nets(max_vars=5), seeds)
def test_modes_are_those_of_each_value_alone(net, seed):
    rows, listed = partial_rows(net, 10, 0.5, seed), Listed(net)
    codes = np.asarray(net.impute(rows, how="mode")).astype(np.int64)
    assert ((rows < 0) | (codes == rows)).all()
    for i, v in np.argwhere(rows < 0):
        p = listed.table([net.names[v]], listed.weights(rows[i]))
        assert p[codes[i, v]] >= p.max() - 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_draws_have_the_joint_posterior(seed):
    net, n = random_net(seed + 20, 4), 20_000
    row = partial_rows(net, 1, 0.5, seed)[0]
    row[seed] = -1
    draws = np.asarray(net.impute(row[None], how="sample", n_per_row=n, seed=seed)).astype(np.int64)
    assert draws.shape == (n, 4) and ((row < 0) | (draws == row)).all()
    listed = Listed(net)
    expected = listed.table(list(net.names), listed.weights(row)).ravel()
    sizes = [len(own) for own in net.states.values()]
    counts = np.bincount(np.ravel_multi_index(draws.T, sizes), minlength=len(expected))
    assert counts[expected == 0].sum() == 0
    often = expected * n > 5
    chi_square = ((counts[often] - n * expected[often]) ** 2 / (n * expected[often])).sum()
    assert chi_square < often.sum() + 4 * np.sqrt(2 * often.sum())


def test_draws_are_those_of_sample_and_of_any_split():
    rows = partial_rows(ASIA, 60, 0.5)
    whole = ASIA.impute(rows, how="sample", n_per_row=3, seed=5)
    assert whole.seed == 5 and whole.start == 0 and whole.shape == (180, 8)
    parts = [ASIA.impute(rows[i : i + 20], how="sample", n_per_row=3, seed=5, start=3 * i) for i in (0, 20, 40)]
    np.testing.assert_array_equal(np.concatenate([np.asarray(part) for part in parts]), whole)
    np.testing.assert_array_equal(ASIA.sample(given=rows, n_per_row=3, seed=5), whole)


@pytest.mark.parametrize("soft", [False, True])
def test_many_draws_of_one_row_are_cut_in_pieces(soft, monkeypatch):
    given = {"xray": ["yes", "no"]} | ({"dysp": np.array([[0.2, 0.9], [1.0, 0.3]])} if soft else {})
    whole = np.asarray(ASIA.impute(given, how="sample", n_per_row=1000, seed=5))
    pieces = []
    draw = JunctionEngine.draw

    def counted(self, evidence, key, rows, codes):
        pieces.append(len(rows))
        return draw(self, evidence, key, rows, codes)

    monkeypatch.setattr(JunctionEngine, "draw", counted)
    monkeypatch.setattr("fastdgm.inference.exact.PIECE_CELLS", 1)
    np.testing.assert_array_equal(ASIA.impute(given, how="sample", n_per_row=1000, seed=5), whole)
    assert sum(pieces) == 2000 and max(pieces) <= 256
    second = {name: own[1:] for name, own in given.items()}
    np.testing.assert_array_equal(ASIA.impute(second, how="sample", n_per_row=700, seed=5, start=1300), whole[1300:])


def test_how_makes_a_difference():
    """The most probable configuration is not that of the most probable states."""
    net = fd.BayesNet({"a": fd.Categorical([0.4, 0.6]), "b": fd.CPT(["a"], [[1.0, 0.0, 0.0], [0.34, 0.33, 0.33]])})
    assert np.asarray(net.impute({"a": [None]})).tolist() == [[0, 0]]
    assert np.asarray(net.impute({"a": [None]}, how="mode")).tolist() == [[1, 0]]


def test_complete_rows_stay():
    rows = ASIA.sample(50, seed=0)
    for how in ("mpe", "mode", "sample"):
        np.testing.assert_array_equal(ASIA.impute(rows, how=how, seed=1), rows)
        assert ASIA.impute({"smoke": []}, how=how).shape == (0, 8)


def test_tensors_and_frames():
    rows = partial_rows(ASIA, 20, 0.5)
    expected = np.asarray(ASIA.impute(rows))
    labels = {
        name: [None if code < 0 else ASIA.states[name][code] for code in rows[:, v]]
        for v, name in enumerate(ASIA.names)
    }
    found = ASIA.impute(labels)
    assert isinstance(found, fd.Samples) and (np.asarray(found) == expected).all()
    assert [seen is None or seen == own for seen, own in zip(labels["lung"], found.labels("lung"), strict=True)]
    torch = pytest.importorskip("torch", reason="torch is not installed")
    tensor = ASIA.impute(torch.from_numpy(rows))
    assert torch.is_tensor(tensor) and (tensor.numpy() == expected).all()


IMPOSSIBLE = {"lung": ["yes", "yes"], "either": ["yes", "no"], "smoke": [None, None]}


@pytest.mark.parametrize("how", ["mpe", "mode", "sample"])
def test_impossible_rows(how):
    n = 2 if how == "sample" else 1
    with pytest.raises(fd.ImpossibleEvidenceError, match=r"row 1 has no imputation.*lung=yes and either=no"):
        ASIA.impute(IMPOSSIBLE, how=how, n_per_row=n)
    found = ASIA.impute(IMPOSSIBLE, how=how, n_per_row=n, impossible="nan", seed=0)
    codes = np.asarray(found)
    assert (codes[:n] < 2).all()
    assert (codes[n:, [3, 5]] == [0, 1]).all() and (codes[n:, [0, 1, 2, 4, 6, 7]] == 255).all()
    assert (ASIA.log_prob(codes[:n]) > -np.inf).all()


def test_256_states_leave_room_for_what_is_missing():
    rng = np.random.default_rng(0)
    net = fd.BayesNet(
        {
            "a": fd.Categorical(rng.dirichlet(np.ones(256))),
            "b": fd.CPT(["a"], np.eye(256)),
        }
    )
    found = net.impute({"a": [255, None, 3], "b": [None, 255, 4]}, impossible="nan")
    assert found["a"].dtype == np.uint16 and np.asarray(found).tolist() == [[255, 255], [255, 255], [3, 4]]
    found = net.impute({"a": [255, None], "b": [None, 255]}, how="sample")
    assert found["a"].dtype == np.uint8 and np.asarray(found).tolist() == [[255, 255]] * 2


def mixed() -> fd.BayesNet:
    rng = np.random.default_rng(0)
    return fd.BayesNet(
        {
            "z": fd.Categorical([0.2, 0.5, 0.3]),
            "h": fd.CPT(["z"], rng.dirichlet([1, 1], 3)),
            "x": fd.Normal.given(["h"], mean=[-1, 2], std=[1, 0.5]),
        }
    )


def test_beside_real_values():
    net = mixed()
    data = {"z": [None, 1, None], "h": [None, None, 1], "x": [0.4, 1.0, 2.0]}
    found = net.impute(data, how="mode")
    marginals = net.marginals(data)
    assert found["z"].tolist() == [marginals["z"][0].argmax(), 1, marginals["z"][2].argmax()]
    assert found["h"].tolist() == [marginals["h"][0].argmax(), marginals["h"][1].argmax(), 1]
    assert found["x"].tolist() == pytest.approx(data["x"])
    best = net.impute(data)
    every = [
        net.log_prob({"z": [z], "h": [h], "x": [x]})[0]
        for x, z_known, h_known in zip(data["x"], data["z"], data["h"], strict=True)
        for z, h in np.ndindex(3, 2)
        if z_known in (None, z) and h_known in (None, h)
    ]
    found = net.log_prob(best)
    assert found.tolist() == pytest.approx([max(every[:6]), max(every[6:8]), max(every[8:])])


def test_draws_beside_real_values():
    net, n = mixed(), 20_000
    found = net.impute({"x": [0.4, 1.1], "z": [None, 2]}, how="sample", n_per_row=n, seed=3)
    expected = net.posterior(["z", "h"], given={"x": 0.4}).table
    seen = np.bincount(2 * found["z"][:n].astype(int) + found["h"][:n], minlength=6).reshape(3, 2) / n
    assert np.abs(seen - expected).max() < 5 * np.sqrt(0.25 / n)
    assert (found["z"][n:] == 2).all() and found["x"][n:] == pytest.approx(1.1)
    share = net.posterior(["h"], given={"x": 1.1, "z": 2})[1]
    assert found["h"][n:].mean() == pytest.approx(share, abs=5 * np.sqrt(0.25 / n))
    last = net.impute({"x": [1.1], "z": [2]}, how="sample", n_per_row=n, seed=3, start=n)
    assert (last["h"] == found["h"][n:]).all() and last.start == n


@pytest.mark.parametrize(("how", "more"), [("mpe", {}), ("mode", {}), ("sample", {"n_per_row": 3})])
def test_no_rows_beside_real_values(how, more):
    net = mixed()
    for rows in ({"x": []}, {"x": np.empty(0), "z": np.empty(0, np.uint8)}):
        assert net.impute(rows, how=how, **more).shape == (0, len(net.names))


def test_impossible_rows_beside_real_values():
    net = fd.BayesNet({"z": fd.Bernoulli(0.3), "w": fd.CPT(["z"], [[1.0, 0.0], [1.0, 0.0]]), "x": fd.Normal(0, 1)})
    for how in ("mpe", "mode", "sample"):
        data = {"z": [None, None], "w": [0, 1], "x": [0.1, 0.2]}
        with pytest.raises(fd.ImpossibleEvidenceError, match="row 1 has no imputation"):
            net.impute(data, how=how)
        found = net.impute(data, how=how, impossible="nan", seed=0)
        assert found["z"][0] < 2 and found["z"][1] == 255 and found["w"].tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"8,192 of .*at most 4096"):
        coins = {f"c{i}": fd.Bernoulli(0.5) for i in range(13)}
        fd.BayesNet({**coins, "x": fd.Normal(0, 1)}).impute({"x": [0.0]})


@pytest.mark.parametrize(
    ("ask", "error", "text"),
    [
        (lambda: ASIA.impute({"smoke": [0]}, how="mean"), ValueError, '"mpe", "mode" or "sample"'),
        (lambda: ASIA.impute({"smoke": [0]}, n_per_row=2), ValueError, r'of how="sample"'),
        (lambda: ASIA.impute({"smoke": [0]}, n_per_row=0, how="sample"), ValueError, "at least 1"),
        (lambda: ASIA.impute({"smoke": [0]}, impossible="skip"), ValueError, '"error" or "nan"'),
        (lambda: ASIA.impute({"smoke": [0]}, how="sample", start=2**64), ValueError, "start must be"),
        (lambda: ASIA.impute({"smokes": [0]}), KeyError, "smokes"),
        (lambda: ASIA.impute({"smoke": [2]}), ValueError, "smoke"),
        (lambda: mixed().impute({"z": [0]}), ValueError, r"\['x'\], real ones or vectors, have missing values"),
    ],
)
def test_what_makes_no_sense(ask, error, text):
    with pytest.raises(error, match=text):
        ask()
