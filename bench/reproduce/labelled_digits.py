"""Binary images of digits with their labels: MNIST's where the data folder has it, else scikit-learn's.

The file of fixed-binarised MNIST has no labels, but its 10 000 test images are in the order of their digits, and it is
known how many of each MNIST's test set has: these images have labels. They are split here by a shuffle, so numbers on
them are not comparable with those that are published for MNIST's own splits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.reproduce.mnist import load

Array = npt.NDArray[Any]

TEST_IMAGES = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)  # of MNIST: those of 0, of 1, ...
HALF_BRIGHT = 8  # of scikit-learn's images, whose pixels are 0 to 16


class Digits(NamedTuple):
    """Images (n, n_pixels) of 0 and 1, and which digits they are."""

    images: Array
    labels: Array


class LabelledDigits(NamedTuple):
    """Three parts of the labelled images, and images without labels, where there are any."""

    source: str
    shape: tuple[int, int]
    train: Digits
    valid: Digits
    test: Digits
    unlabelled: Array


def load_digits(data: Path) -> LabelledDigits:
    """MNIST's labelled images with all of its training images as unlabelled ones; without MNIST scikit-learn's 1797."""
    if (data / "mnist" / "binarized_mnist_packed.npz").exists():
        splits = load(data)
        labels = np.repeat(np.arange(10), TEST_IMAGES)
        return split(splits.test(), labels, (28, 28), "MNIST's 10 000 test images", splits.train)
    from sklearn.datasets import load_digits as small_digits

    images, labels = small_digits(return_X_y=True)
    binary = (images >= HALF_BRIGHT).astype(np.uint8)
    return split(binary, labels, (8, 8), "scikit-learn's digits of 8 x 8 pixels", binary[:0])


def split(
    images: Array, labels: Array, shape: tuple[int, int], source: str, unlabelled: Array, seed: int = 0
) -> LabelledDigits:
    """70, 10 and 20 % of a shuffle."""
    order = np.random.default_rng(seed).permutation(len(images))
    first, second = int(0.7 * len(images)), int(0.8 * len(images))
    parts = np.split(order, [first, second])
    train, valid, test = (Digits(images[own], labels[own]) for own in parts)
    return LabelledDigits(source, shape, train, valid, test, unlabelled)


def few_of_each(digits: Digits, n: int, seed: int = 0) -> Array:
    """Row numbers of n images of every digit."""
    order = np.random.default_rng(seed).permutation(len(digits.labels))
    return np.concatenate([order[digits.labels[order] == digit][:n] for digit in np.unique(digits.labels)])
