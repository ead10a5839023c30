"""Pictures: the pixels are those of the data, files are PNG, nothing needs a display, bad input is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
from fastdgm.show import images as plot

RNG = np.random.default_rng(0)
HISTORY = [{"epoch": 1, "train": 9.0, "valid": 9.5}, {"epoch": 2, "train": 7.0, "valid": 8.0}]


def sheet(figure):
    (axes,) = figure.axes
    (image,) = axes.images
    return np.asarray(image.get_array())


def assert_png(path):
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


class Fitted:
    def __init__(self, history):
        self.history = history


# --- image_grid --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "columns", "lines"), [(1, None, 1), (5, None, 2), (9, None, 3), (5, 2, 3), (3, 99, 1)])
def test_images_stand_in_their_places(n, columns, lines):
    x = RNG.random((n, 12))
    pixels = sheet(plot.image_grid(x, shape=(3, 4), columns=columns))
    width = (pixels.shape[1] + 1) // 5
    assert pixels.shape == (4 * lines - 1, 5 * width - 1)
    for i in range(n):
        top, left = 4 * (i // width), 5 * (i % width)
        assert np.array_equal(pixels[top : top + 3, left : left + 4], x[i].reshape(3, 4))
    assert pixels.max() == x.max()


def test_all_kinds_of_input():
    bits = RNG.integers(0, 2, (4, 784))
    expected = sheet(plot.image_grid(bits))
    for other in (bits.astype(bool), bits.astype(np.uint8), bits.tolist(), bits.reshape(4, 28, 28), bits.astype("f4")):
        assert np.array_equal(sheet(plot.image_grid(other)), expected)
    assert sheet(plot.image_grid(bits[0])).shape == (28, 28)
    assert sheet(plot.image_grid(np.zeros((3, 784)))).max() == 1.0  # lines show between black images


def test_tensors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = torch.rand(2, 4, requires_grad=True)
    assert np.array_equal(sheet(plot.image_grid(x, (2, 2)))[:, :2], x[0].detach().double().reshape(2, 2).numpy())


def test_files(tmp_path):
    plot.image_grid(np.eye(4), (2, 2), path=tmp_path / "grid.png")
    plot.completions(np.eye(4), 2, np.eye(4), (2, 2), path=str(tmp_path / "done.png"))
    plot.training_curves(HISTORY, path=tmp_path / "curves")
    for name in ("grid.png", "done.png", "curves"):
        assert_png(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        plot.image_grid(np.eye(4), (2, 2), path=tmp_path / "none" / "grid.png")
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("n", [1, 10_000])
def test_sizes_are_bounded(n):
    width, height = plot.image_grid(np.ones((n, 784))).get_size_inches()
    assert 1.9 <= max(width, height) <= 40


@pytest.mark.parametrize(
    ("x", "options", "error", "match"),
    [
        (np.zeros((2, 783)), {}, ValueError, r"shape \(n, 784\) for images of 28 x 28 pixels, got \(2, 783\)"),
        (np.zeros((2, 3, 2)), {"shape": (2, 3)}, ValueError, r"got \(2, 3, 2\)"),
        (np.zeros((0, 784)), {}, ValueError, "x must hold 1 to 10000 images, got 0"),
        (np.zeros((10_001, 1)), {"shape": (1, 1)}, ValueError, "got 10001"),
        ([[0, np.nan]], {"shape": (1, 2)}, ValueError, "finite numbers, got nan in row 0, pixel 1"),
        ([[0, -np.inf]], {"shape": (1, 2)}, ValueError, "finite numbers, got -inf"),
        ([["a", "b"]], {"shape": (1, 2)}, TypeError, "x must hold numbers, got dtype"),
        (np.zeros((1, 4)), {"shape": (4,)}, ValueError, r"shape must be \(height, width\)"),
        (np.zeros((1, 4)), {"shape": (2, 0)}, ValueError, "two integers of at least 1"),
        (np.zeros((1, 4)), {"shape": (2.0, 2)}, ValueError, "two integers of at least 1"),
        (np.zeros((1, 784)), {"columns": 0}, ValueError, "columns must be an integer of at least 1, got 0"),
        (np.zeros((1, 784)), {"columns": 1.5}, ValueError, r"got 1\.5"),
    ],
)
def test_wrong_images(tmp_path, x, options, error, match):
    with pytest.raises(error, match=match):
        plot.image_grid(x, path=tmp_path / "x.png", **options)
    assert not list(tmp_path.iterdir())


# --- completions -------------------------------------------------------------------------------------------


def test_completions_stand_beside_their_original():
    originals, samples = RNG.random((2, 4)), RNG.random((6, 4))
    pixels = sheet(plot.completions(originals, 3, samples, (2, 2)))
    assert pixels.shape == (2 * 3 - 1, 5 * 3 - 1)
    grey = (min(originals.min(), samples.min()) + max(originals.max(), samples.max())) / 2
    for line in range(2):
        own = [pixels[3 * line : 3 * line + 2, 3 * j : 3 * j + 2].ravel() for j in range(5)]
        assert np.array_equal(own[0], originals[line])
        assert own[1] == pytest.approx([*originals[line, :3], grey])
        for j in range(3):
            assert np.array_equal(own[2 + j], samples[3 * line + j])


@pytest.mark.parametrize(
    ("originals", "length", "samples", "error", "match"),
    [
        (np.eye(4), 5, np.eye(4), ValueError, "prefix_length must be between 0 and 4 pixels, got 5"),
        (np.eye(4), 1.0, np.eye(4), TypeError, "prefix_length must be an integer"),
        (np.eye(4), 2, np.eye(4)[:3], ValueError, "same number of completions for each of 4 originals, got 3"),
        (np.eye(4), 2, np.zeros((0, 4)), ValueError, "samples must hold 1 to"),
        (np.zeros((1, 3)), 2, np.eye(4), ValueError, "originals must have shape"),
        (np.eye(4), 2, np.full((4, 4), np.nan), ValueError, "samples must hold finite"),
    ],
)
def test_wrong_completions(originals, length, samples, error, match):
    with pytest.raises(error, match=match):
        plot.completions(originals, length, samples, (2, 2))


# --- training_curves ---------------------------------------------------------------------------------------


BEST = "best: 8 in epoch 2"


@pytest.mark.parametrize(
    ("given", "labels", "marks"),
    [
        (HISTORY, ["train", "valid"], [BEST]),
        (Fitted(HISTORY), ["train", "valid"], [BEST]),
        (HISTORY[:1], ["train", "valid"], ["best: 9.5 in epoch 1"]),
        ([HISTORY, Fitted(HISTORY)], ["1 train", "1 valid", "2: Fitted train", "2: Fitted valid"],
         [f"1 {BEST}", f"2: Fitted {BEST}"]),
        ({"a": Fitted(HISTORY), "b": [{"epoch": 1, "train": 3.0}]}, ["a train", "a valid", "b train"], [f"a {BEST}"]),
        ([{"epoch": 1, "train": 3.0}], ["train"], []),
    ],
)  # fmt: skip
def test_curves(given, labels, marks):
    (axes,) = plot.training_curves(given).axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines) == labels
    assert [stars.get_label() for stars in axes.collections] == marks
    assert sorted(text.get_text() for text in axes.get_legend().get_texts()) == sorted(labels + marks)
    assert lines[labels[0]].get_xydata().tolist()[:1] == [[1.0, 3.0 if labels == ["train"] else 9.0]]
    assert axes.get_xlabel() == "epoch"
    assert "nats" in axes.get_ylabel()


def test_the_best_epoch_is_the_first_lowest():
    """As in fit, which keeps parameters only where validation improves."""
    history = [{"epoch": i + 1, "train": 1.0, "valid": nats} for i, nats in enumerate([9.0, 7.0, 8.0, 7.0])]
    (axes,) = plot.training_curves(history).axes
    (star,) = axes.collections
    assert star.get_offsets().tolist() == [[2.0, 7.0]]
    assert all(tick == round(tick) for tick in axes.get_xticks())


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        (3, TypeError, "takes models or histories, got int"),
        ([], ValueError, "at least one model or history, got none"),
        ({}, ValueError, "at least one model or history, got none"),
        (Fitted([]), ValueError, "was the model fitted"),
        ([3], TypeError, "a list of one dict per epoch, got int"),
        ([{"epoch": 1}], ValueError, "has 'epoch', 'train' and maybe 'valid'"),
        ([{"epoch": 1, "train": float("nan")}], ValueError, "finite numbers, got train = nan"),
    ],
)
def test_wrong_histories(given, error, match):
    with pytest.raises(error, match=match):
        plot.training_curves(given)


# --- notebooks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "figure",
    [
        plot.image_grid(np.eye(4), (2, 2)),
        plot.completions(np.eye(4), 2, np.eye(4), (2, 2)),
        plot.training_curves(HISTORY),
    ],
    ids=["image_grid", "completions", "training_curves"],
)
def test_notebooks_show_a_figure_once(figure):
    """One form beside text, which does not wait for pyplot; matplotlib's own HTML is for its web display only."""
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure._repr_html_() is None
    forms = {name for name in dir(figure) if name.startswith("_repr_")}
    assert forms == {"_repr_png_", "_repr_html_"}
    assert not hasattr(figure, "_ipython_display_")


# --- imports -----------------------------------------------------------------------------------------------


def test_neither_pyplot_nor_torch_nor_a_display():
    code = (
        "import os, sys; os.environ.pop('DISPLAY', None)\n"
        "from fastdgm import plot\n"
        "assert 'matplotlib' not in sys.modules\n"
        "plot.image_grid([[0, 1, 1, 0]], (2, 2))\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib(monkeypatch):
    monkeypatch.delitem(sys.modules, "fastdgm.show.figures", raising=False)
    for name in ("matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install \"\.\[plot\]\""):
        plot.image_grid([[0, 1, 1, 0]], (2, 2))
