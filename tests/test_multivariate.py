"""Normal vectors: parameters and their checks."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fastdgm.conditionals.multivariate import MultivariateNormal
from fastdgm.data.variables import Discrete, Real
from fastdgm.errors import NotFittedError, UnknownNameError

MEAN, COVARIANCE = [1.0, -2.0, 0.5], [[2.0, 0.3, -0.1], [0.3, 1.0, 0.2], [-0.1, 0.2, 0.5]]
THREE = Discrete(("a", "b", "c"))
TWO = Discrete(("no", "yes"))


def test_parameters():
    x = MultivariateNormal(MEAN, COVARIANCE)
    assert (x.parents, x.variable, x.names, x.n_parameters) == ((), Real((3,)), None, 9)
    assert x.mean.tolist() == MEAN and x.covariance.tolist() == COVARIANCE
    np.testing.assert_allclose(x.std, np.sqrt(np.diag(COVARIANCE)))
    assert not x.mean.flags.writeable and not x.covariance.flags.writeable
    with pytest.raises(AttributeError, match="never changes"):
        x.names = ("a", "b", "c")


def test_arguments_are_copied():
    mean = np.array(MEAN)
    x = MultivariateNormal(mean, COVARIANCE)
    mean[0] = 7.0
    assert x.mean[0] == 1.0


def test_given_parents():
    means = np.arange(18.0).reshape(3, 2, 3)
    own = MultivariateNormal.given(["z", "w"], means, COVARIANCE).bound("x", [THREE, TWO])
    assert own.mean.shape == (3, 2, 3) and own.covariance.shape == (3, 2, 3, 3)
    assert own.n_parameters == 6 * 9
    assert own.bound("x", [THREE, TWO]) == own and own.parent_states == (THREE.states, TWO.states)
    same = MultivariateNormal.given(["z"], MEAN, COVARIANCE).bound("x", [THREE])
    assert same.mean.tolist() == [MEAN] * 3 and same.n_parameters == 27


@pytest.mark.parametrize("own", [
    MultivariateNormal(MEAN, COVARIANCE, names=["a", "b", "c"]),
    MultivariateNormal.given(["z"], [MEAN, MEAN], COVARIANCE),
    MultivariateNormal.given(["z"], size=3),
    MultivariateNormal.standard(2),
])  # fmt: skip
def test_copies_are_equal(own):
    for other in (pickle.loads(pickle.dumps(own)), copy.deepcopy(own)):
        assert other == own and hash(other) == hash(own) and other.variable == own.variable


def test_round_trip_of_parameters():
    own = MultivariateNormal.given(["z"], [MEAN, [0, 0, 0]], COVARIANCE).bound("x", [TWO])
    assert MultivariateNormal.from_parameters("x", ["z"], own.variable, own.parameters()) == own
    left_out = MultivariateNormal(size=4)
    again = MultivariateNormal.from_parameters("x", [], left_out.variable, left_out.parameters())
    assert again == left_out and again.variable.size == 4
    with pytest.raises(ValueError, match="'x' has a mean and a covariance and no other arrays"):
        MultivariateNormal.from_parameters("x", [], Real((3,)), {"mean": np.zeros(3)})
    with pytest.raises(ValueError, match="parameters of 'x': size=2 and a mean of 3 components disagree"):
        MultivariateNormal.from_parameters("x", ["z"], Real((2,)), own.parameters())


def test_equality_is_of_all_parts():
    own = MultivariateNormal(MEAN, COVARIANCE)
    assert own != MultivariateNormal([0, 0, 0], COVARIANCE)
    assert own != MultivariateNormal(MEAN, np.eye(3))
    assert own != MultivariateNormal(MEAN, COVARIANCE, names=["a", "b", "c"])
    assert own != MultivariateNormal.given(["z"], MEAN, COVARIANCE)
    assert own != MultivariateNormal(size=3) and own != 3


def test_left_out():
    own = MultivariateNormal.given(["z"], size=2)
    assert not own.is_fitted and own.variable == Real((2,)) and "not fitted" in repr(own)
    with pytest.raises(NotFittedError, match="call fit"):
        own.mean  # noqa: B018
    with pytest.raises(NotFittedError, match="depends on the parents"):
        own.n_parameters  # noqa: B018
    assert own.bound("x", [THREE]).n_parameters == 15


def test_marginals_and_text():
    own = MultivariateNormal(MEAN, COVARIANCE, names=["a", "b", "c"])
    part = own.marginal(["c", "a"])
    assert part.names == ("c", "a") and part.mean.tolist() == [0.5, 1.0]
    assert part.covariance.tolist() == [[0.5, -0.1], [-0.1, 2.0]]
    with pytest.raises(UnknownNameError, match="no component 'd'"):
        own.marginal(["d"])
    with pytest.raises(ValueError, match="have no names"):
        MultivariateNormal(MEAN, COVARIANCE).marginal(["a"])
    assert repr(own).splitlines()[2].split() == ["a", "1", "1.41421"]
    assert "(28 more)" in repr(MultivariateNormal.standard(40))
    assert own.bound("x", []).names is None


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_scales_do_not_matter(scale):
    deviations = np.array([scale, 1.0, 1 / scale])
    own = MultivariateNormal(MEAN, COVARIANCE * deviations * deviations[:, None])
    np.testing.assert_allclose(own.std, np.sqrt(np.diag(COVARIANCE)) * deviations)


def test_rounding_is_averaged():
    covariance = np.array(COVARIANCE)
    covariance[0, 1] += 1e-12
    own = MultivariateNormal(MEAN, covariance)
    assert (own.covariance == own.covariance.T).all()


BAD = [
    ((MEAN, np.eye(2)), r"covariance of 3 components has shape \(3, 3\), got \(2, 2\)"),
    ((MEAN, [[1, 2, 0], [2, 1, 0], [0, 0, 1]]), "smallest eigenvalue is -1"),
    ((MEAN, np.ones((3, 3))), "smallest eigenvalue is"),
    ((MEAN, np.zeros((3, 3))), "smallest eigenvalue is 0"),
    ((MEAN, -np.eye(3)), "smallest eigenvalue is -1"),
    ((MEAN, [[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]]), r"symmetric, got 0.5 at \[0, 1\] and 0.4 at \[1, 0\]"),
    (([np.nan, 0, 0], COVARIANCE), r"must be finite, got nan at \[0\]"),
    ((MEAN, np.diag([1, np.inf, 1])), r"must be finite, got inf at \[1, 1\]"),
    ((np.ma.masked_array(MEAN, [1, 0, 0]), COVARIANCE), "no missing entries"),
    (([], np.zeros((0, 0))), "at least one"),
    ((0.0, 1.0), "one axis of components"),
    (([MEAN], COVARIANCE), "one axis of components"),
    ((MEAN, None), "both a mean and a covariance"),
    ((None, None), "or a size="),
    ((["a", "b"], np.eye(2)), "real numbers"),
    (([1j, 0], np.eye(2)), "type complex128"),
    ((MEAN, COVARIANCE, ["a", "b"]), "3 components have 3 distinct names"),
    ((MEAN, COVARIANCE, ["a", "b", "b"]), "distinct names"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_parameters(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultivariateNormal(*arguments)


def test_bad_parents():
    with pytest.raises(ValueError, match=r"covariance of 'x' .* expected shape \(2, 3, 3\).*, got \(3, 3, 3\)"):
        MultivariateNormal.given(["z"], [MEAN] * 2, [COVARIANCE] * 3).bound("x", [TWO])
    with pytest.raises(ValueError, match=r"smallest eigenvalue is -1 at parent states \[1\]"):
        MultivariateNormal.given(["z"], [[0.0], [0.0]], [[[1.0]], [[-1.0]]])
    own = MultivariateNormal.given(["z"], [MEAN] * 2, COVARIANCE)
    with pytest.raises(ValueError, match=r"mean of 'x' .* expected shape \(3, 3\).*, got \(2, 3\)"):
        own.bound("x", [THREE])
    with pytest.raises(ValueError, match="'z' of 'x' is real"):
        own.bound("x", [Real()])
    other = MultivariateNormal.given(["z"], MEAN, COVARIANCE).bound("x", [TWO])
    with pytest.raises(ValueError, match=r"made for parent 'z' with states .*code 0 was 'no', is 'yes'"):
        other.bound("x", [Discrete(("yes", "no"))])
    with pytest.raises(TypeError, match="list of names"):
        MultivariateNormal.given("z", [MEAN] * 2, COVARIANCE)
    with pytest.raises(ValueError, match="distinct"):
        MultivariateNormal.given(["z", "z"], [[MEAN]], COVARIANCE)
    for size in (0, True, 1.5):
        with pytest.raises(ValueError, match="whole number from 1 on"):
            MultivariateNormal(size=size)
