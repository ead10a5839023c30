"""Rows drawn under known values in networks of tables, against enumeration."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nets import nets, plain, random_net
from reference import log_prob as reference_log_prob

import fastdgm as fd
from fastdgm.data.evidence_rows import Evidence, evidence_type, missing_code
from fastdgm.errors import ImpossibleEvidenceError
from fastdgm.inference.calibrated import calibrated

ASIA = fd.example("asia")
CHI_SQUARE = 4.0  # standard deviations of sqrt(2 chi^2) about its mean, for any number of degrees of freedom


def joint(net: fd.BayesNet) -> np.ndarray:
    """P(x), an axis for each variable, by enumeration."""
    own = plain(net)
    return np.exp(reference_log_prob(own.assignments(), own.parents, own.tables)).reshape(own.sizes)


def posterior(net: fd.BayesNet, likelihoods: dict[int, np.ndarray]) -> tuple[np.ndarray, float]:
    """P(x | e) flat, and p(e), where every variable's evidence is a likelihood of its states."""
    table = joint(net)
    for v, likelihood in likelihoods.items():
        table = table * likelihood.reshape([-1 if u == v else 1 for u in range(table.ndim)])
    return table.ravel() / (table.sum() or 1.0), float(table.sum())


def agrees(codes: np.ndarray, sizes: list[int], probabilities: np.ndarray) -> bool:
    """Whether rows of codes (n_vars, n) follow a distribution over all joint states; none is of probability 0."""
    counts = np.bincount(np.ravel_multi_index(list(codes), sizes), minlength=len(probabilities))
    n = counts.sum()
    assert not counts[probabilities == 0].any()
    often = probabilities * n >= 5
    seen, expected = np.append(counts[often], counts[~often].sum()), np.append(probabilities[often], 0.0) * n
    expected[-1] = n - expected.sum()
    seen, expected = seen[expected > 1e-9 * n], expected[expected > 1e-9 * n]
    chi2, degrees = float(((seen - expected) ** 2 / expected).sum()), len(seen) - 1
    return degrees == 0 or abs(np.sqrt(2 * chi2) - np.sqrt(2 * degrees - 1)) < CHI_SQUARE or chi2 < degrees


def random_evidence(net: fd.BayesNet, rng: np.random.Generator) -> tuple[Evidence, dict[int, np.ndarray]]:
    """Hard and soft evidence of some variables, as a row and as likelihoods."""
    sizes, dtype = plain(net).sizes, evidence_type(net._program.schema)
    codes = np.full((len(sizes), 1), missing_code(dtype), dtype)
    kinds = rng.integers(0, 3, len(sizes))
    found: dict[int, np.ndarray] = {}
    for v in np.flatnonzero(kinds):
        found[int(v)] = np.eye(sizes[v])[rng.integers(sizes[v])] if kinds[v] == 1 else rng.random(sizes[v]).round(1) * 3
        if kinds[v] == 1:
            codes[v] = int(np.argmax(found[v]))
    soft = tuple(v for v in found if kinds[v] == 2)
    likelihoods = np.concatenate([found[v] for v in soft])[:, None] if soft else np.empty((0, 1))
    return Evidence(codes, soft, likelihoods), found


