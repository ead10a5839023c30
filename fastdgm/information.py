"""How much variables say of each other, and how surprising values are: entropy, mutual information, outlier scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .data.placement import Placement
from .imputation import Imputation
from .inference.cuda_refusals import not_on_card
from .structure_questions import Names, check_apart

if TYPE_CHECKING:
    from .inference.impossible import Impossible


class Information(Imputation):
    """A network that measures information, in nats."""

    def entropy(self, names: Names) -> float:
        """H(X) = - sum_x p(x) log p(x) of some variables together, in nats; exact.

        Of real variables whose joint distribution is normal with covariance S, the differential entropy
        (1/2) log det(2 pi e S).

        Parameters
        ----------
        names : a variable, or several, all of them discrete or all real.

        Raises
        ------
        ValueError : none or repeated names, more than 2**24 configurations, a joint distribution that is not normal.
            KeyError : no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.example("asia")
        >>> round(net.entropy("smoke"), 4), round(net.entropy(["smoke", "bronc"]), 4)
        (0.6931, 1.3351)
        """
        asked = self._asked(names, "names")
        if not asked:
            raise ValueError("entropy is of at least one variable, got none")
        return self.posterior(asked).entropy

    def mutual_information(self, x: Names, y: Names, given: Names = ()) -> float:
        """I(X; Y | Z) = sum p(x, y, z) log [p(x, y | z) / (p(x | z) p(y | z))], in nats; exact.

        It is H(X, Z) + H(Y, Z) - H(X, Y, Z) - H(Z): how much is learnt of one by the other, where Z is known. 0 where
        they are independent given Z, which is not computed where the graph says so. Of real variables whose joint
        distribution is normal the same with differential entropies.

        Parameters
        ----------
        x, y, given : a variable, or several, all of them discrete or all real.

        Raises
        ------
        ValueError : no x or y, a variable in two of them, more than 2**24 configurations of all together, a joint
            distribution that is not normal. KeyError : no variable of that name.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.example("asia")
        >>> round(net.mutual_information("smoke", "lung"), 4), net.mutual_information("asia", "smoke")
        (0.0224, 0.0)
        """
        own = {"x": self._asked(x, "x"), "y": self._asked(y, "y"), "given": self._asked(given, "given")}
        check_apart(own)
        self._check_parameters()
        if self.is_d_separated(own["x"], own["y"], own["given"]):
            return 0.0
        joint = self.posterior((*own["x"], *own["y"], *own["given"]))
        of_x, of_y = (
            joint.marginal([*own["x"], *own["given"]]).entropy,
            joint.marginal([*own["y"], *own["given"]]).entropy,
        )
        of_given = joint.marginal(own["given"]).entropy if own["given"] else 0.0
        return max(0.0, of_x + of_y - joint.entropy - of_given)

    def outlier_scores(self, data: Any, *, impossible: Impossible = "error") -> npt.NDArray[np.float64]:
        """How surprising every value is, given the other observed values of its row: - log p(x_v | others), in nats.

        It is log p(the row without x_v) - log p(the row). Where the row is complete that is - log P(x_v | its Markov
        blanket). High scores are values that do not fit the rest of the row, inf what is impossible beside it; rare
        values that the others explain have low ones. The row as a whole is judged by :meth:`log_prob`.

        Parameters
        ----------
        data : as for :meth:`log_prob`; values may be missing.
        impossible : of rows in which the other values are impossible by themselves, so that no score is defined:
            "error" raises, "nan" gives NaN.

        Returns
        -------
        float64 array ``(n_rows, n_vars)``, columns in the order of ``names``, NaN where a value is missing. A torch
        tensor if ``data`` is one.

        Raises
        ------
        As :meth:`log_prob`. ImpossibleEvidenceError (a ValueError), naming the row.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({
        ...     "rain": fd.Bernoulli(0.2),
        ...     "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"]),
        ... })
        >>> net.outlier_scores({"rain": [1, 1], "wet": ["wet", None]}).round(3).tolist()
        [[0.405, 0.223], [1.609, nan]]
        """
        from .inference.impossible import check_impossible_option
        from .inference.outliers import outlier_scores, outlier_scores_beside_reals

        check_impossible_option(impossible)
        placement = Placement.of(data)
        if placement.queue is not None:
            raise not_on_card("outlier_scores")
        if self._program.is_tabular:
            found = outlier_scores(self._exact, self._inference, data, impossible)
        else:
            found = outlier_scores_beside_reals(self._inference, data, impossible)
        return placement.give_back(found)
