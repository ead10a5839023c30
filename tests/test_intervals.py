"""The mean of the normal density over intervals: against quadrature, asymptotics and its twin."""

from __future__ import annotations

import numpy as np
import pytest
import reference_joint as reference
from device import run

from fastdgm.engines.intervals.loops import LOOPS

pytestmark = pytest.mark.kernel

MIDDLES = np.array([0.0, 1e-9, 0.3, -0.3, 2.0, -2.0, 5.5, 12.0, -25.0])
WIDTHS = [1e-4, 0.01, 0.049, 0.051, 0.5, 3.0, 30.0]


def log_mean_density(middles, width):
    out = np.empty(len(middles))
    LOOPS["log mean density", "cpu"](0, len(middles), middles, width, out)
    return out


def by_quadrature(middle, width):
    """With the density at the end nearer to 0 put aside, so that nothing underflows."""
    t = abs(middle)
    nearest = max(t - width / 2, 0.0)

    def density(x):
        return np.exp(-0.5 * (x - nearest) * (x + nearest))

    low, high = max(t - width / 2, nearest - 14), min(t + width / 2, nearest + 14)
    area = reference.integral(density, low, high)
    return np.log(area / width) - 0.5 * nearest**2 - 0.5 * np.log(2 * np.pi)


@pytest.mark.parametrize("width", WIDTHS)
def test_quadrature(width):
    expected = [by_quadrature(middle, width) for middle in MIDDLES]
    np.testing.assert_allclose(log_mean_density(MIDDLES, width), expected, rtol=1e-11)


def test_a_point_is_the_density():
    expected = -0.5 * MIDDLES**2 - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(log_mean_density(MIDDLES, 0.0), expected, rtol=1e-15)


@pytest.mark.parametrize("width", [0.2, 5.0])
def test_far_out(width):
    middles = np.array([29.9, 30.1, 35.0, 1e3, 1e6]) + width / 2
    t = middles - width / 2
    share = -np.expm1(-t * width - width**2 / 2)  # to the first order of 1 / t^2
    expected = -t * t / 2 - 0.5 * np.log(2 * np.pi) - np.log(t) + np.log(share) - np.log(width)
    np.testing.assert_allclose(log_mean_density(middles, width), expected, atol=3e-3)
    assert (np.diff(log_mean_density(np.linspace(25, 40, 1000), width)) < 0).all()


def test_branches_meet():
    for middle in (0.0, 1.0, 40.0):
        edge = 0.05 / (1 + middle)
        below, above = (log_mean_density(np.array([middle]), edge * (1 + s))[0] for s in (-1e-9, 1e-9))
        assert below == pytest.approx(above, rel=1e-11)


@pytest.mark.gpu
def test_twin():
    from fastdgm.engines.intervals.loops_cuda import LOOPS as CUDA_LOOPS

    for width in (0.01, 3.0):
        found = np.empty(len(MIDDLES))
        run(CUDA_LOOPS["log mean density", "cuda"], len(MIDDLES), MIDDLES, width, found)
        np.testing.assert_allclose(found, log_mean_density(MIDDLES, width), rtol=1e-12)