@given(net=nets(max_vars=6, max_states=3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_tables_given_evidence_are_the_posterior(net, seed):
    evidence, likelihoods = random_evidence(net, np.random.default_rng(seed))
    expected, p_evidence = posterior(net, likelihoods)
    found = calibrated(net._exact, evidence)
    np.testing.assert_allclose(found.log_evidence, np.log(p_evidence) if p_evidence else -np.inf, atol=1e-12)
    if p_evidence:
        own = fd.BayesNet(found.program.conditionals)
        np.testing.assert_allclose(joint(own).ravel(), expected, atol=1e-14, rtol=1e-12)
        assert all(own[name].table.sum(axis=-1) == pytest.approx(1.0, abs=1e-14) for name in own.names)


def test_nothing_underflows():
    """600 observed children, each of probability 1e-3 under one state and 2e-3 under the other."""
    children = {f"y{i}": fd.CPT(["x"], [[0.999, 0.001], [0.998, 0.002]]) for i in range(600)}
    net = fd.BayesNet({"x": fd.Categorical([1 - 1e-180, 1e-180]), **children})
    own = calibrated(net._exact, net_evidence(net, dict.fromkeys(children, 1)))
    odds = 600 * np.log(2) + np.log(1e-180)  # about 1.4 nats
    assert own.program.conditionals["x"].table[1] == pytest.approx(1 / (1 + np.exp(-odds)), rel=1e-9)
    assert own.log_evidence == pytest.approx(600 * np.log(1e-3) + np.log1p(np.exp(odds)), rel=1e-12)


def net_evidence(net: fd.BayesNet, codes: dict[str, int]) -> Evidence:
    dtype = evidence_type(net._program.schema)
    row = [codes.get(name, missing_code(dtype)) for name in net.names]
    return Evidence(np.array(row, dtype)[:, None], (), np.empty((0, 1)))


@pytest.mark.parametrize("seed", range(6))
def test_rows_follow_the_posterior(seed):
    """The same known values for all rows, and rows of evidence."""
    net = random_net(seed, 6, max_states=3)
    row = {name: int(code) for name, code in zip(net.names, net.sample(1, seed=seed).block[:, 0], strict=True)}
    known = {name: row[name] for name in net.names[seed % 3 :: 3]}
    likelihoods = {
        v: np.eye(size)[known[net.names[v]]] for v, size in enumerate(plain(net).sizes) if net.names[v] in known
    }
    expected, _ = posterior(net, likelihoods)
    fixed = net.sample(60_000, given=known, seed=seed)
    assert fixed.names == net.names
    assert agrees(fixed.block, plain(net).sizes, expected)
    frame = pd.DataFrame({name: [code] * 20_000 for name, code in known.items()})
    rows = net.sample(given=frame, n_per_row=3, seed=seed)
    assert agrees(rows.block, plain(net).sizes, expected)


def test_another_posterior_in_every_row():
    frame = pd.DataFrame({"dysp": ["yes", None, "no"], "smoke": [None, None, "yes"], "xray": ["yes", "no", None]})
    rows = ASIA.sample(given=frame, n_per_row=40_000, seed=5)
    for i, known in enumerate([{"dysp": 0, "xray": 0}, {"xray": 1}, {"dysp": 1, "smoke": 0}]):
        likelihoods = {ASIA.names.index(name): np.eye(2)[code] for name, code in known.items()}
        expected, _ = posterior(ASIA, likelihoods)
        assert agrees(rows.block[:, i * 40_000 : (i + 1) * 40_000], [2] * 8, expected)


def test_an_intervention_comes_before_what_is_known():
    """P(x | do(smoke = no), dysp = yes): in the mutilated network, not the other way round."""
    do, known = {"smoke": "no"}, {"dysp": "yes"}
    expected, _ = posterior(ASIA.do(do), {ASIA.names.index("dysp"): np.array([1.0, 0.0])})
    rows = ASIA.sample(60_000, given=known, do=do, seed=1)
    assert agrees(rows.block, [2] * 8, expected)
    np.testing.assert_array_equal(rows.block, ASIA.do(do).sample(60_000, given=known, seed=1).block)
    frame = pd.DataFrame({"dysp": ["yes"] * 60_000})
    assert agrees(ASIA.sample(given=frame, do=do, seed=2).block, [2] * 8, expected)


def test_rows_do_not_depend_on_how_they_are_asked_for():
    known = {"dysp": "yes", "tub": "no"}
    whole = ASIA.sample(30_000, given=known, seed=9, start=7).block
    parts = [part.block for part in ASIA.iter_samples(30_000, chunk=7001, given=known, seed=9, start=7)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    frame = ASIA.sample(5000, seed=2).to_pandas()
    frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.6)
    rows = ASIA.sample(given=frame, n_per_row=2, seed=4, start=10).block
    np.testing.assert_array_equal(
        ASIA.sample(given=frame[3000:], n_per_row=2, seed=4, start=6010).block, rows[:, 6000:]
    )
    for threads in (1, 3):
        with fd.num_threads(threads):
            np.testing.assert_array_equal(ASIA.sample(30_000, given=known, seed=9, start=7).block, whole)
            np.testing.assert_array_equal(ASIA.sample(given=frame, n_per_row=2, seed=4, start=10).block, rows)
    observed = np.asarray(ASIA.sample(5000, seed=2))
    kept = frame.notna().to_numpy()
    assert (rows[:, ::2].T[kept] == observed[kept]).all()


def test_nothing_and_everything_is_known():
    everything = {
        name: ASIA.states[name][code] for name, code in zip(ASIA.names, ASIA.sample(1, seed=0).block[:, 0], strict=True)
    }
    rows = ASIA.sample(10, given=everything, seed=0)
    assert (rows.block == rows.block[:, :1]).all()
    assert {name: rows.labels(name)[0] for name in ASIA.names} == everything
    assert agrees(ASIA.sample(60_000, given={}, seed=0).block, [2] * 8, joint(ASIA).ravel())
    assert (ASIA.sample(given=ASIA.sample(50, seed=3), seed=1).block == ASIA.sample(50, seed=3).block).all()
    assert len(ASIA.sample(0, given=everything)) == len(ASIA.sample(given=ASIA.sample(0))) == 0


def test_what_was_calibrated_is_kept_as_long_as_it_holds():
    net = fd.BayesNet(dict(ASIA.conditionals))
    first = net.sample(100, given={"dysp": "yes"}, seed=0).block
    assert net._kept_calibrated is not None and pickle.loads(pickle.dumps(net))._kept_calibrated is None
    net.sample(100, given={"dysp": "no"}, seed=0)
    np.testing.assert_array_equal(net.sample(100, given={"dysp": "yes"}, seed=0).block, first)
    net.fit({name: [0, 0] for name in net.names}, prior=0.0)
    assert not net.sample(20, given={"dysp": 0}, seed=0).block.any()


def test_conditionals_that_are_no_tables():
    parts = {"a": fd.Bernoulli(0.3), "b": fd.Bernoulli(0.6), "c": fd.Logistic(["a", "b"], [1.0, -2.0], 0.5)}
    net = fd.BayesNet({**parts, "d": fd.NoisyOr(["c", "b"], [0.7, 0.4], leak=0.1)})
    tables = np.exp(net.log_prob(np.array(list(np.ndindex(2, 2, 2, 2)))))
    for known, where in (({"d": 1}, (slice(None),) * 3 + (1,)), ({"c": 0}, (slice(None),) * 2 + (0,))):
        expected = np.zeros((2,) * 4)
        expected[where] = tables.reshape((2,) * 4)[where]
        assert agrees(net.sample(60_000, given=known, seed=3).block, [2] * 4, expected.ravel() / expected.sum())


def test_many_states():
    """256 states: the last code is that of a missing value elsewhere."""
    rng = np.random.default_rng(0)
    net = fd.BayesNet({"a": fd.Categorical(rng.dirichlet(np.ones(256))), "b": fd.CPT(["a"], np.eye(256)[::-1])})
    assert set(net.sample(100, given={"b": 0}, seed=0)["a"]) == {255}
    rows = net.sample(given=pd.DataFrame({"b": [0, 255, 3]}), seed=0)
    assert rows["a"].tolist() == [255, 0, 252]


IMPOSSIBLE = {"either": "no", "lung": "yes"}


def test_impossible_values():
    with pytest.raises(ImpossibleEvidenceError, match=r"lung.*either|either.*lung"):
        ASIA.sample(3, given={**IMPOSSIBLE, "smoke": "no"})
    with pytest.raises(ImpossibleEvidenceError):
        ASIA.sample(0, given=IMPOSSIBLE)
    frame = pd.DataFrame({"either": ["yes", "no"], "lung": ["yes", "yes"]})
    with pytest.raises(ImpossibleEvidenceError, match="row 1"):
        ASIA.sample(given=frame)
    with pytest.raises(ImpossibleEvidenceError):
        ASIA.sample(3, given={"either": "yes"}, do={"lung": "no", "tub": "no"})


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"n": 3, "given": {"dysp": "yes"}, "do": {"dysp": "no"}}, ValueError, "do= sets 'dysp'.*says something else"),
        ({"given": pd.DataFrame({"dysp": ["no", None, "yes"]}), "do": {"dysp": "no"}}, ValueError, "'dysp'.* in row 2"),
        ({"given": {"dysp": "yes"}}, TypeError, "n must be an integer, got None"),
        ({"n": 3, "n_per_row": 2}, ValueError, "n_per_row is of rows of evidence"),
        ({"n": 3, "n_per_row": 2, "given": {"dysp": "yes"}}, ValueError, "n_per_row is of rows of evidence"),
        ({"n": 3, "given": pd.DataFrame({"dysp": ["no"]})}, ValueError, "fixes the number of rows: 1 with n_per_row=1"),
        ({"n_per_row": 0, "given": pd.DataFrame({"dysp": ["no"]})}, ValueError, "n_per_row must be at least 1"),
        ({"n": 3, "given": {"disp": "yes"}}, KeyError, "no variable 'disp'"),
        ({"n": 3, "given": {"dysp": "maybe"}}, KeyError, "'maybe' is no state of 'dysp'"),
        ({"n": 3, "given": {"dysp": 2}}, ValueError, "codes of 'dysp' run from 0 to 1"),
        ({"given": pd.DataFrame({"disp": ["no"]})}, KeyError, "disp"),
    ],
)
def test_bad_input(options, error, told):
    with pytest.raises(error, match=told):
        ASIA.sample(**options)


