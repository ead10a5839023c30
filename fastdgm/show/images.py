"""Pictures of data, training and completions with matplotlib, on no display: every function returns a Figure.

In a notebook a returned Figure shows itself, once; with ``path`` it is also written as PNG.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..runtime.extras import how_to_install
from ..runtime.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
Path_ = str | os.PathLike[str]
History = Sequence[Mapping[str, float]]

INCHES_PER_PIXEL = 1 / 28  # an image of 28 pixels is an inch wide
LARGEST_SIDE = 40.0  # inches
MOST_IMAGES = 10_000
HIDDEN = 0.5  # grey of what is not visible


def image_grid(
    x: Any, shape: tuple[int, int] = (28, 28), columns: int | None = None, path: Path_ | None = None
) -> Figure:
    """Rows as images, side by side; black is the smallest value of all, white the largest.

    Parameters
    ----------
    x : (n, height * width) numbers, row by row from the top left, (n, height, width) or (n, 1, height, width): a
        column of samples, probabilities, greys; NumPy, torch or anything alike.
    shape : (height, width).
    columns : images per line; as many as lines by default.
    path : where to write a PNG file.

    Raises
    ------
    ValueError : no rows, more than 10 000, a width that is not height * width, NaN or infinite values.
    ImportError : matplotlib is not installed.

    Examples
    --------
    >>> import fastdgm as fd
    >>> figure = fd.plot.image_grid([[0, 1, 1, 0], [1, 0, 0, 1]], shape=(2, 2))  # doctest: +SKIP
    """
    images = _as_images(x, shape, "x")
    if columns is None:
        columns = math.ceil(math.sqrt(len(images)))
    if isinstance(columns, bool) or not isinstance(columns, int | np.integer) or columns < 1:
        raise ValueError(f"columns must be an integer of at least 1, got {columns!r}")
    columns = min(int(columns), len(images))
    return _saved(_picture(_tiled(images, columns)), path)


def completions(
    originals: Any, prefix_length: int, samples: Any, shape: tuple[int, int] = (28, 28), path: Path_ | None = None
) -> Figure:
    """One line per original: the image, its visible part (the rest is grey), then its completions.

    Parameters
    ----------
    originals : (m, height * width) numbers. prefix_length : number of leading pixels that were given.
    samples : (m * k, height * width), the k completions of each original together, as
        ``model.sample(prefix=originals[:, :prefix_length], n_per_row=k)`` returns them.
    shape, path : as for :func:`image_grid`.

    Raises
    ------
    ValueError : as :func:`image_grid`; samples that are not k per original; prefix_length outside the image.

    Examples
    --------
    >>> import fastdgm as fd
    >>> figure = fd.plot.completions([[0, 1, 1, 0]], 2, [[0, 1, 0, 0], [0, 1, 1, 1]], shape=(2, 2))  # doctest: +SKIP
    """
    images, drawn = _as_images(originals, shape, "originals"), _as_images(samples, shape, "samples")
    if isinstance(prefix_length, bool) or not isinstance(prefix_length, int | np.integer):
        raise TypeError(f"prefix_length must be an integer, got {prefix_length!r}")
    n_pixels = images[0].size
    if not 0 <= prefix_length <= n_pixels:
        raise ValueError(f"prefix_length must be between 0 and {n_pixels} pixels, got {prefix_length}")
    if len(drawn) % len(images):
        raise ValueError(
            f"samples must hold the same number of completions for each of {len(images)} originals, got {len(drawn)}"
        )
    low, high = min(images.min(), drawn.min()), max(images.max(), drawn.max())
    visible = images.copy().reshape(len(images), -1)
    visible[:, prefix_length:] = low + HIDDEN * (high - low)
    lines = [images[:, np.newaxis], visible.reshape(images.shape)[:, np.newaxis]]
    lines.append(drawn.reshape(len(images), -1, *images.shape[1:]))
    together = np.concatenate(lines, axis=1)
    return _saved(_picture(_tiled(together.reshape(-1, *images.shape[1:]), together.shape[1])), path)


def training_curves(models_or_histories: Any, path: Path_ | None = None) -> Figure:
    """Nats per row by epoch: training dashed, validation solid with a star on its best epoch, one colour per model.

    The parameters of a model that was fitted with validation are those after its best epoch.

    Parameters
    ----------
    models_or_histories : a fitted model or its ``history``, a list of them, or a mapping from labels to them.
    path : where to write a PNG file.

    Raises
    ------
    ValueError : nothing to draw, a model that was never fitted, or NaN. TypeError : no model and no history.
    ImportError : matplotlib is not installed.

    Examples
    --------
    >>> import fastdgm as fd
    >>> history = [{"epoch": 1, "train": 9.0, "valid": 9.5}, {"epoch": 2, "train": 7.0, "valid": 8.0}]
    >>> figure = fd.plot.training_curves({"MADE": history})  # doctest: +SKIP
    """
    histories = _labelled(models_or_histories)
    figure = _figure(6.4, 4.0)
    axes = figure.add_axes((0.13, 0.14, 0.84, 0.82))
    for i, (label, history) in enumerate(histories.items()):
        for key, style in (("train", "--"), ("valid", "-")):
            points = [(epoch["epoch"], epoch[key]) for epoch in history if key in epoch]
            if points:
                epochs, nats = zip(*points, strict=True)
                axes.plot(epochs, nats, style, color=f"C{i % 10}", marker=".", label=f"{label} {key}".strip())
        best = _best_epoch(history)
        if best is not None:
            text = f"{label} best: {best['valid']:.5g} in epoch {best['epoch']:g}".strip()
            axes.scatter(best["epoch"], best["valid"], 130, color=f"C{i % 10}", marker="*", zorder=3, label=text)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("epoch")
    axes.set_ylabel("negative log-likelihood (nats per row)")
    axes.legend()
    return _saved(figure, path)


# --- checks ------------------------------------------------------------------------------------------------


def _as_images(x: Any, shape: tuple[int, int], name: str) -> Array:
    """(n, height, width) float64."""
    sides = tuple(shape)
    if len(sides) != 2 or not all(isinstance(k, int | np.integer) and k >= 1 for k in sides):
        raise ValueError(f"shape must be (height, width), two integers of at least 1, got {shape!r}")
    array = as_numbers(x, name)
    height, width = sides
    if array.ndim == 1 or array.shape == sides:
        array = array.reshape(1, -1)
    if array.shape[1:] in (sides, (1, *sides)):
        array = array.reshape(len(array), height * width)
    if array.ndim != 2 or array.shape[1] != height * width:
        raise ValueError(
            f"{name} must have shape (n, {height * width}) for images of {height} x {width} pixels, got {array.shape}"
        )
    if not 1 <= len(array) <= MOST_IMAGES:
        raise ValueError(f"{name} must hold 1 to {MOST_IMAGES} images, got {len(array)}")
    finite = np.isfinite(array)
    if not finite.all():
        row, pixel = (int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"{name} must hold finite numbers, got {array[row, pixel]} in row {row}, pixel {pixel}")
    return array.reshape(-1, height, width)


def as_numbers(x: Any, name: str) -> Array:
    """float64; TypeError for anything but numbers."""
    detach = getattr(x, "detach", None)  # a torch tensor
    array = np.asarray(x if detach is None else detach().cpu())
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    return array.astype(np.float64)


def _labelled(models_or_histories: Any) -> dict[str, History]:
    """Histories by label."""
    given = models_or_histories
    if isinstance(given, Mapping):
        named = {str(label): _history(one) for label, one in given.items()}
    elif hasattr(given, "history") or _is_history(given):
        named = {"": _history(given)}
    elif isinstance(given, list | tuple):
        named = {f"{i + 1}: {type(one).__name__}" if hasattr(one, "history") else str(i + 1): _history(one)
                 for i, one in enumerate(given)}  # fmt: skip
    else:
        raise TypeError(f"training_curves takes models or histories, got {type(given).__name__}")
    if not named:
        raise ValueError("training_curves needs at least one model or history, got none")
    return named


def _is_history(given: Any) -> bool:
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(epoch, Mapping) for epoch in given)


def _history(one: Any) -> History:
    history = getattr(one, "history", one)
    if isinstance(history, list | tuple) and not history:
        raise ValueError("a history has at least one epoch, got none: was the model fitted?")
    if not _is_history(history):
        raise TypeError(f"a history is a list of one dict per epoch, got {type(history).__name__}")
    for epoch in history:
        if "epoch" not in epoch or not ("train" in epoch or "valid" in epoch):
            raise ValueError(f"an epoch of a history has 'epoch', 'train' and maybe 'valid', got {dict(epoch)!r}")
        for key in ("epoch", "train", "valid"):
            if key in epoch and not math.isfinite(epoch[key]):
                raise ValueError(f"a history holds finite numbers, got {key} = {epoch[key]} in {dict(epoch)!r}")
    return history


def _best_epoch(history: History) -> Mapping[str, float] | None:
    """The first of the lowest validation loss, whose parameters ``fit`` keeps; None without validation."""
    validated = [epoch for epoch in history if "valid" in epoch]
    return min(validated, key=lambda epoch: epoch["valid"], default=None)


# --- drawing -----------------------------------------------------------------------------------------------


def _tiled(images: Array, columns: int) -> Array:
    """One large image, a white line of one pixel between the small ones."""
    n, height, width = images.shape
    lines = -(-n // columns)
    high = images.max()
    sheet = np.full((lines * (height + 1) - 1, columns * (width + 1) - 1), high if high > images.min() else high + 1.0)
    for i, image in enumerate(images):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _picture(sheet: Array) -> Figure:
    height, width = (INCHES_PER_PIXEL * side for side in sheet.shape)
    scale = min(LARGEST_SIDE / max(height, width), 1.0) if max(height, width) > 2.0 else 2.0 / max(height, width)
    figure = _figure(width * scale, height * scale)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(sheet, cmap="gray", interpolation="nearest", aspect="auto")
    return figure


def _figure(width: float, height: float) -> Figure:
    """A figure of so many inches."""
    try:
        from .figures import ShownFigure
    except ImportError as error:
        raise ImportError(f"fastdgm.plot needs matplotlib: {how_to_install('plot', 'matplotlib')}") from error
    return ShownFigure(width, height)


def _saved(figure: Figure, path: Path_ | None) -> Figure:
    if path is not None:
        with atomic_file(Path(path)) as file:
            figure.savefig(file, format="png")
    return figure
