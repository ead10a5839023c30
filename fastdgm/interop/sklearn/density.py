"""DensityEstimator: p(x) of rows, with the verbs of scikit-learn's GaussianMixture and KernelDensity."""

from __future__ import annotations

from sklearn.base import DensityMixin

from .joint import JointEstimator


class DensityEstimator(DensityMixin, JointEstimator):
    """The joint distribution of rows: ``score_samples`` is log p(x), ``sample`` draws rows.

    Columns may be of any kinds together: numbers, strings, booleans, categoricals; arrays or frames. Structures by
    name, z being a hidden component:

    - "mixture" (default): p(z) prod_v p(c_v | z) Normal(r; m_z, S_z), with a table for each discrete column c_v, and
      all real columns r as one normal vector. With ``n_components=1``: independent tables beside one normal vector,
      whose covariance has 1e-6 of each variance added where columns are constant or linear functions of others.
    - "naive_bayes": p(z) prod_v p(x_v | z), real columns being normal, each by itself.
    - "independent": the same without z.
    - "markov_chain": each column depends on the one before it: a table, a linear Gaussian, a logistic regression.
    - "full_joint": each column depends on all before it, discrete ones first: tables with a cell for every combination,
      and linear Gaussians. For few columns.

    Parameters
    ----------
    model : one of these, or a model of fastdgm, such as ``fd.MADE(n_vars=784)`` or ``fd.BayesNet.from_edges(...)``, of
        which a clone is fitted to X as it is: codes, or a frame with the network's names.
    n_components : of "mixture" and "naive_bayes"; 2 and more are learnt by EM.
    prior : pseudo-count of each state in the tables of networks.
    categorical_features : "auto": labels, and numbers where all are whole and at most 20 different ones occur; or names
        or places of the discrete columns, or a mask; None for labels alone. Of structures by name.
    fit_options : further arguments of the model's ``fit``, such as ``{"epochs": 20, "progress": False}``, or
        ``{"n_restarts": 5}`` of EM.
    random_state : of EM's start: int, RandomState or None.

    Attributes
    ----------
    model_ : the model that was learnt, a network or the clone. n_features_in_, feature_names_in_ : as in scikit-learn.
    columns_ : of structures by name, each column's name and its categories, None of a real one.

    Raises
    ------
    ValueError : too few rows; with components, real columns that are constant or linear functions of others; NaN where
        the model has no missing numbers, infinite numbers, an unknown name.
    NotFittedError (scikit-learn's and ours) : asked before ``fit``. TypeError : weights for a model that has none.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdgm.interop.sklearn import DensityEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (100, 2))])
    >>> from sklearn.model_selection import GridSearchCV
    >>> search = GridSearchCV(DensityEstimator(random_state=0), {"n_components": [1, 2]}).fit(X)
    >>> search.best_params_
    {'n_components': 2}
    """

    score = JointEstimator.score  # DensityMixin's gives None
