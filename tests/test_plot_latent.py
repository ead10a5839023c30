"""Pictures of latent codes: which code is where, on no display, and bad input is refused."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
import fastdgm as fd
from fastdgm.data.variables import Discrete, Real
from fastdgm.show import images
from fastdgm.show import latent_images as plot


def sheet(figure):
    (axes,) = figure.axes
    (image,) = axes.images
    return np.asarray(image.get_array())


class Decoder:
    """Images of 1 x 2 pixels: the first two numbers of the code."""

    def __init__(self, event_shape=(2,), **parents):
        self.parents = {"z": (), "x": ("z",), "label": ()} | parents
        self.variables = {name: Discrete(("a", "b")) for name in self.parents} | {"z": Real(event_shape)}

    def decode(self, latents, name=None):
        (codes,) = latents.values()
        return codes.reshape(len(codes), -1)[:, :2]


def pixels(figure, columns):
    """(lines, columns, 2) of images of 1 x 2 pixels."""
    found = sheet(figure)
    return np.stack([found[::2, 0 : 3 * columns : 3], found[::2, 1 : 3 * columns : 3]], axis=-1)


@pytest.mark.parametrize("event_shape", [(2,), (2, 1), (1, 2)])
def test_a_grid_of_quantiles(event_shape, tmp_path):
    path = tmp_path / "grid.png"
    codes = pixels(plot.latent_grid(Decoder(event_shape), shape=(1, 2), side=4, path=path), 4)
    quantiles = [NormalDist().inv_cdf(p) for p in (0.125, 0.375, 0.625, 0.875)]
    assert codes[0, 0] == pytest.approx([quantiles[0], quantiles[3]])  # the first number grows to the right
    assert codes[3, 1] == pytest.approx([quantiles[1], quantiles[0]])  # the second one upwards
    assert codes[..., 0] == pytest.approx(np.tile(quantiles, (4, 1)))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("a", "b"), [([0.0, 1.0, 9.0], [4.0, -1.0, 9.0]), (np.zeros((3, 3)), np.ones((3, 3), np.float32))]
)
def test_codes_between_two(a, b):
    net, n = Decoder((3,)), np.asarray(a).size // 3
    codes = pixels(plot.interpolation(net, a, b, steps=5, shape=(1, 2)), 5)
    assert codes.shape == (n, 5, 2)
    for line in range(n):
        first, last = (np.asarray(each).reshape(n, 3)[line, :2] for each in (a, b))
        assert codes[line, 0] == pytest.approx(first) and codes[line, 4] == pytest.approx(last)
        assert codes[line, 1] == pytest.approx(0.75 * first + 0.25 * last)


def test_a_network_of_gaussians():
    """By a network's own ``decode``."""
    mean = [[1.0, 0.0], [0.0, 1.0]]
    net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 1, [2], std=1)})
    if not hasattr(net, "decode"):
        pytest.skip("decode is not there yet")
    found = sheet(plot.interpolation(net, mean[0][:1], mean[1][:1], steps=3, shape=(1, 1)))
    assert found[0, ::2].tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("net", "name", "options", "error", "match"),
    [
        (Decoder((3,)), None, {}, ValueError, "a latent variable of two numbers without parents, 'z' has 3 numbers"),
        (Decoder(z=("label",)), None, {}, ValueError, r"'z' has 2 numbers and the parents \['label'\]"),
        (Decoder(label=("z",)), None, {}, ValueError, r"name= says which .* are \['x', 'label'\]"),
        (Decoder(x=()), None, {}, ValueError, r"name= says which .* are \[\]"),
        (Decoder(x=("z", "label")), None, {}, ValueError, r"'x' has the parents \['z', 'label'\]"),
        (Decoder(), "label", {}, ValueError, r"one real latent variable, 'label' has the parents \[\]"),
        (Decoder(x=("label",)), "x", {}, ValueError, r"'x' has the parents \['label'\]"),
        (Decoder(), "y", {}, KeyError, "no variable 'y'"),
        (Decoder(), None, {"side": 0}, ValueError, "side must be an integer from 1 to 100, got 0"),
        (Decoder(), None, {"side": 101}, ValueError, "side must be .* got 101"),
        (Decoder(), None, {"side": 2.0}, ValueError, r"side must be .* got 2\.0"),
        (Decoder(), None, {"side": True}, ValueError, "side must be .* got True"),
        (Decoder(), None, {"shape": (28, 28)}, ValueError, r"must have shape \(n, 784\)"),
    ],
)
def test_wrong_grids(net, name, options, error, match, tmp_path):
    with pytest.raises(error, match=match):
        plot.latent_grid(net, name, **({"shape": (1, 2)} | options), path=tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "match"),
    [
        ([0, 0], [[0, 0], [1, 1]], {}, ValueError, "a and b must hold as many codes, got 1 and 2"),
        ([0, 0, 0], [0, 0], {}, ValueError, r"a must hold codes of shape \('n', 2\), got \(3,\)"),
        ([0, 0], 3.0, {}, ValueError, r"b must hold codes of shape \('n', 2\), got \(\)"),
        (np.zeros((0, 2)), [0, 0], {}, ValueError, r"a must hold codes of shape .* got \(0, 2\)"),
        ([0, np.nan], [0, 0], {}, ValueError, "a must hold finite numbers, got nan"),
        (["a", "b"], [0, 0], {}, TypeError, "a must hold numbers, got dtype"),
        ([0, 0], [1, 1], {"steps": 1}, ValueError, "steps must be an integer of at least 2, got 1"),
        ([0, 0], [1, 1], {"steps": 2.5}, ValueError, r"steps must be an integer of at least 2, got 2\.5"),
        ([0, 0], [1, 1], {"steps": 10_001}, ValueError, "at most 10000 images, got 1 lines of 10001"),
    ],
)
def test_wrong_codes(a, b, options, error, match):
    with pytest.raises(error, match=match):
        plot.interpolation(Decoder(), a, b, shape=(1, 2), **options)


def test_columns_of_images_of_one_channel():
    x = np.arange(12.0).reshape(2, 2, 3)
    expected = sheet(images.image_grid(x, shape=(2, 3)))
    for other in (x[:, None], x.reshape(2, 6)):
        assert np.array_equal(sheet(images.image_grid(other, shape=(2, 3))), expected)
    assert np.array_equal(sheet(images.image_grid(x[0], shape=(2, 3))), x[0])
    with pytest.raises(ValueError, match=r"shape \(n, 6\) for images of 2 x 3 pixels, got \(2, 3, 2, 1\)"):
        images.image_grid(np.zeros((2, 3, 2, 1)), shape=(2, 3))


def test_public_names():
    assert fd.plot.latent_grid is plot.latent_grid and fd.plot.interpolation is plot.interpolation
