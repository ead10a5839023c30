"""Markov chains on a GPU: sequences there are drawn, scored and counted as the CPU does it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from device_array import DeviceArray, counted_copies, on_host

from fastdgm.autoregressive import cuda_sequences
from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import cuda_counts, cuda_run
from fastdgm.engines.markov import plan as markov_plan
from fastdgm.errors import MissingValuesError

pytestmark = pytest.mark.gpu
LENGTHS = [3, 0, 9, 1, 26, 5, 0, 2]


def ragged(n_states: int = 5, lengths: list[int] = LENGTHS) -> tuple[np.ndarray, np.ndarray]:
    """Values and offsets."""
    values = np.random.default_rng(0).integers(0, n_states, sum(lengths)).astype(np.uint8)
    return values, np.cumsum([0, *lengths])


def there(*arrays: np.ndarray) -> tuple[DeviceArray, ...]:
    return tuple(map(DeviceArray, arrays))


@pytest.fixture(params=["dense", "sparse"])
def model(request, monkeypatch) -> MarkovChain:
    """An order-2 chain of ragged sequences, some of them empty."""
    if request.param == "sparse":
        monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: False)
    return MarkovChain(2, n_states=5).fit(ragged())


@pytest.fixture(params=["shared", "L2"])
def memory(request, monkeypatch) -> None:
    """Where tables are read."""
    if request.param == "L2":
        monkeypatch.setattr(cuda_run, "SHARED_BYTES", 0)
        monkeypatch.setattr(cuda_counts, "SHARED_BYTES", 0)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("pieces", [1, 4])
def test_log_prob(model, pieces, monkeypatch):
    monkeypatch.setattr(cuda_run, "ENOUGH_THREADS", 8 * pieces)
    monkeypatch.setattr(cuda_run, "RUN", 4)
    found = model.log_prob(there(*ragged()))
    np.testing.assert_allclose(on_host(found), model.log_prob(ragged()), rtol=1e-12)


def test_log_prob_of_every_symbol(model):
    (terms, starts), (expected, begin) = (
        model.log_prob(data, per_variable=True) for data in (there(*ragged()), ragged())
    )
    np.testing.assert_array_equal(on_host(terms), expected)
    np.testing.assert_array_equal(on_host(starts), begin)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_any_integers_in_any_layout(model, dtype):
    values, offsets = ragged()
    expected = model.log_prob((values, offsets))
    spread = np.zeros(2 * len(values), dtype)
    spread[::2] = values
    found = model.log_prob(there(spread[::2], offsets.astype(np.int32)))
    np.testing.assert_allclose(on_host(found), expected, rtol=1e-12)
    padded = np.full((len(LENGTHS), max(LENGTHS)), 99, dtype)
    for i, n in enumerate(LENGTHS):
        padded[i, :n] = values[offsets[i] : offsets[i] + n]
    found = model.log_prob(there(padded, np.diff(offsets).astype(dtype)))
    np.testing.assert_allclose(on_host(found), expected, rtol=1e-12)
    found = model.log_prob((DeviceArray(values[1:]), np.array([0, len(values) - 1])))  # beside a word
    np.testing.assert_allclose(on_host(found), model.log_prob([values[1:]]), rtol=1e-12)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("start", [0, 2**32 - 5])
def test_samples_are_those_of_the_cpu(model, start):
    expected = model.sample(11, seed=2**63 + 1, start=start, max_length=30)
    found = model.sample(11, seed=2**63 + 1, start=start, max_length=30, device="cuda")
    assert len(found) == 11
    assert [own.tolist() for own in found.to("cpu")] == [own.tolist() for own in expected]
    assert on_host(found[3]).tolist() == expected[3].tolist()


def test_samples_go_on_from_prefixes(model):
    prefix = ragged(5, [1, 0, 11, 2])
    options = {"n_per_row": 2, "seed": 5, "max_length": 12, "return_log_prob": True}
    expected, log_prob = model.sample(prefix=prefix, **options)
    found, found_log_prob = model.sample(prefix=there(*prefix), **options)
    assert [own.tolist() for own in found.to("cpu")] == [own.tolist() for own in expected]
    np.testing.assert_allclose(on_host(found_log_prob), log_prob, rtol=1e-12)
    np.testing.assert_allclose(
        on_host(model.log_prob(found))[[0, 3]], model.log_prob([expected[0], expected[3]]), rtol=1e-12
    )


def test_tempered_and_truncated_draws():
    model, prefix = MarkovChain(2, n_states=5).fit(ragged()), ragged(5, [1, 0, 9])
    options = {"temperature": 0.7, "top_k": 3, "seed": 5, "max_length": 9, "return_log_prob": True}
    for given, same in (({"n": 5}, {"n": 5, "device": "cuda"}), ({"prefix": prefix}, {"prefix": there(*prefix)})):
        expected, found = model.sample(**given, **options), model.sample(**same, **options)
        assert [own.tolist() for own in found[0].to("cpu")] == [own.tolist() for own in expected[0]]
        for own, numbers in zip(found[1:], expected[1:], strict=True):
            np.testing.assert_allclose(on_host(own), numbers, rtol=1e-12, atol=1e-300)


def test_text_comes_back_as_text():
    model = MarkovChain(2).fit(["emma", "ava", "anna", "mia", "ann"])
    found = model.sample(5, seed=1, device="cuda")
    assert found.to("cpu") == model.sample(5, seed=1)
    np.testing.assert_allclose(on_host(model.log_prob(found)), model.log_prob(found.to("cpu")), rtol=1e-12)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("pieces", [1, 4])
@pytest.mark.parametrize("most", [1 << 24, 1], ids=["by key", "hashed"])
def test_fit(pieces, most, monkeypatch):
    monkeypatch.setattr(cuda_run, "ENOUGH_THREADS", 8 * pieces)
    monkeypatch.setattr(cuda_counts, "RUN", 4)
    monkeypatch.setattr(cuda_counts, "MOST_KEYS", most)
    rows = np.random.default_rng(1).integers(0, 5, (9, 6))
    for data, options in (
        (ragged(), {}),
        (rows, {}),
        (rows, {"position_dependent": True}),
        (rows.astype(bool), {"n_vars": 6}),
    ):
        on_card = there(*data) if isinstance(data, tuple) else DeviceArray(data)
        found, expected = (MarkovChain(2, **options).fit(own)._state() for own in (on_card, data))
        assert found[0] == expected[0]
        for own, numbers in zip(found[1].values(), expected[1].values(), strict=True):
            np.testing.assert_array_equal(own, numbers)


@pytest.fixture(params=["one table", "by position", "sparse"])
def of_rows(request, monkeypatch) -> MarkovChain:
    if request.param == "sparse":
        monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: False)
    rows = np.random.default_rng(2).integers(0, 5, (20, 7))
    return MarkovChain(2, n_states=5, position_dependent=request.param == "by position").fit(rows)


@pytest.mark.parametrize("pieces", [1, 4])
def test_rows_are_scored(of_rows, pieces, monkeypatch):
    monkeypatch.setattr(cuda_run, "ENOUGH_THREADS", 9 * pieces)
    monkeypatch.setattr(cuda_run, "RUN", 3)
    rows = np.random.default_rng(3).integers(0, 5, (9, 7))
    for per_variable in (False, True):
        found = of_rows.log_prob(DeviceArray(rows), per_variable=per_variable)
        np.testing.assert_allclose(on_host(found), of_rows.log_prob(rows, per_variable=per_variable), rtol=1e-12)
    assert of_rows.bits_per_variable(DeviceArray(rows)) == pytest.approx(of_rows.bits_per_variable(rows), rel=1e-12)


@pytest.mark.parametrize("prefix", [None, np.array([[1, 2, 0], [4, 4, 4]], np.uint8)], ids=["whole", "continued"])
def test_rows_are_those_of_the_cpu(of_rows, prefix):
    options = {"seed": 2**63 + 1, "start": 2**32 - 5, "return_log_prob": True}
    here = {"n": 9} if prefix is None else {"prefix": prefix, "n_per_row": 3}
    there = {"n": 9, "device": "cuda"} if prefix is None else {**here, "prefix": DeviceArray(prefix)}
    for own, expected in zip(of_rows.sample(**there, **options), of_rows.sample(**here, **options), strict=True):
        np.testing.assert_allclose(on_host(own), expected, rtol=1e-12)


def test_rows_are_truncated():
    model = MarkovChain(2, n_states=5).fit(np.random.default_rng(2).integers(0, 5, (20, 7)))
    options = {"seed": 3, "return_log_prob": True, "top_p": 0.6}
    prefix = np.array([[1, 2, 0], [4, 4, 4]], np.uint8)
    found, expected = (model.sample(prefix=own, **options) for own in (DeviceArray(prefix), prefix))
    for own, numbers in zip(found, expected, strict=True):
        np.testing.assert_allclose(on_host(own), numbers, rtol=1e-12)


def test_samples_in_chunks(model):
    whole = model.sample(7, seed=1, start=3, max_length=None)
    parts = model.iter_samples(7, chunk=3, seed=1, start=3, device="cuda")
    assert [own.tolist() for part in parts for own in part.to("cpu")] == [own.tolist() for own in whole]


def test_bits_per_symbol(model):
    assert model.bits_per_variable(there(*ragged())) == pytest.approx(model.bits_per_variable(ragged()), rel=1e-12)


def test_uploads_are_neither_pickled_nor_copied(model):
    model.sample(2, seed=0, device="cuda")
    for own in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert [x.tolist() for x in own.sample(3, seed=0)] == [x.tolist() for x in model.sample(3, seed=0)]


def test_errors_are_those_of_the_cpu(model, monkeypatch):
    values, offsets = ragged()
    for wrong, error in ((-1, MissingValuesError), (5, ValueError)):
        changed = values.astype(np.int64)
        changed[4] = wrong
        with pytest.raises(error) as expected:
            model.log_prob((changed, offsets))
        with pytest.raises(error) as found:
            model.log_prob(there(changed, offsets))
        assert str(found.value) == str(expected.value)
    with pytest.raises(ValueError, match=r"offsets must rise from 0 to len\(values\) = 46, but offset 2 is -3"):
        model.log_prob(there(values, np.where(np.arange(9) == 2, -3, offsets)))
    with pytest.raises(ValueError, match="lengths must be between 0 and 3, got 4 for row 1"):
        model.log_prob(there(np.zeros((2, 3), np.uint8), np.array([0, 4])))
    with pytest.raises(TypeError, match="sequences hold integer codes, got float32"):
        model.log_prob(there(values.astype(np.float32), offsets))
    monkeypatch.setattr(cuda_sequences, "MAX_LENGTH", 4)
    late = next(i for i, own in enumerate(model.sample(9, seed=0)) if len(own) >= 4)
    with pytest.raises(ValueError, match=f"sequence {late} had not ended after 4 symbols"):
        model.sample(9, seed=0, device="cuda")


def test_prefixes_of_strings_are_uploaded():
    model = MarkovChain(2).fit(["emma", "ava", "anna", "mia", "ann"])
    for prefix in ("em", ["em", "", "an"]):
        found = model.sample(prefix=prefix, seed=4, device="cuda")
        assert found.to("cpu") == model.sample(prefix=prefix, seed=4)
    with pytest.raises(TypeError, match="prefix is on a GPU"):
        model.sample(prefix=there(*ragged(4)), device="cpu")


def test_no_sequences(model):
    nothing = np.empty(0, np.uint8), np.zeros(1, np.int64)
    assert len(on_host(model.log_prob(there(*nothing)))) == 0
    assert model.sample(0, seed=0, device="cuda").to("cpu") == []
    with pytest.raises(ValueError, match="at least one sequence"):
        MarkovChain(2, n_states=3).fit(there(*nothing))


def test_what_fit_refuses():
    rows = np.zeros((3, 4), np.uint8)
    for options, data in (({"n_vars": 5}, rows), ({}, rows[:, :0])):
        with pytest.raises(ValueError, match="rows must have shape"):
            MarkovChain(1, **options).fit(DeviceArray(data))
    with pytest.raises(ValueError, match=r"rows must have shape .* got ragged sequences"):
        MarkovChain(1, position_dependent=True).fit(there(*ragged()))
    with pytest.raises(ValueError, match="all 2 sequences are empty"):
        MarkovChain(1).fit(there(np.empty(0, np.uint8), np.zeros(3, np.int64)))


def test_uniforms_of_rows_are_for_the_cpu(of_rows):
    with pytest.raises(TypeError, match="uniforms= of a Markov chain are for the CPU"):
        of_rows.sample(2, uniforms=np.zeros((2, 7)), device="cuda")


def test_sparse_chains_are_not_truncated_there(monkeypatch):
    monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: False)
    with pytest.raises(TypeError, match="sparse chain need the distribution of every context"):
        MarkovChain(2, n_states=5).fit(ragged()).sample(3, top_k=2, device="cuda")


def test_nothing_is_copied_unasked(monkeypatch):
    model = MarkovChain(2, n_states=5).fit(ragged())
    x = model.sample(5, seed=0, device="cuda")
    model.log_prob(x)
    copies = counted_copies(monkeypatch)
    model.log_prob(x)
    assert not copies
    model.sample(5, seed=0, device="cuda")
    model.log_prob(there(*ragged()))
    assert not copies["to_device"] and not copies["to_host"]
    x.to("cpu")
    assert copies["to_host"] == 2
    with pytest.raises(TypeError, match=r"x\.to\('cpu'\)"):
        np.asarray(x)
