"""What rows say of the other variables: posteriors of one, of all, the most probable state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .data.placement import Placement
from .inference.cuda_refusals import refuse_on_card
from .inference.sampling_info import N_SAMPLES, Method, SamplingInfo, exact_info, is_weighted
from .queries import Queries, Seed, warn_of

if TYPE_CHECKING:
    from .inference.cuda_evidence_verbs import EvidenceVerbs
    from .inference.impossible import Impossible
    from .inference.weighted_answers import WeightedAnswer


class Beliefs(Queries):
    """A network that tells what follows from what is known."""

    def predict_proba(
        self,
        data: Any,
        name: str,
        *,
        impossible: Impossible = "error",
        n_importance: int | None = None,
        method: Method = "exact",
        n_samples: int = N_SAMPLES,
        return_info: bool = False,
        seed: int | np.random.Generator | None = None,
    ) -> Any:
        """The posterior of one discrete variable in every row: P(x_name = k | the row's other values), by Bayes' rule.

        Parameters
        ----------
        data : as for :meth:`log_prob`, or the same without the column ``name``: what a row says of that variable is not
            looked at. Any other values may be missing, other ones in every row, and are summed out.
        name : a discrete variable.
        impossible : of rows whose log-probability is -inf whatever the state: "error" raises, "nan" gives NaN.
        n_importance, method, n_samples, seed : as for :meth:`log_prob`: the posterior is the share of each state in the
            weights of what is sampled.
        return_info : return a pair, the answer and a ``SamplingInfo``; standard errors of shares are by the delta
            method (Geweke 1989), beside real variables NaN, because they are not estimated there.

        Returns
        -------
        float64 array ``(n_rows, k)``, in the order of ``states[name]``; every row sums to one. A torch tensor if
        ``data`` is one.

        Raises
        ------
        ValueError : a real variable, or values missing that cannot be summed out. ImpossibleEvidenceError (a
            ValueError) : a row that is impossible whatever the state, naming values that cannot be together.
            KeyError : no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({
        ...     "rain": fd.Bernoulli(0.2),
        ...     "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"]),
        ... })
        >>> net.predict_proba({"wet": ["wet", "dry", None]}, "rain").round(3).tolist()
        [[0.333, 0.667], [0.947, 0.053], [0.8, 0.2]]
        """
        placement = Placement.of(data)
        if placement.queue is not None:
            options = {"n_importance": n_importance, "method": method, "return_info": return_info}
            evidence = self._evidence_on_card(placement, "predict_proba", impossible, options)
            self._check_discrete(name)
            return evidence.predict_proba(data, name, impossible)
        give_back = placement.give_back
        if is_weighted(method):
            found = self._weighted_posterior(data, name, impossible, n_importance, n_samples, seed)
            return (give_back(found.value), found.info) if return_info else give_back(found.value)
        if return_info and n_importance is not None:
            raise ValueError('return_info= is of exact answers and of method="weighted", leave n_importance= out')
        value = self._posterior(data, name, impossible, n_importance, seed)
        return (give_back(value), exact_info(value)) if return_info else give_back(value)

    def predict(
        self,
        data: Any,
        name: str,
        *,
        labels: bool = False,
        impossible: Impossible = "error",
        n_importance: int | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> npt.NDArray[Any]:
        """The most probable state of one discrete variable in every row: argmax_k P(x_name = k | the other values).

        Parameters
        ----------
        data, name, n_importance, seed : as for :meth:`predict_proba`.
        labels : give the names of the states instead of their codes.
        impossible : of rows that are impossible whatever the state: "error" raises, "nan" gives the missing code of the
            type (255, 65535), or None with ``labels``.

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
        placement = Placement.of(data)
        if placement.queue is not None:
            options = {"labels": labels, "n_importance": n_importance}
            evidence = self._evidence_on_card(placement, "predict", impossible, options)
            self._check_discrete(name)
            return evidence.predict(data, name, impossible)
        from .inference.predictions import predicted_codes

        codes = predicted_codes(self._posterior(data, name, impossible, n_importance, seed))
        if not labels:
            return placement.give_back(codes)
        states = np.array([*self._states[name], None], dtype=object)
        return states[np.minimum(codes, len(states) - 1)]

    def marginals(
        self,
        data: Any,
        *,
        impossible: Impossible = "error",
        method: Method = "exact",
        n_samples: int = N_SAMPLES,
        return_info: bool = False,
        seed: int | np.random.Generator | None = None,
    ) -> Any:
        """The distribution of every discrete variable in every row: P(x_v = k | what is observed in the row).

        All at once, where :meth:`predict_proba` is of one variable; and what a row says of a variable counts here, so
        that an observed one is certain.

        Parameters
        ----------
        data : as for :meth:`log_prob`; likelihoods too, columns that are float arrays ``(n_rows, k)`` of a mapping, in
            networks of discrete variables only.
        impossible : of rows whose log-probability is -inf: "error" raises, "nan" gives NaN.
        method, n_samples, return_info, seed : as for :meth:`predict_proba`; "weighted" in networks of discrete
            variables only.

        Returns
        -------
        {name: float64 array ``(n_rows, k)``}; rows sum to one, and are 0 and 1 where the variable is observed. Torch
        tensors if ``data`` is one.

        Raises
        ------
        As :meth:`predict_proba`; also ValueError for more numbers than fit in memory.

        Examples
        --------
        >>> import fastdgm as fd
        >>> found = fd.example("asia").marginals({"smoke": ["yes", None], "xray": [None, "yes"]})
        >>> found["lung"].round(3).tolist(), found["smoke"].round(3).tolist()
        ([[0.1, 0.9], [0.489, 0.511]], [[1.0, 0.0], [0.688, 0.312]])
        """
        from .inference.impossible import check_impossible_option

        check_impossible_option(impossible)
        placement = Placement.of(data)
        if placement.queue is not None:
            options = {"method": method, "return_info": return_info}
            return self._evidence_on_card(placement, "marginals", impossible, options).marginals(data, impossible)
        give_back = placement.give_back
        if is_weighted(method):
            answer = self._weighted_marginals(data, impossible, n_samples, seed)
            value = {name: give_back(own) for name, own in answer.value.items()}
            return (value, answer.info) if return_info else value
        if self._program.is_tabular:
            from .data.evidence_rows import as_evidence
            from .inference.exact_answers import marginals

            found = marginals(self._exact, as_evidence(data, self._program.schema), impossible)
        else:
            from .inference.predictions import marginals as marginals_beside_reals

            found = marginals_beside_reals(self._inference, data, impossible)
        value = {name: give_back(own) for name, own in found.items()}
        return (value, exact_info(found)) if return_info else value

    def _evidence_on_card(
        self, placement: Placement, verb: str, impossible: Impossible, options: Mapping[str, Any]
    ) -> EvidenceVerbs:
        """The verbs for rows of a GPU in which values are missing. TypeError for options that have no loops there."""
        from .inference.impossible import check_impossible_option

        check_impossible_option(impossible)
        refuse_on_card(verb, options)
        return self._on_card(placement).evidence(verb)

    def _weighted_posterior(
        self, data: Any, name: str, impossible: Impossible, n_importance: int | None, n_samples: int, seed: Seed
    ) -> WeightedAnswer:
        """P(name = k | the other values) by likelihood weighting, or beside real variables by importance sampling."""
        from .inference.impossible import check_impossible_option
        from .inference.weighted_answers import WeightedAnswer, posterior, refuse_beside_weighted

        check_impossible_option(impossible)
        refuse_beside_weighted({"n_importance": n_importance})
        self._check_discrete(name)
        if self._program.is_tabular:
            found = posterior(self._weighted, data, name, self._weighted_sampling(n_samples, seed), impossible)
        else:
            from .inference.predictions import estimated_posterior

            sampling = self._sampling(n_samples, seed, "n_samples")
            own = estimated_posterior(self._inference, data, name, sampling, impossible)
            exact = np.isinf(own.n_effective)[:, None]
            info = SamplingInfo(np.where(exact, 0.0, np.full(own.value.shape, np.nan)), own.n_effective)
            found = WeightedAnswer(own.value, info, own.doubt(n_samples, "n_samples"))
        warn_of(found.doubt)
        return found

    def _weighted_marginals(self, data: Any, impossible: Impossible, n_samples: int, seed: Seed) -> WeightedAnswer:
        from .inference.weighted_answers import marginals

        self._check_tabular("marginals", "predict_proba(data, name)")
        found = marginals(self._weighted, data, self._weighted_sampling(n_samples, seed), impossible)
        warn_of(found.doubt)
        return found

    def _check_tabular(self, verb: str, other: str) -> None:
        if not self._program.is_tabular:
            raise ValueError(
                f'{verb} with method="weighted" is of networks of discrete variables without modules; beside real '
                f"variables {other} has it"
            )

    def _check_discrete(self, name: str) -> None:
        self._check_name(name)
        if name not in self._program.schema.states:
            raise ValueError(f"only discrete variables have a posterior by state, {name!r} is real")

    def _posterior(
        self, data: Any, name: str, impossible: Impossible, n_importance: int | None, seed: Seed
    ) -> npt.NDArray[np.float64]:
        """P(name = k | the other values), exact or estimated."""
        from .inference import exact_answers, predictions
        from .inference.impossible import check_impossible_option

        check_impossible_option(impossible)
        self._check_discrete(name)
        sampling = None if n_importance is None else self._sampling(n_importance, seed)
        if self._program.is_tabular:  # exact, whatever is asked to be sampled
            return exact_answers.posterior(self._exact, self._inference, data, name, impossible)
        if sampling is None:
            return predictions.posterior(self._inference, data, name, impossible)
        found = predictions.estimated_posterior(self._inference, data, name, sampling, impossible)
        warn_of(found.doubt(sampling.n_importance))
        return found.value
