"""Model to plan: clusters follow from the structure alone, and fused tables hold exactly what the network says."""

from __future__ import annotations

import copy
import itertools
import pickle
from math import prod
from typing import Any

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from random_nets import codes_of, nets, plain, random_net, random_table
from shared_data import shared
from tables import plans_of

import fastdgm as fd
from fastdgm.engines import hybrid
from fastdgm.engines.hybrid import Program
from fastdgm.engines.tables.clusters import OUTCOME_BITS, SAMPLING_CELLS, SCORING_CELLS, field_bits, slot_bits
from fastdgm.engines.tables.plan import Plans

pytestmark = pytest.mark.generic_cpu


def lowered(net: fd.BayesNet) -> Plans:
    return plans_of(net)


def decoded_cluster(plans: Plans, c: int) -> tuple[np.ndarray, list[dict[tuple[int, ...], int]]]:
    """Outside parents' numbers of states, and per configuration of them the 64-bit weight of every members' state."""
    plan = plans.sampling
    members = slice(plan.member_start[c], plan.member_start[c + 1])
    shifts, masks = plan.member_shift[members].tolist(), plan.member_mask[members].tolist()
    bits = int(plan.slot_bits[c])
    table = slice(int(plan.table_start[c]), int(plan.table_start[c + 1]))
    rows = zip(plan.slots[table].reshape(-1, 1 << bits), plan.fine[table].reshape(-1, 1 << bits), strict=True)
    weights = []
    for slots, fine in rows:
        thresholds = (slots >> np.uint64(32) << np.uint64(32)) | fine
        row = [(int(t) >> bits, int(s) & 0xFFFF, int(s) >> 16 & 0xFFFF) for t, s in zip(thresholds, slots, strict=True)]
        unpacked = {
            tuple(outcome >> shift & mask for shift, mask in zip(shifts, masks, strict=True)): weight
            for outcome, weight in reference.slot_weights(row).items()
        }
        weights.append(unpacked)
    columns = plan.parent_column[plan.parent_start[c] : plan.parent_start[c + 1]]
    return columns, weights


# --- sampling clusters ----------------------------------------------------------------------------------


@given(nets(max_vars=12))
def test_every_variable_is_drawn_once_after_its_parents(net):
    plans = lowered(net)
    drawn = [v for members in plans.sampling_clusters for v in members]
    assert sorted(drawn) == list(range(len(net)))
    place = {v: i for i, v in enumerate(drawn)}
    assert all(place[p] < place[v] for v, own in enumerate(plans.parents) for p in own)


@given(nets(max_vars=12))
def test_clusters_of_several_variables_stay_small(net):
    plans = lowered(net)
    for members in plans.sampling_clusters:
        outside = reference.outside_parents(plans.parents, members)
        outcomes = prod(plans.n_states[v] for v in members)
        assert sum(field_bits(plans.n_states[v]) for v in members) <= OUTCOME_BITS
        cells = prod(plans.n_states[v] for v in outside) << slot_bits(outcomes)
        assert len(members) == 1 or cells <= SAMPLING_CELLS


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_clusters_do_not_depend_on_probabilities_or_names(seed, n_vars):
    net = random_net(seed, n_vars)
    other = {
        f"other {name}": fd.CPT([f"other {p}" for p in cpt.parents], np.full(cpt.table.shape, 1 / cpt.n_states))
        for name, cpt in net.conditionals.items()
    }
    assert lowered(fd.BayesNet(other)).sampling_clusters == lowered(net).sampling_clusters


@given(nets(max_vars=8))
def test_fused_tables_hold_the_joint_of_the_members(net):
    """Weights of 2**-64 add up to 1 in every context, are 0 where the network says 0, and are exact elsewhere."""
    plans = lowered(net)
    for c, members in enumerate(plans.sampling_clusters):
        joint = reference.joint_table(*plain(net), members)
        columns, weights = decoded_cluster(plans, c)
        assert columns.tolist() == reference.outside_parents(plans.parents, members)
        states = list(itertools.product(*(range(plans.n_states[v]) for v in members)))
        for probabilities, own in zip(joint, weights, strict=True):
            assert sum(own.values()) == 2**64
            for state, p in zip(states, probabilities, strict=True):
                assert abs(own.get(state, 0) - p * 2.0**64) <= 1.0 + 2.0**64 * 1e-15
                assert p > 0.0 or state not in own


@pytest.mark.parametrize("rare", [1e-6, 1e-3, 1 - 1e-6])
def test_a_later_member_is_exact_given_a_rare_earlier_one(rare):
    """Drawn on 32 bits alone, P(b | a) would be wrong by 5e-5 where P(a) = 1e-6."""
    table = [[0.3, 0.6, 0.1], [0.123456789, 0.5, 0.376543211]]
    net = fd.BayesNet({"a": fd.Bernoulli(rare), "b": fd.CPT(["a"], table)})
    plans = lowered(net)
    assert plans.sampling_clusters == [[0, 1]]
    _, (weights,) = decoded_cluster(plans, 0)
    for a in range(2):
        given_a = sum(weight for state, weight in weights.items() if state[0] == a)
        for b in range(3):
            assert weights[a, b] / given_a == pytest.approx(table[a][b], rel=1e-12)


