"""Pictures of what a latent code means: images that a network decodes, over a grid of codes or between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..data.variables import Real, Variable
from ..errors import UnknownNameError
from ..runtime.text import preview
from .images import MOST_IMAGES, Path_, as_numbers, image_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


class Decoder(Protocol):
    """What is asked of a network."""

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Of every variable."""
        ...

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Discrete and real ones."""
        ...

    def decode(self, latents: Mapping[str, Any], name: str | None = None) -> Any:
        """The expected value of a variable given its parents."""
        ...


def latent_grid(
    net: Decoder, name: str | None = None, shape: tuple[int, int] = (28, 28), side: int = 20, path: Path_ | None = None
) -> Figure:
    """Images decoded over the plane of a latent variable of two numbers, which is standard normal.

    In column i and line j from below, z = (q((i + 1/2) / side), q((j + 1/2) / side)), q being the quantile function of
    the standard normal distribution, so that all images are equally probable (Kingma & Welling, "Auto-encoding
    variational Bayes", 2014, figure 4).

    Parameters
    ----------
    net : a network of which ``net.decode`` gives images.
    name : the variable of images; the only one with a real parent where there is one such.
    shape : (height, width) of an image.
    side : number of columns, and of lines, 1 to 100.
    path : where to write a PNG file.

    Raises
    ------
    ValueError : a variable of images with several parents, a latent variable that is not a vector of two numbers or has
        parents itself, images of another shape. KeyError : no such variable. ImportError : matplotlib is not installed.

    Examples
    --------
    >>> figure = fd.plot.latent_grid(vae.fit(images, guide=guide))  # doctest: +SKIP
    """
    image, latent = _image_and_latent(net, name)
    n_numbers = net.variables[latent].size
    if n_numbers != 2 or net.parents[latent]:
        raise ValueError(
            f"latent_grid needs a latent variable of two numbers without parents, {latent!r} has {n_numbers} numbers "
            f"and the parents {list(net.parents[latent])}"
        )
    if isinstance(side, bool) or not isinstance(side, int | np.integer) or not 1 <= side <= int(MOST_IMAGES**0.5):
        raise ValueError(f"side must be an integer from 1 to {int(MOST_IMAGES**0.5)}, got {side!r}")
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])
    codes = np.stack([np.tile(quantiles, side), np.repeat(quantiles[::-1], side)], axis=1)
    images = net.decode({latent: codes.reshape(-1, *net.variables[latent].event_shape)}, image)
    return image_grid(images, shape, columns=int(side), path=path)


def interpolation(
    net: Decoder,
    a: Any,
    b: Any,
    steps: int = 10,
    name: str | None = None,
    shape: tuple[int, int] = (28, 28),
    path: Path_ | None = None,
) -> Figure:
    """One line for each pair of codes: images decoded at (1 - t) a + t b, for ``steps`` values of t from 0 to 1.

    Parameters
    ----------
    net : a network of which ``net.decode`` gives images.
    a, b : codes ``(n, *event_shape)`` of the latent variable, or one of each, as ``net.encode`` gives them.
    steps : images per line, at least 2.
    name : the variable of images; the only one with a real parent where there is one such.
    shape : (height, width) of an image.
    path : where to write a PNG file.

    Raises
    ------
    ValueError : codes of other shapes, a variable of images with several parents, images of another shape, more than
        10 000 of them. KeyError : no such variable. ImportError : matplotlib is not installed.

    Examples
    --------
    >>> codes = vae.encode(images)  # doctest: +SKIP
    >>> figure = fd.plot.interpolation(vae, codes[:5], codes[5:10])  # doctest: +SKIP
    """
    image, latent = _image_and_latent(net, name)
    own = net.variables[latent].event_shape
    first, last = _as_codes(a, own, "a"), _as_codes(b, own, "b")
    if len(first) != len(last):
        raise ValueError(f"a and b must hold as many codes, got {len(first)} and {len(last)}")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise ValueError(f"steps must be an integer of at least 2, got {steps!r}")
    if steps * len(first) > MOST_IMAGES:
        raise ValueError(f"a picture holds at most {MOST_IMAGES} images, got {len(first)} lines of {steps}")
    t = np.linspace(0.0, 1.0, int(steps)).reshape(1, -1, *[1] * len(own))
    codes = (1.0 - t) * first[:, None] + t * last[:, None]
    images = net.decode({latent: codes.reshape(-1, *own)}, image)
    return image_grid(images.reshape(len(images), -1), shape, columns=int(steps), path=path)


class _ImageAndLatent(NamedTuple):
    image: str
    latent: str


def _image_and_latent(net: Decoder, name: str | None) -> _ImageAndLatent:
    """The variable of images and its only parent, which is real."""
    if name is None:
        found = [own for own, parents in net.parents.items() if any(_is_real(net, parent) for parent in parents)]
        if len(found) != 1:
            raise ValueError(f"name= says which variable is an image, those with a real parent are {preview(found)}")
        name = found[0]
    if name not in net.parents:
        raise UnknownNameError(f"no variable {name!r}; the network has {preview(net.parents)}")
    parents = net.parents[name]
    if len(parents) != 1 or not _is_real(net, parents[0]):
        raise ValueError(f"an image is decoded from one real latent variable, {name!r} has the parents {list(parents)}")
    return _ImageAndLatent(name, parents[0])


def _is_real(net: Decoder, name: str) -> bool:
    return isinstance(net.variables.get(name), Real)


def _as_codes(values: Any, event_shape: tuple[int, ...], what: str) -> Array:
    """(n, *event_shape) float64."""
    array = as_numbers(values, what)
    if array.shape == event_shape:
        array = array[None]
    if array.shape[1:] != event_shape or array.ndim == 0 or not len(array):
        raise ValueError(f"{what} must hold codes of shape {('n', *event_shape)}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must hold finite numbers, got {array[~np.isfinite(array)][0]}")
    return array
