"""Normal, exponential and Laplace numbers of random words: the oracle's, to far out, monotone, alike in any batch."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
import reference_ar
from numba import njit

from fastdgm.kernels import portable
from fastdgm.kernels.exponential import far_exponential, fill_exponentials, near_exponential
from fastdgm.kernels.laplace import far_laplace, fill_laplaces, near_laplace
from fastdgm.kernels.normal import fill_normals
from fastdgm.kernels.normal_quantile import far_normal, near_normal
from fastdgm.kernels.tails import is_upper, middle32, middle64, outer_tail32, tail32, tail64, tail_word

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu, pytest.mark.slow]

NAMES = ["normal", "exponential", "laplace"]
TYPES = [np.float32, np.float64]
every_type = pytest.mark.parametrize("dtype", TYPES)
every_distribution = pytest.mark.parametrize("name", NAMES)
LARGEST_ERROR = {np.float32: 5e-7, np.float64: 1.5e-15}
GENERIC = 1 if portable.FUSED else 4  # products rounded before they are added cost some more


def compiled(near, far, fill):
    """The loop over rows, and numbers of given words in both types."""

    @njit
    def rows(key, row, first, words, out):
        fill(key, row, first, words, out)

    @njit
    def single(high, low, out):
        for i in range(out.size):
            if tail_word(high[i]) < 1 << 24:
                tail = outer_tail32(high[i], low[i])
                out[i] = far(tail, np.float32(0.5) - tail, is_upper(high[i]))
            else:
                out[i] = near(tail32(high[i]), middle32(high[i]), is_upper(high[i]))

    @njit
    def double(high, low, out):
        for i in range(out.size):
            tail, middle = tail64(high[i], low[i]), middle64(high[i], low[i])
            if tail_word(high[i]) < 1 << 24:
                out[i] = far(tail, middle, is_upper(high[i]))
            else:
                out[i] = near(tail, middle, is_upper(high[i]))

    return rows, single, double


SCALARS = {
    "normal": (near_normal, far_normal),
    "exponential": (near_exponential, far_exponential),
    "laplace": (near_laplace, far_laplace),
}
FILL = {"normal": fill_normals, "exponential": fill_exponentials, "laplace": fill_laplaces}
LOOPS = {name: compiled(*SCALARS[name], FILL[name]) for name in NAMES}


def of_rows(name, key, row, first, count, n, dtype):
    """(count, n) numbers of words ``first`` .. of rows ``row`` .."""
    out = np.full((count, n), np.nan, dtype)
    words = np.zeros((8, n), np.uint32)
    LOOPS[name][0](np.uint64(key), np.uint64(row), np.int64(first), words, out)
    return out


def of_numbers(name, numbers, dtype):
    """Of 64-bit numbers, whose halves are the two words."""
    high, low = (numbers >> np.uint64(32)).astype(np.uint32), (numbers & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    out = np.empty(len(numbers), dtype)
    LOOPS[name][1 if dtype is np.float32 else 2](high, low, out)
    return out


def chosen_numbers(n):
    """Both ends, the middle, and numbers of every size from either end."""
    random = np.random.default_rng(0)
    sizes = np.exp2(random.uniform(0, 63, n)).astype(np.uint64)
    middle = np.uint64(2**63)
    ends = np.array([0, 1, 2**24, 2**32 - 1, 2**32, 2**56 - 1, 2**56, 2**63 - 1], np.uint64)
    lower = np.concatenate([ends, sizes, middle - np.uint64(1) - sizes, random.integers(0, 2**63, n, np.uint64)])
    return np.sort(np.concatenate([lower, ~lower]))


@every_type
@every_distribution
def test_numbers_are_the_exact_ones_rounded(name, dtype):
    pytest.importorskip("mpmath")
    import reference_quantiles

    numbers = chosen_numbers(150)
    exact = {
        "normal": reference_quantiles.normal,
        "exponential": reference_quantiles.exponential,
        "laplace": reference_quantiles.laplace,
    }[name]
    errors = reference_quantiles.relative_errors(of_numbers(name, numbers, dtype), numbers, exact)
    assert errors.max() < GENERIC * LARGEST_ERROR[dtype]


@every_type
@every_distribution
@pytest.mark.parametrize(
    ("row", "first", "n"), [(0, 0, 200), (2**32 - 70, 3, 130), (2**40 + 5, 6, 31), (2**64 - 9, 1, 9)]
)
def test_rows_are_those_of_their_words(name, dtype, row, first, n):
    numbers = reference_ar.exact_numbers(9, row, n, first + 6)[:, first:]
    expected = of_numbers(name, np.ascontiguousarray(numbers.T).ravel(), dtype).reshape(6, n)
    assert (of_rows(name, 9, row, first, 6, n, dtype) == expected).all()


@every_type
@every_distribution
def test_they_grow_with_the_number(name, dtype):
    """But for rounding."""
    numbers = chosen_numbers(20_000)
    x = of_numbers(name, numbers, dtype).astype(np.float64)
    assert np.isfinite(x).all()
    assert (np.diff(x) >= -4 * GENERIC * np.finfo(dtype).eps * np.abs(x[1:])).all()


@every_type
@pytest.mark.parametrize("name", ["normal", "laplace"])
def test_both_sides_are_alike(name, dtype):
    numbers = chosen_numbers(2000)
    assert (of_numbers(name, numbers, dtype) == -of_numbers(name, ~numbers, dtype)).all()


def probability_below(name, x):
    if name == "normal":
        return 0.5 * math.erfc(-x / math.sqrt(2))
    if name == "exponential":
        return -math.expm1(-x)
    return 0.5 * math.exp(x) if x < 0 else 1 - 0.5 * math.exp(-x)


@every_type
@every_distribution
@pytest.mark.parametrize("p", [5e-9, 1e-7, 1e-5, 1e-3, 0.1])
def test_as_many_words_lie_beyond_as_should(name, dtype, p):
    """The exact number of 64-bit numbers below a small quantile, or above a large one, by bisection."""
    upper = name == "exponential"
    x = -math.log(p) if upper else NormalDist().inv_cdf(p) if name == "normal" else math.log(2 * p)
    inside, outside = 2**63, 2**64 - 1 if upper else 0
    while abs(inside - outside) > 1:
        number = (inside + outside) // 2
        beyond = of_numbers(name, np.array([number], np.uint64), dtype)[0]
        inside, outside = (inside, number) if (beyond > x if upper else beyond < x) else (number, outside)
    mass = (2**64 - outside if upper else outside + 1) / 2**64
    exact = math.exp(-x) if upper else probability_below(name, x)
    assert mass == pytest.approx(exact, rel=2e-5 if dtype is np.float32 else 1e-12)


@every_type
@every_distribution
def test_they_have_their_distribution(name, dtype):
    """Kolmogorov and Smirnov's distance of 200 000, at most its quantile 0.999; and counts far out."""
    x = np.sort(of_rows(name, 4, 0, 0, 8, 25_000, dtype).ravel().astype(np.float64))
    below = np.array([probability_below(name, number) for number in x])
    steps = np.arange(len(x) + 1) / len(x)
    distance = max(np.abs(below - steps[1:]).max(), np.abs(below - steps[:-1]).max())
    assert distance < 1.95 / math.sqrt(len(x))
    for p in (1e-4, 1e-3):
        assert abs((below > 1 - p).sum() - p * len(x)) < 4 * math.sqrt(p * len(x))