def test_variables_of_one_state_cost_nothing_and_change_nothing():
    net = fd.BayesNet(
        {
            "one": fd.Categorical([1.0]),
            "coin": fd.CPT(["one"], [[0.25, 0.75]]),
            "also": fd.CPT(["coin", "one"], np.ones((2, 1, 1))),
            "last": fd.CPT(["also"], [[0.5, 0.5]]),
        }
    )
    x = np.asarray(net.sample(4000, seed=0))
    assert x[:, [0, 2]].max() == 0
    assert x[:, 1].mean() == pytest.approx(0.75, abs=0.03)
    assert np.exp(net.log_prob(plain(net).assignments().T)).tolist() == pytest.approx([0.125, 0.125, 0.375, 0.375])


# --- more variables than an array has axes ---------------------------------------------------------------


def with_many_single_states(n: int) -> fd.BayesNet:
    """Two coins, each with as many parents of one state."""
    tables: dict[str, fd.CPT] = {}
    for coin, p in (("a", 0.25), ("b", 0.5)):
        own = [f"{coin}{i}" for i in range(n)]
        tables |= {name: fd.Categorical([1.0]) for name in own}
        tables[coin] = fd.CPT(own, np.array([1 - p, p]).reshape((1,) * n + (2,)))
    return fd.BayesNet({**tables, "last": fd.CPT(["a", "b"], [[[1.0, 0.0], [0.5, 0.5]], [[0.25, 0.75], [0.0, 1.0]]])})


@pytest.mark.parametrize("n", [1, 31, 32, 62, 63])
def test_variables_of_one_state_in_any_number(n, tmp_path):
    net = with_many_single_states(n)
    small = with_many_single_states(0)
    x = net.sample(2000, seed=0)
    kept = {name: x[name] for name in small.names}
    assert all(x[name].max() == 0 for name in net.names if name not in kept)
    np.testing.assert_allclose(net.log_prob(x), small.log_prob(kept), rtol=1e-12)
    np.testing.assert_allclose(net.log_prob(x, per_variable=True).sum(axis=1), small.log_prob(kept), rtol=1e-12)
    fitted = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(x)
    refitted = fd.BayesNet.from_edges(small.edges, small.names, small.states).fit(kept)
    for name in small.names:
        np.testing.assert_array_equal(fitted[name].table.reshape(refitted[name].table.shape), refitted[name].table)
    fd.write(fitted, tmp_path / "net.safetensors")
    assert fd.read(tmp_path / "net.safetensors").conditionals == fitted.conditionals


@pytest.mark.parametrize("n", [1, 64, 65, 200])
def test_nothing_but_variables_of_one_state(n):
    net = fd.BayesNet({f"x{i}": fd.Categorical([1.0]) for i in range(n)})
    x = net.sample(3, seed=0)
    assert x.block.max() == 0
    assert net.log_prob(x).tolist() == [0.0] * 3
    assert (net.log_prob(np.asarray(x), per_variable=True) == 0.0).all()
    assert net.fit(x)["x0"].table.tolist() == [1.0]


def test_tables_of_more_axes_than_an_array_has_are_refused():
    names = [f"p{i}" for i in range(64)]
    with pytest.raises(ValueError, match="at most 64 axes, one per parent and the child's own, got 64 parents"):
        fd.CPT(names, [0.5, 0.5])
    net = fd.BayesNet.from_edges(
        [(name, "c") for name in names], states={**dict.fromkeys(names, ("a",)), "c": ["0", "1"]}
    )
    with pytest.raises(ValueError, match=r"at most 64 axes, .* that of 'c' needs 65"):
        net.fit(np.zeros((5, 65), np.uint8))
    assert not net.is_fitted


def test_a_table_of_absurd_size_is_refused_in_few_words():
    names = [f"p{i}" for i in range(3000)]
    net = fd.BayesNet.from_edges([(name, "c") for name in names], states=dict.fromkeys([*names, "c"], ("a", "b")))
    with pytest.raises(ValueError, match=r"at most 2\*\*31 cells, the table of 'c' .* has at least 2\*\*3001 cells"):
        net.fit(np.zeros((1, 3001), np.uint8))


# --- scoring clusters -----------------------------------------------------------------------------------


@given(nets(max_vars=12))
def test_every_family_is_scored_once_in_tables_of_bounded_size(net):
    plans = lowered(net)
    families = sorted(f for own in plans.scoring_clusters for f in own)
    assert families == list(range(len(net)))
    for own in plans.scoring_clusters:
        scope = {v for f in own for v in plans.families[f]}
        assert len(own) == 1 or prod(plans.n_states[v] for v in scope) <= SCORING_CELLS


@given(nets(max_vars=12))
def test_counting_and_scoring_share_a_layout(net):
    plans = lowered(net)
    for field in ("scope_start", "scope_column", "scope_stride", "table_start"):
        assert (getattr(plans.counting, field) == getattr(plans.scoring, field)).all()
    assert len(plans.scoring.table) == plans.scoring.table_start[-1]


