"""What known values say of several variables together: a table of discrete ones, a normal vector of real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .beliefs import Beliefs
from .data.condition_text import as_mapping, condition_text
from .data.cuda_arrays import refuse_on_cpu
from .data.evidence import known_values
from .data.variables import in_order
from .errors import ImpossibleEvidenceError
from .inference.sampling_info import N_SAMPLES, Method, is_weighted
from .queries import Seed, warn_of
from .runtime.text import preview

if TYPE_CHECKING:
    from .conditionals.multivariate import MultivariateNormal
    from .inference.posterior_table import PosteriorTable
    from .inference.weighted_answers import WeightedAnswer


class JointPosteriors(Beliefs):
    """A network that tells what follows for several variables together."""

    def posterior(
        self,
        names: Sequence[str],
        given: Mapping[str, object] | None = None,
        do: Mapping[str, object] | None = None,
        *,
        method: Method = "exact",
        n_samples: int = N_SAMPLES,
        return_info: bool = False,
        seed: int | np.random.Generator | None = None,
    ) -> Any:
        """What known values say of some variables, jointly and exactly: p(names | given, do).

        For discrete variables a table, P(names = k | given) = p(k, given) / sum_k p(k, given), with a number for every
        configuration. For linear Gaussians with joint mean m and covariance S a normal distribution: the mean is
        m_h + S_ho S_oo^-1 (x_o - m_o) and the covariance S_hh - S_ho S_oo^-1 S_oh, computed without forming S
        (``inference/joint_normal.py``). Many rows at once are answered by :meth:`predict_proba` and :meth:`marginals`.

        Parameters
        ----------
        names : variables, all of them discrete or all real.
        given : values of others: codes or labels of discrete variables; a list of these, of which one is true; a float
            array ``(k,)``, the likelihood of each state, not normalised. Numbers, or sequences of them, of real
            variables. For real names discrete variables that bear on the answer need a code or label.
        do : values that variables are set to, whatever their parents are: the question is put to ``net.do(do)``.
        method, n_samples, return_info, seed : as for :meth:`predict_proba`; "weighted" in networks of discrete
            variables only.

        Returns
        -------
        PosteriorTable with ``names``, ``states`` and ``table``, axes in the order asked for; or MultivariateNormal with
        ``names``, ``mean`` and ``covariance``, for real names.

        Raises
        ------
        ImpossibleEvidenceError (a ValueError) : what is given has probability 0, naming values that cannot be together.
        ValueError : a name that is given itself, ``given`` and ``do`` that disagree, a table of more than 2**24 cells,
            a posterior of real variables that is not normal (a mixture, another kind of conditional, a point mass),
            naming the variable. KeyError : unknown names or labels.

        Examples
        --------
        >>> import fastdgm as fd
        >>> asia = fd.example("asia")
        >>> asia.posterior(["lung", "bronc"], given={"xray": "yes"})
        P(lung, bronc | xray=yes)
        lung  bronc=yes  bronc=no
        yes   0.2799     0.2088
        no    0.2264     0.2849
        >>> [round(asia.posterior(["smoke"], **{how: {"lung": "yes"}})["yes"], 3) for how in ("given", "do")]
        [0.909, 0.5]
        >>> net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5)})
        >>> answer = net.posterior(["a"], given={"b": 1.3})
        >>> answer.mean.round(3).tolist(), answer.covariance.round(3).tolist()
        ([0.141], [[0.059]])
        """
        asked = in_order(names, "names")
        for name in asked:
            self._check_name(name)
        if not asked or len(set(asked)) < len(asked):
            raise ValueError(f"a posterior is of distinct variables, at least one, got {list(asked)}")
        known, intervention = as_mapping(given, "given"), as_mapping(do, "do")
        for option, values in (("given", known), ("do", intervention)):
            refuse_on_cpu(values, f"posterior({option}=)")
            for name in asked:
                if name in values:
                    what = "given a value" if option == "given" else "set to a value by do"
                    raise ValueError(f"{name!r} is {what}, so it has no posterior: leave it out of one of the two")
        net = self
        if intervention:
            self._check_agreement(known, intervention)
            net = self.do(intervention)
        condition = condition_text(known, intervention, self._states)
        if is_weighted(method):
            answer = net._weighted_table(asked, known, n_samples, seed)
            table = _labelled(net, asked, answer.value, condition)
            return (table, answer.info) if return_info else table
        if return_info:
            raise ValueError('return_info= of a posterior is of method="weighted": what is exact has no errors')
        return net._answer_to(asked, known, condition)

    def _check_agreement(self, known: Mapping[str, object], done: Mapping[str, object]) -> None:
        """ValueError where a variable is given something else than what it is set to."""
        from .inference.agreement import check_agreement, check_known_agreement

        schema = self._program.schema
        both = {name: value for name, value in known.items() if name in done}
        values = known_values(done, schema, "do")
        if both and self._program.is_tabular:
            from .data.evidence_rows import given_evidence

            check_agreement(given_evidence(both, schema), values)
        elif both:
            check_known_agreement(known_values(both, schema), values, schema)

    def _answer_to(
        self, names: tuple[str, ...], known: Mapping[str, object], condition: str
    ) -> PosteriorTable | MultivariateNormal:
        """The posterior of discrete names as a table, of real ones as a normal vector."""
        real = [name for name in names if name not in self._program.schema.states]
        if not real:
            return _labelled(self, names, self._table(names, known), condition)
        from .inference.known_row import refuse_impossible_values
        from .inference.posteriors import posterior

        if len(real) < len(names):
            raise ValueError(f"a posterior is of discrete variables or of real ones, here {preview(real)} are real")
        network = self._inference.network
        values = known_values(known, network.schema)
        what = f"posterior of {preview(names)}"
        try:
            answer = posterior(network, names, values)
        except ImpossibleEvidenceError:
            raise
        except ValueError:
            refuse_impossible_values(self._inference, values, what)  # that comes first, whatever else is wrong
            raise
        refuse_impossible_values(self._inference, values, what)
        return answer

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

    def _table(self, names: tuple[str, ...], known: Mapping[str, object]) -> npt.NDArray[np.float64]:
        """P(names | known) with an axis for each of the names, which are discrete."""
        from .inference.joint_tables import joint_table, joint_table_beside_reals

        if self._program.is_tabular:
            return joint_table(self._exact, names, known)
        return joint_table_beside_reals(self._inference, names, known)

    def _weighted_table(
        self, names: tuple[str, ...], known: Mapping[str, object], n_samples: int, seed: Seed
    ) -> WeightedAnswer:
        from .inference.weighted_answers import joint_table

        self._check_tabular("posterior", "predict_proba(data, name)")
        found = joint_table(self._weighted, names, known, self._weighted_sampling(n_samples, seed))
        warn_of(found.doubt)
        return found


def _labelled(net: Beliefs, names: tuple[str, ...], table: npt.NDArray[np.float64], condition: str) -> PosteriorTable:
    """A table with the names of its axes and states."""
    from .inference.posterior_table import PosteriorTable

    return PosteriorTable({name: net.states[name] for name in names}, table, condition)
