"""Networks with normal and logistic variables, random weights, and mixtures."""

from __future__ import annotations

import numpy as np

import fastdgm as fd


def linear_gaussian_net(n_vars: int, n_edges: int) -> fd.BayesNet:
    """Edges at random among all pairs in order."""
    random = np.random.default_rng(0)
    children, parents = np.tril_indices(n_vars, -1)
    chosen = random.choice(len(children), n_edges, replace=False)
    conditionals = {}
    for child in range(n_vars):
        own = sorted(int(parents[edge]) for edge in chosen if children[edge] == child)
        weights = random.normal(0.0, 0.5, len(own))
        intercept, std = random.normal(), random.uniform(0.5, 2.0)
        conditionals[f"x{child}"] = fd.LinearGaussian([f"x{parent}" for parent in own], intercept, weights, std)
    return fd.BayesNet(conditionals)


def conditional_gaussian_net() -> fd.BayesNet:
    """Three discrete and five real variables, of which each has up to two parents of either kind."""
    random = np.random.default_rng(0)

    def table(parents: list[str], *shape: int) -> fd.CPT:
        return fd.CPT(parents, random.dirichlet(np.full(shape[-1], 5.0), shape[:-1]))

    def linear(discrete: list[str], real: list[str], *sizes: int) -> fd.LinearGaussian:
        coefficients = random.normal(0.0, 0.5, (*sizes, len(real)))
        return fd.LinearGaussian(
            discrete + real, random.normal(size=sizes), coefficients, random.uniform(0.5, 2, sizes)
        )

    return fd.BayesNet(
        {
            "a": table([], 3),
            "b": table(["a"], 3, 2),
            "c": table(["a", "b"], 3, 2, 2),
            "u": linear(["a"], [], 3),
            "v": linear(["b"], ["u"], 2),
            "w": linear([], ["u", "v"]),
            "x": linear(["a", "c"], ["v"], 3, 2),
            "y": linear(["b", "c"], ["w", "x"], 2, 2),
        }
    )


def mixture(n_components: int, n_vars: int) -> fd.BayesNet:
    """Full covariances whose components overlap: EM has shares to find."""
    random = np.random.default_rng(0)
    factors = random.normal(size=(n_components, n_vars, 2 * n_vars)) / np.sqrt(2 * n_vars)
    covariances = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(n_vars)
    means = random.normal(0.0, 0.2, (n_components, n_vars))
    weights = random.dirichlet(np.full(n_components, 10.0))
    return fd.BayesNet({"z": fd.Categorical(weights), "x": fd.MultivariateNormal.given(["z"], means, covariances)})


def logistic_net(n_vars: int, n_parents: int) -> fd.BayesNet:
    """Binary variables, each with so many of those before it as parents."""
    random = np.random.default_rng(0)
    conditionals = {}
    for child in range(n_vars):
        own = sorted(map(int, random.choice(child, min(child, n_parents), replace=False)))
        weights = random.normal(0.0, 1.5 / np.sqrt(max(1, len(own))), len(own))
        conditionals[f"x{child}"] = fd.Logistic([f"x{parent}" for parent in own], weights, random.normal(0.0, 0.5))
    return fd.BayesNet(conditionals)


def naive_bayes_net(n_classes: int, n_features: int) -> fd.BayesNet:
    """A class and binary features that say a little of it each."""
    random = np.random.default_rng(0)
    ones = random.beta(2.0, 4.0, (n_features, 1)) + random.uniform(-0.05, 0.05, (n_features, n_classes))
    ones = ones.clip(0.01, 0.99)
    features = {f"x{i}": fd.CPT(["y"], np.stack([1 - own, own], axis=1)) for i, own in enumerate(ones)}
    return fd.BayesNet({"y": fd.Categorical(random.dirichlet(np.full(n_classes, 10.0))), **features})
