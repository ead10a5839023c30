"""Oracle of moments: one row after the other, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np


def moments(axes, columns, codes, reals, weights=None):
    """{joint codes of ``axes``: (rows, weight, means, matrix of sum w (x - mean) (x - mean)')} as floats."""
    weights = np.ones(reals.shape[1]) if weights is None else weights
    groups: dict[tuple[int, ...], list[int]] = {}
    for i in range(reals.shape[1]):
        if weights[i] > 0:
            groups.setdefault(tuple(int(codes[a, i]) for a in axes), []).append(i)
    return {key: _moments_of(rows, columns, reals, weights) for key, rows in groups.items()}


def _moments_of(rows, columns, reals, weights):
    w = [Fraction(float(weights[i])) for i in rows]
    x = [[Fraction(float(reals[c, i])) for c in columns] for i in rows]
    total = sum(w)
    mean = [sum(wi * xi[j] for wi, xi in zip(w, x, strict=True)) / total for j in range(len(columns))]
    cross = [
        [
            sum(wi * (xi[j] - mean[j]) * (xi[k] - mean[k]) for wi, xi in zip(w, x, strict=True))
            for k in range(len(columns))
        ]
        for j in range(len(columns))
    ]
    return len(rows), float(total), np.array(mean, float), np.array(cross, float).reshape(len(columns), len(columns))
