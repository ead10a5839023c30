"""What sample, iter_samples and log_prob promise for every family, on masked networks: rows, prefixes, bad input."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
import reference_ar as reference
from hypothesis import given
from hypothesis import strategies as st
from masked_models import plain, random_fvsbn, random_made, random_uniforms

from fastdgm.errors import MissingValuesError
from fastdgm.runtime import pieces as runs

TYPES = [np.float32, np.float64]
MODELS = {
    "FVSBN": lambda **options: random_fvsbn(35, **options),
    "MADE": lambda **options: random_made(35, (40, 30), **options),
    "categorical": lambda **options: random_made(20, n_states=3, **options),
    "normal": lambda **options: random_made(20, head="normal", activation="tanh", **options),
    "mixture": lambda **options: random_made(20, head="mixture", n_components=2, activation="tanh", **options),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_type = pytest.mark.parametrize("dtype", TYPES)


@pytest.fixture
def small_pieces(monkeypatch):
    """Rows go to the threads a few at a time."""
    monkeypatch.setattr(runs, "SMALL_WORK", 0)
    monkeypatch.setattr(runs, "PIECE_WORK", 1e5)


# --- rows are rows, however they are asked for ---


@every_type
@every_model
def test_rows_do_not_depend_on_batches_starts_or_chunks(make, dtype):
    model = make(dtype=dtype)
    x, log_prob = model.sample(150, seed=3, return_log_prob=True)
    splits = (0, 1, 17, 81, 150)
    parts = [model.sample(end - begin, seed=3, start=begin, return_log_prob=True) for begin, end in pairwise(splits)]
    assert (np.concatenate([rows for rows, _ in parts]) == x).all()
    assert (np.concatenate([own for _, own in parts]) == log_prob).all()
    assert (model.log_prob(x) == np.concatenate([model.log_prob(x[a:b]) for a, b in pairwise(splits)])).all()
    assert [model.log_prob(row)[0] for row in x] == model.log_prob(x).tolist()
    chunks = list(model.iter_samples(150, chunk=64, seed=3))
    assert [len(chunk) for chunk in chunks] == [64, 64, 22]
    assert (np.concatenate(chunks) == x).all()


@every_type
@every_model
def test_rows_do_not_depend_on_threads(make, dtype, monkeypatch, small_pieces):
    model = make(dtype=dtype)
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", threads)
        x, log_prob = model.sample(300, seed=4, return_log_prob=True)
        terms = model.log_prob(x, per_variable=True)
        completed = model.sample(prefix=x[:7, model.order[:5]], n_per_row=20, seed=1)
        results.append([array.tobytes() for array in (x, log_prob, model.log_prob(x), terms, completed)])
    assert results[0] == results[1] == results[2]


def test_eight_user_threads_at_once(monkeypatch, small_pieces):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")
    model = random_made(35, (40, 30))
    barrier = Barrier(8)

    def user(seed):
        barrier.wait(60.0)
        x, log_prob = model.sample(300, seed=seed, return_log_prob=True)
        return x.tobytes(), log_prob.tobytes(), model.log_prob(x).tobytes()

    with ThreadPoolExecutor(8) as users:
        together = list(users.map(user, range(8)))
    assert together == [user_alone(model, seed) for seed in range(8)]


def user_alone(model, seed):
    x, log_prob = model.sample(300, seed=seed, return_log_prob=True)
    return x.tobytes(), log_prob.tobytes(), model.log_prob(x).tobytes()


@given(n=st.integers(0, 10_000), work=st.floats(1.0, 1e8))
def test_pieces_are_the_rows_in_order(n, work):
    ranges = runs.work_ranges(n, work)
    ends = [end for _, end in ranges]
    assert [begin for begin, _ in ranges] == [0, *ends][: len(ranges)]
    assert ends[-1:] == ([n] if n else [])
    assert all(begin < end for begin, end in ranges)


@every_type
@every_model
def test_samples_are_the_inverse_cdf_of_the_philox_uniforms(make, dtype):
    """Passing in what the rows would draw gives the same rows. All but bits are drawn by float64 uniforms.

    Normal numbers are drawn from words, with more digits (float64) or from the first word alone (float32)."""
    model = make(dtype=dtype)
    words = model.uniforms_per_variable
    kind = dtype if model.head == "bernoulli" else np.float64
    uniforms = reference.uniforms(2**63 + 5, 2**32 - 40, 90, model.n_vars * words, kind)
    x = model.sample(90, seed=2**63 + 5, start=2**32 - 40)
    given_uniforms = model.sample(90, uniforms=uniforms.reshape(90, *model._uniforms_shape()))
    if model.head == "normal":
        close = 1e-5 if dtype is np.float32 else 1e-12
        np.testing.assert_allclose(x, given_uniforms, rtol=close, atol=close)
    else:
        assert (x == given_uniforms).all()


def test_rows_at_the_ends_of_the_stream():
    model = random_made(5, dtype=np.float64)
    last = model.sample(3, seed=0, start=2**64 - 3)
    uniforms = reference.uniforms(0, 2**64 - 3, 3, 5, np.float64)
    assert (last == reference.sample(plain(model), uniforms)).all()


def test_seeds():
    model = random_made(20)
    assert (model.sample(9, seed=1) == model.sample(9, seed=1)).all()
    assert (model.sample(9, seed=1) != model.sample(9, seed=2)).any()
    assert (model.sample(9) != model.sample(9)).any()
    random = [np.random.default_rng(5) for _ in range(2)]
    assert (model.sample(9, seed=random[0]) == model.sample(9, seed=random[1])).all()
    assert (model.sample(9, seed=random[0]) != model.sample(9, seed=0)).any()


@every_type
@every_model
def test_no_rows(make, dtype):
    model = make(dtype=dtype)
    x, log_prob = model.sample(0, seed=0, return_log_prob=True)
    assert (x.shape, log_prob.shape) == ((0, model.n_vars), (0,))
    assert model.log_prob(x).shape == (0,)
    assert model.log_prob(x, per_variable=True).shape == (0, model.n_vars)
    assert list(model.iter_samples(0, seed=0)) == []
    assert model.sample(prefix=x[:, :3], seed=0).shape == (0, model.n_vars)
    with pytest.raises(ValueError, match="bits_per_variable needs at least one row"):
        model.bits_per_variable(x)


def test_bits_per_variable():
    model = random_made(6)
    x = model.sample(50, seed=0)
    assert model.bits_per_variable(x) == pytest.approx(-model.log_prob(x).mean() / 6 / np.log(2))


@every_model
def test_results_by_type(make):
    model = make()
    x = model.sample(4, seed=0)
    assert x.dtype == (np.uint8 if model.n_states else np.float32)
    assert x.flags.c_contiguous
    assert model.log_prob(x).dtype == np.float64
    wide = x.astype(np.float64)
    for same in (wide, np.asfortranarray(x), wide.tolist(), np.repeat(x, 2, axis=0)[::2]):
        assert (model.log_prob(same) == model.log_prob(x)).all()
    assert (model.score_samples(x) == model.log_prob(x)).all()


# --- prefixes ---


@every_type
@every_model
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 20])
def test_prefixes_are_kept_and_continued_by_the_model(make, length, dtype):
    model = make(dtype=dtype)
    first = model.order[:length]
    prefix = model.sample(40, seed=9)[:, first]
    x, log_prob = model.sample(prefix=prefix, seed=2, return_log_prob=True)
    assert (x[:, first] == prefix).all()
    close = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=close, atol=close)
    if dtype is np.float64:
        uniforms = random_uniforms(model, 40)
        own, expected = model.sample(prefix=prefix, uniforms=uniforms), reference.sample(plain(model), uniforms, prefix)
        np.testing.assert_allclose(own, expected, rtol=1e-9, atol=1e-9)
    if length == model.n_vars:
        assert (x[:, model.order] == prefix).all()
    if length == 0:
        assert (x == model.sample(40, seed=2)).all()


@every_type
def test_completions_follow_the_brute_force_conditional(dtype):
    model = random_made(5, n_states=3, dtype=dtype, scale=1.0)
    rows = reference.all_rows(5, 3)
    joint = np.exp(reference.log_prob(plain(model), rows))
    x = model.sample(10_000, prefix=[[2, 0, 1]], seed=6)
    assert (x[:, model.order[:3]] == [2, 0, 1]).all()
    expected = np.where((rows[:, model.order[:3]] == [2, 0, 1]).all(axis=1), joint, 0.0)
    expected *= 10_000 / expected.sum()
    counts = np.bincount(x @ 3 ** np.arange(5)[::-1], minlength=243)
    possible = expected > 0
    assert counts[~possible].sum() == 0
    assert ((counts - expected)[possible] ** 2 / expected[possible]).sum() < 26.1  # p = 0.001 at 8 degrees


@every_model
def test_several_rows_for_each_prefix(make):
    model = make()
    prefix = model.sample(5, seed=0)[:, model.order[:4]]
    x = model.sample(prefix=prefix, n_per_row=7, seed=1)
    assert (x == model.sample(prefix=np.repeat(prefix, 7, axis=0), seed=1)).all()
    assert (x[:7] == model.sample(7, prefix=prefix[:1], seed=1)).all()
    assert (x[7:14] == model.sample(7, prefix=prefix[1:2], seed=1, start=7)).all()


def test_the_sampling_log_prob_of_completions_leaves_the_prefix_out():
    model = random_made(6, dtype=np.float64)
    prefix = model.sample(30, seed=0)[:, model.order[:2]]
    rule = reference.Rule(0.5)
    x, log_prob, sampling = model.sample(prefix=prefix, temperature=0.5, seed=1, return_log_prob=True)
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-12)
    expected = reference.terms(plain(model), x, rule=rule)[:, model.order[2:]].sum(axis=1)
    np.testing.assert_allclose(sampling, expected, rtol=1e-12)


# --- bad input; the model stays as it is ---

UNIFORM = np.full((2, 4), 0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, TypeError, "sample needs n, the number of rows, or a prefix"),
        ({"n": -1}, ValueError, "n must be between 0 and 2.*40 rows, got -1"),
        ({"n": 2.0}, TypeError, "n must be an integer"),
        ({"n": True}, TypeError, "n must be an integer"),
        ({"n": 2**40}, ValueError, "sample needs .* GiB"),
        ({"n": 2, "seed": -1}, ValueError, "seed must be between 0"),
        ({"n": 2, "seed": 1.5}, TypeError, "seed must be an integer"),
        ({"n": 2, "start": -1}, ValueError, "start must be at least 0"),
        ({"n": 2, "start": 2**64 - 1}, ValueError, "start \\+ n at most"),
        ({"n": 2, "temperature": 0}, ValueError, "temperature must be positive and finite, got 0"),
        ({"n": 2, "temperature": -1.0}, ValueError, "temperature must be positive"),
        ({"n": 2, "temperature": np.inf}, ValueError, "temperature must be positive and finite, got inf"),
        ({"n": 2, "temperature": np.nan}, ValueError, "temperature must be positive"),
        ({"n": 2, "temperature": "hot"}, TypeError, "temperature must be a number, got 'hot'"),
        ({"n": 2, "top_k": 0}, ValueError, "top_k must be at least 1, got 0"),
        ({"n": 2, "top_k": 1.5}, TypeError, "top_k must be an integer"),
        ({"n": 2, "top_p": 0.0}, ValueError, r"top_p must be in \(0, 1\], got 0.0"),
        ({"n": 2, "top_p": 1.01}, ValueError, r"top_p must be in \(0, 1\], got 1.01"),
        ({"n": 2, "top_p": np.nan}, ValueError, r"top_p must be in \(0, 1\]"),
        ({"n": 2, "top_p": None, "n_per_row": 2}, ValueError, "n_per_row needs a prefix"),
        ({"n": 2, "given": [[0, -1, 0, 1]]}, ValueError, "given= is refused: known values that are not a prefix"),
        ({"n": 2, "given": {}}, ValueError, "Use prefix= .* train a model whose order .* or use a BayesNet"),
        ({"n": 2, "prefix": np.zeros((3, 2))}, ValueError, "the prefix fixes the number of rows"),
        ({"n": 2, "prefix": np.zeros((1, 2)), "n_per_row": 2}, ValueError, "the prefix fixes the number of rows"),
        ({"prefix": np.zeros((1, 2)), "n_per_row": 0}, ValueError, "n_per_row must be at least 1"),
        ({"prefix": np.zeros((2, 5))}, ValueError, "prefix must have at most n_vars = 4 columns, got 5"),
        ({"prefix": np.zeros(4)}, ValueError, "prefix must have shape"),
        ({"prefix": [[0, 2]]}, ValueError, "prefix must hold codes from 0 to 1, got 2 in row 0, variable 1"),
        ({"prefix": [[0, 0.5]]}, ValueError, "prefix must hold codes from 0 to 1, got 0.5"),
        ({"prefix": [[0, -1]]}, MissingValuesError, "row 0, variable 1 is missing"),
        ({"prefix": [[0, np.nan]]}, MissingValuesError, "row 0, variable 1 is missing"),
        ({"prefix": [["a", "b"]]}, TypeError, "prefix must hold numbers"),
        ({"n": 2, "uniforms": np.zeros((2, 3))}, ValueError, r"uniforms must have shape \(2, 4\), got \(2, 3\)"),
        ({"n": 2, "uniforms": np.zeros((3, 4))}, ValueError, r"uniforms must have shape \(2, 4\), got \(3, 4\)"),
        ({"n": 2, "uniforms": UNIFORM[..., np.newaxis]}, ValueError, r"shape \(2, 4\), got \(2, 4, 1\)"),
        ({"n": 2, "uniforms": UNIFORM * 2}, ValueError, "uniforms must be at least 0 and below 1"),
        ({"n": 2, "uniforms": -UNIFORM}, ValueError, "uniforms must be at least 0 and below 1"),
        ({"n": 2, "uniforms": UNIFORM * np.nan}, ValueError, "uniforms must be at least 0 and below 1"),
        ({"n": 2, "uniforms": [["a"] * 4] * 2}, TypeError, "uniforms must hold numbers"),
    ],
)
def test_bad_requests(arguments, error, message):
    model = random_made(4)
    before = model.sample(20, seed=0)
    with pytest.raises(error, match=message):
        model.sample(**arguments)
    assert (model.sample(20, seed=0) == before).all()


def test_uniforms_of_mixtures_have_two_numbers():
    model = random_made(4, head="mixture", n_components=2)
    with pytest.raises(ValueError, match=r"uniforms must have shape \(2, 4, 2\), got \(2, 4\)"):
        model.sample(2, uniforms=UNIFORM)
    assert model.sample(2, uniforms=np.full((2, 4, 2), 0.5)).shape == (2, 4)
    assert model.sample(0, uniforms=np.empty((0, 4, 2))).shape == (0, 4)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((2, 5)), ValueError, r"x must have shape \(n_rows, 4\), got \(2, 5\)"),
        (np.zeros((2, 4, 1)), ValueError, r"x must have shape \(n_rows, 4\), got \(2, 4, 1\)"),
        (np.zeros(5), ValueError, r"x must have shape \(n_rows, 4\), got \(5,\)"),
        (3, ValueError, "x must have shape"),
        ([[0, 1, 2, 0]], ValueError, "x must hold codes from 0 to 1, got 2 in row 0, variable 2"),
        ([[0, 1, 0, 0], [0, 258, 0, 0]], ValueError, "got 258 in row 1, variable 1"),
        (np.full((1, 4), 7, np.uint8), ValueError, "got 7 in row 0, variable 0"),
        ([[0, 0.5, 1, 0]], ValueError, "got 0.5 in row 0, variable 1"),
        ([[0, -2, 1, 0]], ValueError, "got -2 in row 0, variable 1"),
        ([[0, np.inf, 1, 0]], ValueError, "got inf in row 0, variable 1"),
        ([[0, 1e300, 1, 0]], ValueError, "got 1e.300 in row 0, variable 1"),
        ([[0, np.nan, 1, 0]], MissingValuesError, "row 0, variable 1 is missing"),
        ([[0, 1, -1, 0]], MissingValuesError, "row 0, variable 2 is missing"),
        ([["0", "1", "0", "0"]], TypeError, "x must hold numbers"),
        (np.zeros((1, 4), complex), TypeError, "x must hold numbers, got dtype complex128"),
        (np.array([[0, None, 0, 1]]), TypeError, "x must hold numbers, got dtype object"),
    ],
)
def test_bad_rows(x, error, message):
    model = random_made(4)
    for call in (model.log_prob, model.bits_per_variable, model.score_samples):
        with pytest.raises(error, match=message):
            call(x)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[0.0, np.inf]], ValueError, "x must hold finite numbers, got inf in row 0, variable 1"),
        ([[0.0, 1.0], [np.nan, 0.0]], MissingValuesError, "got nan in row 1, variable 0"),
        ([[0.0, 1e300]], ValueError, "x must hold finite numbers, got 1e.300"),  # no float32
        ([[0.0]], ValueError, r"x must have shape \(n_rows, 2\)"),
    ],
)
def test_bad_real_rows(x, error, message):
    model = random_made(2, head="normal")
    with pytest.raises(error, match=message):
        model.log_prob(x)
    with pytest.raises(error, match=message.replace("x must", "prefix must").replace("n_rows, 2", "n_rows, n_vars")):
        model.sample(prefix=x if len(x[0]) == 2 else x[0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 5, "chunk": 0}, ValueError, "chunk must be at least 1 row, got 0"),
        ({"n": 5, "chunk": 1.5}, TypeError, "chunk must be an integer"),
        ({"n": -5}, ValueError, "n must be between 0"),
        ({"n": 5, "start": 2**64}, ValueError, "start"),
        ({"n": 5, "seed": "x"}, TypeError, "seed must be an integer"),
    ],
)
def test_bad_chunks(arguments, error, message):
    with pytest.raises(error, match=message):
        random_made(3).iter_samples(**arguments)


def test_the_seed_of_iter_samples_is_a_keyword():
    with pytest.raises(TypeError, match="positional"):
        random_made(3).iter_samples(5, 2, 0)