@every_type
@every_distribution
def test_plain_python_gives_the_same_bits(name, dtype):
    """The arithmetic of the simulator, whose multiply_add is exact: so the CPU's is fused, and nothing else is."""
    near, far = {
        "normal": (near_normal, far_normal),
        "exponential": (near_exponential, far_exponential),
        "laplace": (near_laplace, far_laplace),
    }[name]
    numbers = chosen_numbers(60)
    plain = np.array(
        [_plain(near, far, np.uint32(n >> 32), np.uint32(n & 0xFFFFFFFF), dtype) for n in numbers.tolist()]
    )
    if portable.FUSED:
        assert (plain == of_numbers(name, numbers, dtype)).all()
    else:
        np.testing.assert_allclose(plain, of_numbers(name, numbers, dtype), rtol=4 * LARGEST_ERROR[dtype])


def _plain(near, far, high, low, dtype):
    if dtype is np.float64:
        tail, middle = tail64(high, low), middle64(high, low)
        return (far if tail_word(high) < 1 << 24 else near)(tail, middle, is_upper(high))
    if tail_word(high) < 1 << 24:
        tail = outer_tail32(high, low)
        return far(tail, np.float32(0.5) - tail, is_upper(high))
    return near(tail32(high), middle32(high), is_upper(high))