def test_agreeing_values_in_both():
    frame = pd.DataFrame({"dysp": ["no", None]})
    assert set(ASIA.sample(given=frame, do={"dysp": "no"}, n_per_row=20, seed=0).labels("dysp")) == {"no"}
    rows = ASIA.sample(50, given={"dysp": "no"}, do={"dysp": "no"}, seed=0)
    assert set(rows.labels("dysp")) == {"no"}


def test_rows_of_evidence_need_a_network_of_tables():
    net = fd.BayesNet({"z": fd.Bernoulli(0.5), "x": fd.Normal.given(["z"], [0, 1])})
    with pytest.raises(TypeError, match="given= is a mapping"):
        net.sample(given=pd.DataFrame({"x": [0.5]}))
    with pytest.raises(ValueError, match="do= sets 'x'"):
        net.sample(1, given={"z": 1, "x": 0.5}, do={"x": 0.0})
    assert set(net.sample(5, given={"x": 0.5, "z": 1}, do={"x": 0.5})["x"]) == {0.5}
    with pytest.raises(ValueError, match="iter_samples"):
        next(ASIA.iter_samples(3, given=pd.DataFrame({"dysp": ["no"]})))


def test_tables_that_would_be_too_large(monkeypatch):
    monkeypatch.setattr("fastdgm.inference.calibrated.check_memory", refuse)
    with pytest.raises(ValueError, match=r"tables of .* cells together.*weighted"):
        ASIA.sample(3, given={"dysp": "yes"})
    n = 40
    pairs = {f"y{i}{j}": fd.CPT([f"x{i}", f"x{j}"], np.full((2, 2, 2), 0.5)) for i in range(n) for j in range(i)}
    wide = fd.BayesNet({**{f"x{i}": fd.Bernoulli(0.5) for i in range(n)}, **pairs})
    with pytest.raises(ValueError, match=r"at most 2\*\*31 cells.*weighted"):
        wide.sample(3, given=dict.fromkeys(pairs, 1))