# --- shapes that a search could stumble over ------------------------------------------------------------


def hub(n: int) -> fd.BayesNet:
    rng = np.random.default_rng(n)
    leaves = {f"x{v}": fd.CPT(["hub"], random_table(rng, (3, 2))) for v in range(n)}
    return fd.BayesNet({**leaves, "hub": fd.Categorical([0.2, 0.3, 0.5])})


def chain(n: int) -> fd.BayesNet:
    rng = np.random.default_rng(n)
    links = {f"x{v}": fd.CPT([f"x{v - 1}"], random_table(rng, (3, 3))) for v in range(1, n)}
    return fd.BayesNet({"x0": fd.Categorical([0.2, 0.3, 0.5]), **links})


def sink(n: int) -> fd.BayesNet:
    rng = np.random.default_rng(n)
    roots = {f"x{v}": fd.Bernoulli(0.1 * v % 1) for v in range(n)}
    return fd.BayesNet({**roots, "sink": fd.CPT(list(roots), random_table(rng, (2,) * (n + 1)))})


def coins(n: int) -> fd.BayesNet:
    return fd.BayesNet({f"x{v}": fd.Bernoulli(v / n) for v in range(n)})


SHAPES = {"one": coins(1), "coins": coins(200), "chain": chain(200), "hub": hub(200), "sink": sink(15)}


@pytest.mark.parametrize("net", SHAPES.values(), ids=SHAPES.keys())
def test_shapes_agree_with_the_oracle(net):
    x = net.sample(200, seed=4)
    assert (x.block == reference.sample(4, 0, 200, *plain(net), lowered(net).sampling_clusters)).all()
    terms = reference.log_prob_per_variable(x.block, *plain(net))
    np.testing.assert_allclose(net.log_prob(x), terms.sum(axis=0), rtol=1e-12)
    counts = reference.count(x.block, plain(net).parents, plain(net).sizes)
    fitted = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(x, prior=0.5)
    for name, own in zip(net.names, counts, strict=True):
        np.testing.assert_allclose(fitted[name].table, (own + 0.5) / (own + 0.5).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("name", ["alarm", "hailfinder", "win95pts", "pigs", "link"])
def test_real_networks_agree_with_the_oracle(name):
    net = fd.example("alarm") if name == "alarm" else fd.read(shared(f"bif/{name}.bif.gz"))
    x = net.sample(50, seed=4, start=2**32 - 20)
    assert (x.block == reference.sample(4, 2**32 - 20, 50, *plain(net), lowered(net).sampling_clusters)).all()
    codes = np.vstack([x, codes_of(net, 50)])
    np.testing.assert_allclose(net.log_prob(codes), reference.log_prob(codes.T, *plain(net)), rtol=1e-12)


# --- plans come and go ----------------------------------------------------------------------------------


def test_plans_are_made_once_and_dropped_by_clones():
    net = random_net(2, 5)
    assert net._kept_program is None
    net.sample(1, seed=0)
    program = net._kept_program
    net.log_prob([[0] * 5])
    assert net._kept_program is program
    for clone in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net), copy.copy(net)):
        assert clone._kept_program is None
        assert (clone.sample(100, seed=1).block == net.sample(100, seed=1).block).all()


def test_a_plan_made_while_another_thread_fits_is_not_kept(monkeypatch):
    net = fd.BayesNet({"a": fd.Bernoulli(0.0)})

    def interrupted(*arguments: Any) -> Program:
        monkeypatch.undo()
        program = Program(*arguments)
        net.fit([[1]], prior=0.0)  # by another thread, just before the program is kept
        return program

    monkeypatch.setattr(hybrid, "Program", interrupted)
    assert net.log_prob([[1]])[0] == -np.inf
    assert net.log_prob([[1]])[0] == 0.0


def test_the_memory_of_plans_is_reported():
    plans = lowered(random_net(2, 5))
    arrays = [*plans.sampling, *plans.scoring]
    assert plans.n_bytes == sum(array.nbytes for array in arrays)


def test_tables_too_large_to_count_are_refused_before_they_are_made():
    names = [f"x{v}" for v in range(40)]
    net = fd.BayesNet.from_edges([(name, "y") for name in names], states={n: ["a", "b"] for n in (*names, "y")})
    with pytest.raises(ValueError, match=r"at most 2\*\*31 cells, the table of 'y' with 40 parents has 2199023255552"):
        net.fit(np.zeros((3, 41), np.uint8))


def test_a_hub_with_thousands_of_children():
    """Each of 3 000 features hangs on one class: a search among all pairs would take a minute."""
    net = fd.naive_bayes("class", [f"x{v}" for v in range(3000)], target_states=["a", "b"])
    codes = np.arange(4 * 3001, dtype=np.int64).reshape(4, 3001) % 2
    assert net.fit(codes).sample(10, seed=0).shape == (10, 3001)
    np.testing.assert_allclose(net.log_prob(codes), net.log_prob(codes, per_variable=True).sum(axis=1), rtol=1e-12)
