"""What rows, or known values, say of the other variables: posteriors of one, of several, the most probable state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .data.evidence import known_values
from .data.placement import Placement
from .data.variables import in_order
from .queries import Queries, Seed, warn_of

if TYPE_CHECKING:
    from .conditionals.multivariate import MultivariateNormal


class Beliefs(Queries):
    """A network that tells what follows from what is known."""

    def predict_proba(
        self,
        data: Any,
        name: str,
        *,
        n_importance: int | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> npt.NDArray[np.float64]:
        """The posterior of one discrete variable in every row: P(x_name = k | the row's other values), by Bayes' rule.

        Parameters
        ----------
        data : as for :meth:`log_prob`, or the same without the column ``name``: what a row says of that variable is not
            looked at. In networks with real variables any values may be missing, and are summed out.
        name : a discrete variable.
        n_importance, seed : as for :meth:`log_prob`: hidden real variables without a closed form are sampled, and the
            posterior is the share of each state in the weights.

        Returns
        -------
        float64 array ``(n_rows, k)``, in the order of ``states[name]``; every row sums to one. A torch tensor if
        ``data`` is one.

        Raises
        ------
        ValueError : a real variable; a row whose log-probability is -inf whatever the state; a value missing in another
            column of a network of discrete variables only and without modules, or one that cannot be summed out.
            KeyError : no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({
        ...     "rain": fd.Bernoulli(0.2),
        ...     "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"]),
        ... })
        >>> net.predict_proba({"wet": ["wet", "dry"]}, "rain").round(3).tolist()
        [[0.333, 0.667], [0.947, 0.053]]
        """
        return Placement.of(data).give_back(self._posterior(data, name, n_importance, seed))

    def predict(
        self,
        data: Any,
        name: str,
        *,
        labels: bool = False,
        n_importance: int | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> npt.NDArray[Any]:
        """The most probable state of one discrete variable in every row: argmax_k P(x_name = k | the other values).

        Parameters
        ----------
        data, name, n_importance, seed : as for :meth:`predict_proba`.
        labels : give the names of the states instead of their codes.

        Returns
        -------
        Codes ``(n_rows,)``, uint8 or uint16, the first of equally probable states, a torch tensor if ``data`` is one;
        with ``labels`` always a NumPy array of strings.

        Raises
        ------
        As :meth:`predict_proba`.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"rain": fd.Bernoulli(0.2), "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]])})
        >>> net.predict({"wet": [0, 1]}, "rain"), net.predict({"wet": [1]}, "rain", labels=True)
        (array([0, 1], dtype=uint8), array(['True'], dtype=object))
        """
        from .inference.predictions import predicted_codes

        codes = predicted_codes(self._posterior(data, name, n_importance, seed))
        return np.array(self._states[name], dtype=object)[codes] if labels else Placement.of(data).give_back(codes)

    def to_multivariate_normal(self) -> MultivariateNormal:
        """All variables as one normal vector, x ~ Normal(m, S), where all are linear Gaussians or normal vectors.

        Returns
        -------
        MultivariateNormal with ``names``, ``mean`` and ``covariance`` in the order of ``net.names``; a vector ``v`` is
        named number by number, as ``v[0]``.

        Raises
        ------
        ValueError : other kinds of conditionals, or a std of 0, which leaves no joint density.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5)})
        >>> net.to_multivariate_normal().covariance.tolist()
        [[1.0, 2.0], [2.0, 4.25]]
        """
        from .inference.posteriors import joint

        return joint(self._inference.network)

    def posterior(self, names: Sequence[str], given: Mapping[str, object] | None = None) -> MultivariateNormal:
        """What known values say of real variables: p(names | given), exact, where that is a normal distribution.

        For linear Gaussians with joint mean m and covariance S, the mean is m_h + S_ho S_oo^-1 (x_o - m_o) and the
        covariance S_hh - S_ho S_oo^-1 S_oh, computed without forming S (``inference/joint_normal.py``).

        Parameters
        ----------
        names : real variables.
        given : values of others: numbers, sequences of them for vectors, codes or labels of discrete variables.
            Discrete variables that bear on the answer need one.

        Returns
        -------
        MultivariateNormal with ``names``, ``mean`` and ``covariance`` in the order asked for. That of a discrete
        variable is :meth:`predict_proba`.

        Raises
        ------
        ValueError : a posterior that is not normal (a mixture, another kind of conditional, a point mass), naming the
            variable. KeyError : unknown names or labels.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5)})
        >>> answer = net.posterior(["a"], given={"b": 1.3})
        >>> answer.mean.round(3).tolist(), answer.covariance.round(3).tolist()
        ([0.141], [[0.059]])
        """
        from .inference.posteriors import posterior

        network = self._inference.network
        asked = in_order(names, "names")
        for name in asked:
            self._check_name(name)
        if not asked or len(set(asked)) < len(asked):
            raise ValueError(f"a posterior is of distinct variables, at least one, got {list(asked)}")
        return posterior(network, asked, known_values({} if given is None else given, network.schema))

    def _posterior(self, data: Any, name: str, n_importance: int | None, seed: Seed) -> npt.NDArray[np.float64]:
        """P(name = k | the other values), exact or estimated."""
        from .inference.predictions import estimated_posterior, exact_posterior, posterior

        self._check_name(name)
        if n_importance is None:
            return (
                exact_posterior(self._exact, self._inference, data, name)
                if self._program.is_tabular
                else posterior(self._inference, data, name)
            )
        sampling = self._sampling(n_importance, seed)
        found = estimated_posterior(self._inference, data, name, sampling)
        warn_of(found.doubt(sampling.n_importance))
        return found.value