def refuse(n_bytes: int, what: str) -> None:
    raise ValueError(what)


def test_allowed_states_and_likelihoods():
    """In given=, and beside an intervention."""
    known = {"asia": ["yes"], "smoke": np.array([0.2, 0.6]), "xray": ["yes", "no"], "dysp": "yes"}
    expected, _ = posterior(
        ASIA,
        {
            ASIA.names.index(name): np.array(own)
            for name, own in {"asia": [1.0, 0.0], "smoke": [0.2, 0.6], "dysp": [1.0, 0.0]}.items()
        },
    )
    assert agrees(ASIA.sample(60_000, given=known, seed=1).block, [2] * 8, expected)
    rows = {**known, "smoke": np.tile([0.2, 0.6], (60_000, 1))}
    assert agrees(ASIA.sample(given=rows, seed=2).block, [2] * 8, expected)
    with pytest.raises(ValueError, match=r"do= sets 'smoke'.*in row 1"):
        ASIA.sample(given={"smoke": np.array([[0.0, 1.0], [0.1, 0.3]])}, do={"smoke": "no"})
    with pytest.raises(ValueError, match=r"do= sets 'smoke'.*in row 1"):
        ASIA.sample(given={"smoke": np.array([[0.0, 1.0], [0.4, 0.0]])}, do={"smoke": "no"})
    ASIA.sample(given={"smoke": np.array([[0.0, 0.2], [0.0, 0.1]])}, do={"smoke": "no"})
