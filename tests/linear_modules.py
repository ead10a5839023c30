"""Torch modules that are linear Gaussians, so that what networks of modules must answer is known."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")


class Linear(torch.nn.Module):
    """weights . features + bias in float64, and log std where it is given; one number without a last axis."""

    def __init__(self, weights, bias, std=None):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(np.atleast_2d(weights), dtype=torch.float64))
        self.bias = torch.nn.Parameter(torch.tensor(np.atleast_1d(bias), dtype=torch.float64))
        self.std = std
        self.is_vector = np.ndim(bias) == 1
        self.n_rows = 0

    def forward(self, features):
        self.n_rows += len(features)
        mean = features @ self.weights.T + self.bias
        mean = mean if self.is_vector else mean[:, 0]
        return mean if self.std is None else (mean, torch.full_like(mean, float(np.log(self.std))))


def neural(parents, weights, bias, std):
    """A linear Gaussian of real parents as a module."""
    return fd.Neural(parents, Linear(weights, bias), family="normal", std=std, event_shape=np.shape(bias))


def posterior_guide(mean, std, weight, bias, noise):
    """Intercept, slope and std of p(z | x) where z ~ Normal(mean, std), x ~ Normal(bias + weight z, noise)."""
    mean, std = np.asarray(mean), np.asarray(std)
    variance = 1.0 / (1.0 / std**2 + weight**2 / noise**2)
    return variance * (mean / std**2 - weight * bias / noise**2), variance * weight / noise**2, np.sqrt(variance)
