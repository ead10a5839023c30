"""The y of scikit-learn's users as codes of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, column_or_1d

from ...data.column_pieces import is_missing
from ...runtime.text import preview

Array = npt.NDArray[Any]


def read_targets(estimator: Any, y: Any, n_rows: int) -> Array:
    """The classes of the rows as they came (n,).

    Raises ValueError for none, for missing ones, for numbers that are no classes, and for another length than X has.
    """
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    y = column_or_1d(y, warn=True)
    missing = [is_missing(value) for value in y.tolist()] if y.dtype.kind == "O" else []
    if any(missing):
        raise ValueError(f"rows of fit have a class: y is missing in row {missing.index(True)}")
    assert_all_finite(y, input_name="y")
    check_consistent_length(np.empty(n_rows), y)
    check_classification_targets(y)
    return y


def learn_classes(y: Array) -> tuple[Array, Array]:
    """The different classes, sorted, and the code of each row's."""
    classes, codes = np.unique(y, return_inverse=True)
    return classes, codes.astype(np.int32)


def encode_targets(y: Array, classes: Array) -> Array:
    """The code of each row's class. ValueError for one that is not known."""
    found, codes = learn_classes(y)
    place = np.minimum(np.searchsorted(classes, found), len(classes) - 1)
    unknown = classes[place] != found
    if unknown.any():
        raise ValueError(
            f"classes are those of the first call, {preview(classes.tolist())}: y also has "
            f"{preview(found[unknown].tolist())}"
        )
    return place.astype(np.int32)[codes]


def log_normalized(joint: npt.NDArray[np.float64], what: str) -> npt.NDArray[np.float64]:
    """log P(class | row) (n, k) of log p(class, row), in place. ValueError for a row that no class can have."""
    largest = joint.max(axis=1)
    if not (largest > -np.inf).all():
        row = int((largest == -np.inf).argmax())
        raise ValueError(f"row {row} has probability 0 in every class of this {what}: a prior above 0 excludes nothing")
    joint -= largest[:, None]
    joint -= np.log(np.exp(joint).sum(axis=1))[:, None]
    return joint
