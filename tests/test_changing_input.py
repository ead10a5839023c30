"""Inputs that another thread changes during a call, and booleans of odd bytes: no index leaves its array.

A kernel may read a code once more after its check, so look-ups clamp: here they meet codes that no check would let
through, as those of a changed array are.
"""

from __future__ import annotations

import numpy as np
import pytest
from compiled import compiled
from processes import run_python

import fastdgm as fd
from fastdgm.engines.nade.plan import plan_of
from fastdgm.kernels import categorical, cpt, head_scratch, nade_gradient

BEYOND = [0, 1, 2, 3, 40, 255, 2**16 - 1]


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("n", [1, 7, 8, 50])
def test_table_cells_beyond_the_end_are_the_last(dtype, n):
    index = np.resize(np.array([*BEYOND, np.iinfo(dtype).max], dtype), n)
    table, total = np.array([1.0, 2.0, 4.0]), np.full(n, 0.5)
    compiled(cpt.add_table)(total, index, table, n)
    assert (total == 0.5 + table[np.minimum(index, 2)]).all()
    compiled(cpt._keep_within)(index, 3, n)
    assert index.max() <= 2 and (index[:3] == [0, 1, 2][:n]).all()


@pytest.mark.parametrize("size", [1 << 16, (1 << 16) + 5])
def test_the_largest_index_of_a_large_table_counts(size):
    table = np.arange(float(size))
    index = np.full(8, min(size, 1 << 16) - 1, np.uint16)
    total = np.zeros(8)
    compiled(cpt.add_table)(total, index, table, 8)
    assert (total == 65_535.0).all()


@pytest.mark.parametrize("value", [3, 4, 255, 65_535])
def test_categorical_heads_take_the_last_state_for_one_beyond(value):
    z = np.array([[0.0], [1.0], [2.0], [77.0]], np.float32)  # three logits, and what must not be read
    scratch, right = (
        np.zeros((head_scratch.JOINT + 3, 1), np.float32),
        np.zeros((head_scratch.JOINT + 3, 1), np.float32),
    )
    score = compiled(categorical.score_categorical)
    score(z, 0, 3, np.array([[value]], np.float32), 0, scratch)
    score(z, 0, 3, np.array([[2]], np.float32), 0, right)
    assert scratch[head_scratch.TERM, 0] == right[head_scratch.TERM, 0]


def test_nade_keeps_to_the_hidden_units_that_were_counted():
    nade = fd.NADE(5, hidden=4)
    plan = plan_of(nade.parameters, "sigmoid", nade.order)
    x = np.array([[1, 0, 1, 1, 1], [0, 200, 0, 0, 1]], np.uint8)
    tile = compiled(nade_gradient._allocate)(plan, 3)  # as if two ones had been the most
    compiled(nade_gradient._load_rows)(x, 0, 2, plan.order, tile)
    assert tile.x[:2].tolist() == [[1, 0, 1, 0, 0], [0, 1, 0, 0, 1]]


def test_arrays_that_another_thread_changes_never_crash():
    printed = run_python(
        """
        import threading, time, numpy as np, fastdgm as fd
        rng = np.random.default_rng(0)
        roots = {f"p{i}": fd.Categorical(np.full(60, 1 / 60)) for i in range(3)}
        net = fd.BayesNet({**roots, "c": fd.CPT(list(roots), rng.dirichlet(np.ones(4), (60,) * 3))})
        made = fd.MADE(10, (16,), head="categorical", n_states=7)
        codes = np.asarray(net.sample(50_000, seed=0))
        again = fd.BayesNet(net.conditionals)
        cases = [
            (net.log_prob, np.array(codes, order="F")),
            (lambda x: net.log_prob(x, per_variable=True), np.array(codes, order="F")),
            (again.fit, np.array(codes, order="F")),
            (net.log_prob, np.array(codes, order="C")),
            (made.log_prob, made.sample(20_000, seed=0)),
            (lambda x: made.sample(prefix=x[:500, :4], seed=0, return_log_prob=True), made.sample(500, seed=0)),
            (fd.NADE(10, hidden=8).log_prob, rng.integers(0, 2, (20_000, 10), np.uint8)),
        ]

        def flip(x, good, stop):
            while not stop.is_set():
                x[...] = np.iinfo(x.dtype).max
                x[...] = good

        for call, x in cases:
            call(x)
            stop = threading.Event()
            flipper = threading.Thread(target=flip, args=(x, x.copy(), stop), daemon=True)
            flipper.start()
            end = time.monotonic() + 0.6
            while time.monotonic() < end:
                try:
                    call(x)
                except ValueError:
                    pass
            stop.set()
            flipper.join()
        print("alive")
        """,
        timeout=300.0,
    )
    assert printed == "alive\n"


def odd(shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 200, np.uint8).view(bool)


MODELS = {
    "MADE": lambda: fd.MADE(5, (8,), seed=0),
    "MADE, categorical": lambda: fd.MADE(5, (8,), head="categorical", n_states=2, seed=0),
    "MADE, normal": lambda: fd.MADE(5, (8,), head="normal", seed=0),
    "NADE": lambda: fd.NADE(5, hidden=7),
    "FVSBN": lambda: fd.FVSBN(5),
    "MarkovChain": lambda: fd.MarkovChain(order=1).fit(np.random.default_rng(0).integers(0, 2, (50, 5))),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_any_byte_but_zero_is_true(make):
    model, true = make(), np.ones((4, 5), bool)
    assert (model.log_prob(odd((4, 5))) == model.log_prob(true)).all()
    assert (model.log_prob(odd((4, 10))[:, ::2]) == model.log_prob(true)).all()
    one, other = (model.sample(prefix=given, seed=0) for given in (odd((4, 2)), true[:, :2]))
    assert (one == other).all()


def test_booleans_of_a_model_with_one_state_are_checked():
    with pytest.raises(ValueError, match="codes from 0 to 0"):
        fd.MarkovChain(order=1, n_states=1).fit(np.zeros((2, 3), int)).log_prob(odd((1, 3)))


def test_bayes_nets_read_booleans_as_numpy_does():
    wet = fd.CPT(["a"], [[0.9, 0.1], [0.2, 0.8]], states=["False", "True"])
    net = fd.BayesNet({"a": fd.Bernoulli(0.3), "b": wet})
    right = net.log_prob(np.ones((3, 2), np.uint8))
    assert (net.log_prob(odd((3, 2))) == right).all()
    assert (net.log_prob({"a": odd((3,)), "b": odd((6,))[::2]}) == right).all()
    weighted = fd.BayesNet(net.conditionals).fit({"a": odd((3,)), "b": odd((3,))}, sample_weight=odd((3,)), prior=1.0)
    assert weighted["a"].table.tolist() == [0.2, 0.8]
