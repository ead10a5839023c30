"""Empty sequences: a probability like any other where the data had them, none where they had not."""

from __future__ import annotations

import pickle
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from reference_markov import Chain, truncated
from test_markov import SMOOTHINGS, sequences
from test_markov_sampling import assert_frequencies, counted
from test_markov_sparse import oracle_draw

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import plan as markov_plan

SHORT = [x for k in range(7) for x in product(range(3), repeat=k)]


@pytest.fixture(autouse=True, params=["full tables", "sparse tables"])
def is_dense(request, monkeypatch):
    monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: request.param == "full tables")
    return request.param == "full tables"


def with_empty(order: int = 2, smoothing: str = "witten-bell", n_states: int = 3) -> tuple[MarkovChain, Chain]:
    """A fourth of the sequences are empty."""
    data = [[] if i % 4 == 2 else x for i, x in enumerate(sequences(n_states, 40, 6, True))]
    options = {"smoothing": smoothing, "alpha": 0.3}
    return MarkovChain(order, n_states=n_states, **options).fit(data), Chain(data, n_states, order, **options)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_an_empty_sequence_has_the_probability_of_the_end_after_the_start(order, smoothing):
    model, chain = with_empty(order, smoothing)
    assert model.log_prob([[]])[0] == pytest.approx(np.log(chain.conditional([])[-1]), rel=1e-12)
    assert model.log_prob(SHORT) == pytest.approx([chain.log_prob(x) for x in SHORT], rel=1e-12)
    terms, offsets = model.log_prob([[], [1], []], per_variable=True)
    assert offsets.tolist() == [0, 1, 3, 4]
    assert terms[0] == terms[3] == model.log_prob([[]])[0]
    going_on = sum(np.exp(chain.terms(x)[:-1].sum()) for x in SHORT if len(x) == 6)
    ended = np.exp(model.log_prob([x for x in SHORT if len(x) < 6])).sum()
    assert ended + going_on == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_they_are_drawn_as_often_as_that(smoothing):
    model, _ = with_empty(smoothing=smoothing)
    n, expected = 40_000, dict(zip(SHORT, np.exp(model.log_prob(SHORT)), strict=True))
    x, log_prob = model.sample(n, seed=1, return_log_prob=True)
    assert_frequencies(counted(x), expected, n)
    assert (log_prob == model.log_prob(x)).all()
    assert sum(not len(own) for own in x) > n / 8


@pytest.mark.parametrize("options", [{"temperature": 2.0}, {"top_k": 2}, {"top_p": 0.7}])
def test_truncated_ones_too(options):
    model, chain = with_empty()
    p = truncated(chain.conditional([]), **options)
    x, _, drawn = model.sample(500, seed=0, return_log_prob=True, max_length=3, **options)
    is_empty = np.array([len(own) == 0 for own in x])
    assert is_empty.mean() == pytest.approx(p[-1], abs=0.09)
    assert np.allclose(drawn[is_empty], np.log(p[-1]), rtol=1e-12)


def test_uniforms_and_prefixes():
    model, chain = with_empty()
    cumulative = chain.conditional([]).cumsum()
    u = np.full((2, 40), 0.999)
    u[0, 0] = cumulative[2] * 0.9999
    first, second = model.sample(2, uniforms=u)
    assert len(first) >= 1
    assert second.tolist() == []
    x = model.sample(prefix=[[], [1]], n_per_row=200, seed=3)
    assert any(len(own) == 0 for own in x[:200])
    assert all(len(own) > 0 and own[0] == 1 for own in x[200:])


def test_draws_are_those_of_the_words(is_dense):
    if is_dense:
        pytest.skip("the oracle is of sparse tables")
    model, _ = with_empty(n_states=6)
    assert [x.tolist() for x in model.sample(40, seed=11)] == [oracle_draw(model, row, 11) for row in range(40)]


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_without_them_in_the_data_there_are_none(smoothing):
    model = MarkovChain(2, smoothing=smoothing).fit(["anna", "bo"])
    assert model.log_prob(["", "bo"])[0] == -np.inf
    assert all(model.sample(2000, seed=0, max_length=2))
    with_one = MarkovChain(2, smoothing=smoothing).fit(["anna", "bo", ""])
    assert with_one.log_prob([""])[0] > -4.0
    assert with_one.n_parameters == model.n_parameters + 1


@pytest.mark.parametrize(
    "data",
    [
        ["anna", "", "bo"],
        {"anna": 1, "": 1, "bo": 1},
        pa.array(["anna", "bo", ""]),
        [list("anna"), [], list("bo")],
        np.array(["", "anna", "bo"]),
    ],
)
def test_every_form_of_text(data):
    model = MarkovChain(2).fit(data)
    assert model.log_prob(["", "bo"] if model._model.kind == "text" else [[], ["b", "o"]]) == pytest.approx(
        MarkovChain(2).fit(["", "anna", "bo"]).log_prob(["", "bo"]), rel=1e-12
    )
    assert len({len(x) for x in model.sample(200, seed=0)} & {0}) == 1


@pytest.mark.parametrize(
    "data", [[[0, 1], [], [1]], (np.array([0, 1, 1]), np.array([0, 2, 2, 3])), [np.array([0, 1]), (), [1]]]
)
def test_every_form_of_codes(data):
    chain = Chain([[0, 1], [], [1]], 2, 1, smoothing="witten-bell")
    assert MarkovChain(1).fit(data).log_prob([[], [1]]) == pytest.approx([chain.log_prob([]), chain.log_prob([1])])


def test_data_of_nothing_else_with_known_states():
    model = MarkovChain(1, vocabulary="ab").fit(["", ""])
    assert np.exp(model.log_prob(["", "a"])[0]) == pytest.approx((2 + (2 + 1 / 3) / 3) / 3)
    assert MarkovChain(1, n_states=2).fit([[], []]).log_prob([[]])[0] == model.log_prob([""])[0]


def test_files_and_copies():
    model, _ = with_empty()
    again = MarkovChain._from_state(*model._state())
    for other in (again, pickle.loads(pickle.dumps(model))):
        assert (other.log_prob(SHORT) == model.log_prob(SHORT)).all()


def test_long_runs_of_empty_ones():
    model, chain = with_empty()
    x = [[]] * 9000 + [[0, 1]] + [[]] * 9000
    assert (model.log_prob(x)[[0, 8999, 9001, -1]] == model.log_prob([[]])[0]).all()
    assert model.log_prob(x)[9000] == pytest.approx(chain.log_prob([0, 1]), rel=1e-12)
    assert model.bits_per_variable(x) == pytest.approx(-model.log_prob(x).sum() / 18_003 / np.log(2))
