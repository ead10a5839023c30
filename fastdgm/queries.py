"""How likely rows are, whatever is missing in them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .conditionals.base import Conditional
from .data.placement import Placement, asks_for_gradient
from .errors import MissingValuesError
from .inference.cuda_refusals import refuse_on_card
from .inference.sampling_info import N_SAMPLES, Method, SamplingInfo, exact_info, is_weighted
from .runtime.seeds import at_least_one, key_from_seed
from .structure_questions import StructureQuestions

if TYPE_CHECKING:
    from .engines.cuda_program import CudaProgram
    from .engines.hybrid import Program
    from .engines.torch.densities.joint import JointDensity
    from .inference.cuda_exact import CudaExact
    from .inference.cuda_verbs import CudaVerbs
    from .inference.exact import Exact
    from .inference.importance import Sampling
    from .inference.impossible import Impossible
    from .inference.latent import Inference
    from .inference.weighted import WeightedInference, WeightedSampling
    from .runtime.cuda_queue import CudaQueue

Seed = int | np.random.Generator | None
NO_GRADIENT_GIVEN = "log_prob(given=) has no gradient: detach the tensors, or subtract two log_probs"


class Queries(StructureQuestions):
    """A network whose conditionals answer: the verbs that draw and learn nothing."""

    _kept_program: Program | None = None
    _kept_inference: Inference | None = None
    _kept_exact: Exact | None = None
    _kept_weighted: WeightedInference | None = None
    _kept_density: JointDensity | None = None
    _kept_cuda_density: Mapping[int, JointDensity] = MappingProxyType({})  # by card
    _kept_cuda: Mapping[int, CudaProgram] = MappingProxyType({})  # by card
    _kept_cuda_exact: Mapping[int, CudaExact] = MappingProxyType({})  # likewise

    def _set_conditionals(self, conditionals: Mapping[str, Conditional]) -> None:
        super()._set_conditionals(conditionals)
        self._kept_program = self._kept_inference = self._kept_exact = None  # at once: their plans may be large
        self._kept_weighted = self._kept_density = None
        self._kept_cuda, self._kept_cuda_exact, self._kept_cuda_density = {}, {}, {}

    @property
    def _program(self) -> Program:
        """The conditionals as engines, made on first use; never those of conditionals that ``fit`` replaced."""
        program = self._kept_program
        if program is None or program.conditionals is not self._conditionals:
            from .engines.hybrid import Program

            self._check_parameters()
            program = self._kept_program = Program(self._conditionals, self._order)
        return program

    def log_prob(
        self,
        data: Any,
        *,
        given: Sequence[str] | None = None,
        per_variable: bool = False,
        impossible: Impossible = "error",
        n_importance: int | None = None,
        return_std_error: bool = False,
        method: Method = "exact",
        n_samples: int = N_SAMPLES,
        return_info: bool = False,
        seed: int | np.random.Generator | None = None,
    ) -> Any:
        """How likely each row is: log p(x) = sum_v log P(x_v | parents of v), in nats.

        Columns may be absent and values missing, other ones in every row: they are summed out, or integrated, exactly,
        and the answer is log p(what is there), 0 where that is nothing. In networks of discrete variables that is one
        pass over a tree of tables (``inference/exact.py``), whatever is missing. Beside real variables hidden discrete
        ones are summed by elimination (those that depend on each other in up to 2**20 configurations), and hidden
        linear Gaussian numbers are one normal vector for each of these; what has nothing observed below it costs
        nothing. Missing numbers of a neural vector, which are independent of the others given its parents, are left out
        where nothing observed is below them.

        Hidden real variables without a closed form, as the z of a variational autoencoder, are sampled where
        ``n_importance=K`` says so, and the answer is an estimate, log (1/K) sum_k w_k, of importance weights

            w_k = sum over hidden discrete c of p(x, c, z_k) / q(z_k | x, c)

        with q the guide of z where the network has one (:meth:`guided`), else its own conditional (Burda, Grosse and
        Salakhutdinov 2016). The mean of the weights is unbiased; its logarithm is too low on average, less so the
        larger K. What has a closed form stays exact.

        Parameters
        ----------
        data : :class:`Samples`, an integer array of codes of shape ``(n_rows, n_vars)`` with columns in the order
            of ``names``, or a mapping of columns, pandas, polars or Arrow table matched by name. Integers are
            codes, strings are labels, booleans match the states False / True. Any further columns are an error. Arrays
            of a GPU (torch, CuPy, numba, JAX: CUDA array interface or DLPack), alone or as columns, are read there, on
            their library's current stream, and so is ``CudaSamples``. In
            networks of discrete variables a column of a mapping may be a float array ``(n_rows, k)``, a likelihood of
            each state, not normalised: the answer is log sum_x p(x) prod_v L_v(x_v).
            In networks with real variables an array of ``(n_rows, n_reals)`` holds these alone, and with
            ``n_importance`` one may hold all variables but those that have a guide. A column of vectors is
            ``(n_rows, *event_shape)``, flat ``(n_rows, size)``, lists, or ``size`` columns ``x[0]``, ``x[1]``, ...; in
            an array of rows it is ``size`` columns.
            Torch tensors that require grad, in a mapping or as rows, are complete rows, and give a tensor that is
            differentiable by these and by the modules of neural conditionals; not so where a kind of conditional has
            no density in torch (autoregressive models).
        given : names of variables: log p(the others | these) = log p(x) - log p(x[given]).
        per_variable : return the terms, ``(n_rows, n_vars)``, instead of their sum; refused where values are missing.
        impossible : with ``given``, of rows in which p(x[given]) is 0: "error" raises, "nan" gives NaN.
        n_importance : samples of each row of hidden real variables without a closed form; without it such rows are
            refused. Rows that need none are exact.
        return_std_error : return a pair, log p and its standard error ``(n_rows,)``: by the delta method that of the
            mean weight divided by the mean, 0 where log p is exact, inf where one sample or none says anything.
        method : "exact"; or "weighted", where that is too big: likelihood weighting, log (1/K) sum_k w_k of K =
            ``n_samples`` draws of each row, in which what is observed stays and w is its probability given its parents
            (Fung and Chang 1990). Beside real variables it is what ``n_importance=K`` does.
        return_info : return a pair, log p and a ``SamplingInfo``: its standard error and the effective sample size
            (sum w)^2 / sum w^2 of every row.
        seed : of the samples, int in [0, 2**64), a ``numpy.random.Generator``, or None for a fresh one. Sample k of row
            i has random words of its own, whatever else is asked for with it (class of reproducibility: float-driven,
            or torch's modules).

        Returns
        -------
        float64 array ``(n_rows,)`` or ``(n_rows, n_vars)``, a torch tensor if ``data`` is one, an array of the library
        and on the GPU of ``data`` where that is on one, which may not be there yet; ``-inf`` for rows
        the network calls impossible, or whose values are so far out that log p leaves the range of float64, for a
        normal vector that of the type of the data. One warning tells of rows whose weights lie on a few samples: their
        effective sample size (sum w)^2 / sum w^2 is below 10.

        Raises
        ------
        ValueError : codes out of range, wrong number of columns, missing values with ``per_variable``, or ones that
            cannot be summed out (which, and why; or what it would cost), a guide that reads what is missing.
            KeyError : unknown names or labels. ImpossibleEvidenceError (a ValueError) : the first row in which
            p(x[given]) is 0, naming values that cannot be together.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet({"rain": fd.Bernoulli(0.25)})
        >>> net.log_prob([[0], [1]]).round(3).tolist()
        [-0.288, -1.386]
        >>> asia = fd.example("asia")
        >>> asia.log_prob({"smoke": ["yes", None], "xray": ["yes", "yes"]}).round(3).tolist()
        [-2.579, -2.205]
        >>> asia.log_prob({"smoke": ["yes"], "xray": ["yes"]}, given=["smoke"]).round(3).tolist()
        [-1.886]
        >>> mixture = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})
        >>> mixture.log_prob({"x": [-2.0, 3.0]}).round(3).tolist()
        [-1.276, -1.43]
        >>> net = fd.BayesNet({"s": fd.Exponential(1.0), "y": fd.Logistic(["s"], [1.5], -1.0)})
        >>> value, error = net.log_prob({"y": [0, 1]}, n_importance=1000, return_std_error=True, seed=0)
        >>> value.round(1).tolist(), error.round(2).tolist()
        ([-0.8, -0.6], [0.02, 0.01])
        """
        placement = Placement.of(data)
        if placement.queue is not None:
            options = {"n_importance": n_importance, "return_std_error": return_std_error, "return_info": return_info}
            refuse_on_card("log_prob", {**options, "method": method})
            return self._log_prob_on_card(placement, data, given, per_variable, impossible)
        if is_weighted(method):
            beside = {"given": given, "per_variable": per_variable, "n_importance": n_importance}
            return self._weighted_log_prob(data, beside, n_samples, seed, return_std_error, return_info)
        if return_info:
            if n_importance is not None or return_std_error:
                raise ValueError(
                    'return_info= is of method="weighted" and of exact answers, which have no other errors'
                )
            value = self.log_prob(data, given=given, per_variable=per_variable, impossible=impossible)
            return value, exact_info(np.asarray(value))
        if given is not None or impossible != "error":
            return self._conditional_log_prob(data, given, impossible, per_variable, n_importance, return_std_error)
        if asks_for_gradient(data) and self._has_gradient:
            if n_importance is not None:
                raise ValueError("estimates have no gradient by data: leave n_importance= out, or detach the tensors")
            return self._followed_log_prob(data, per_variable, return_std_error)
        if n_importance is not None:
            return self._estimated_log_prob(data, per_variable, n_importance, return_std_error, seed)
        found = self._exact_log_prob(data, per_variable)
        give_back = placement.give_back
        return (give_back(found), give_back(np.zeros(len(found)))) if return_std_error else give_back(found)

    def _log_prob_on_card(
        self,
        placement: Placement,
        data: Any,
        given: Sequence[str] | None,
        per_variable: bool,
        impossible: Impossible,
    ) -> Any:
        """log p of arrays of a GPU."""
        if given is not None or impossible != "error":
            names = self._names_given(given, impossible)
            if per_variable:
                raise ValueError("given= is exact and one number for each row: leave per_variable= out")
            if asks_for_gradient(data):
                raise ValueError(NO_GRADIENT_GIVEN)
            return self._on_card(placement).log_prob_given(data, names, impossible)
        if asks_for_gradient(data) and self._has_gradient:
            from .engines.torch.densities import on_card

            density, columns = self._density_on_card(placement.cuda), self.names if per_variable else None
            return on_card.log_prob(density, data, self._program.schema, placement, columns)
        there = self._on_card(placement)
        return there.log_prob_per_variable(data) if per_variable else there.log_prob(data)

    def _conditional_log_prob(
        self,
        data: Any,
        given: Sequence[str] | None,
        impossible: Impossible,
        per_variable: bool,
        n_importance: int | None,
        return_std_error: bool,
    ) -> Any:
        """log p(the others | given)."""
        from .inference.exact_answers import log_evidence_given
        from .inference.predictions import log_prob_given

        names = self._names_given(given, impossible)
        if per_variable or n_importance is not None:
            other = "per_variable" if per_variable else "n_importance"
            raise ValueError(f"given= is exact and one number for each row: leave {other}= out")
        if asks_for_gradient(data):
            raise ValueError(NO_GRADIENT_GIVEN)
        if self._program.is_tabular:
            found = log_evidence_given(self._exact, data, names, impossible)
        else:
            found = log_prob_given(self._inference, data, names, impossible)
        give_back = Placement.of(data).give_back
        return (give_back(found), give_back(np.zeros(len(found)))) if return_std_error else give_back(found)

    def _names_given(self, given: Sequence[str] | None, impossible: Impossible) -> tuple[str, ...]:
        """Those of log_prob(given=)."""
        from .inference.impossible import check_impossible_option

        check_impossible_option(impossible)
        if given is None:
            raise ValueError("impossible= is a rule for given=: without it impossible rows have a log_prob of -inf")
        return self._asked(given, "given")

    def _exact_log_prob(self, data: Any, per_variable: bool) -> npt.NDArray[np.float64]:
        program = self._program
        if per_variable or program.refuses_missing:
            return self._log_prob_of_complete(program, data, per_variable)
        from .inference.exact_answers import log_evidence
        from .inference.predictions import log_prob

        return log_evidence(self._exact_of(program), data) if program.is_tabular else log_prob(self._inference, data)

    def _log_prob_of_complete(self, program: Program, data: Any, per_variable: bool) -> npt.NDArray[np.float64]:
        from .data.boundary import as_network_block, read_once

        schema = program.schema  # that of the program, also while another thread fits
        data = read_once(data, schema.names)
        try:
            block = as_network_block(data, schema)
            return program.log_prob_per_variable(block).T if per_variable else program.log_prob(block)
        except MissingValuesError:
            if not per_variable:
                raise
            from .data.incomplete import incomplete_rows

            raise incomplete_rows(data, schema, "per_variable=True") from None

    @property
    def _has_gradient(self) -> bool:
        """Whether all kinds of conditionals have a density in torch; needs torch."""
        from .engines.torch.densities.joint import have_densities

        return have_densities(self._program.conditionals.values())

    def _followed_log_prob(self, data: Any, per_variable: bool, return_std_error: bool) -> Any:
        """log p of complete rows with a graph."""
        from .engines.torch.densities.inputs import values_of_rows

        density = self._density
        values = values_of_rows(data, self._program.schema)
        found = density.table(values, self.names) if per_variable else density(values)
        return (found, found.new_zeros(len(found))) if return_std_error else found

    @property
    def _density(self) -> JointDensity:
        """The conditionals in torch, made on first use; gradients reach the modules of neural ones alone."""
        conditionals, density = self._program.conditionals, self._kept_density
        if density is None or density.came_from is not conditionals:
            from .engines.torch.densities.joint import JointDensity

            density = self._kept_density = JointDensity(conditionals, self._order).as_the_network()
        return density

    def _density_on_card(self, queue: CudaQueue) -> JointDensity:
        """The same on a card, made on first use there."""
        conditionals, density = self._program.conditionals, self._kept_cuda_density.get(queue.device)
        if density is None or density.came_from is not conditionals:
            from .engines.torch.densities.on_card import density_on_card

            density = density_on_card(conditionals, self._order, queue)
            self._kept_cuda_density = {**self._kept_cuda_density, queue.device: density}
        return density

    def _estimated_log_prob(
        self, data: Any, per_variable: bool, n_importance: int, return_std_error: bool, seed: Seed
    ) -> Any:
        """log p, or with its standard error."""
        if per_variable:
            raise ValueError(
                "per_variable=True gives the terms of complete rows, none of them estimated: leave n_importance= out"
            )
        sampling = self._sampling(n_importance, seed)
        if self._program.is_tabular:
            from .inference.estimates import Estimates

            found = Estimates.exact(self._exact_log_prob(data, False))
        else:
            from .inference.predictions import estimated_log_prob

            found = estimated_log_prob(self._inference, data, sampling)
        warn_of(found.doubt(sampling.n_importance))
        give_back = Placement.of(data).give_back
        return (give_back(found.value), give_back(found.std_error)) if return_std_error else give_back(found.value)

    def _weighted_log_prob(
        self,
        data: Any,
        options: Mapping[str, Any],
        n_samples: int,
        seed: Seed,
        return_std_error: bool,
        return_info: bool,
    ) -> Any:
        """log p by likelihood weighting, or beside real variables by importance sampling."""
        from .inference.weighted_answers import log_prob, refuse_beside_weighted

        refuse_beside_weighted(options)
        if self._program.is_tabular:
            value, info, doubt = log_prob(self._weighted, data, self._weighted_sampling(n_samples, seed))
        else:
            from .inference.predictions import estimated_log_prob

            found = estimated_log_prob(self._inference, data, self._sampling(n_samples, seed, "n_samples"))
            value, info = found.value, SamplingInfo(found.std_error, found.n_effective)
            doubt = found.doubt(n_samples, "n_samples")
        warn_of(doubt)
        give_back = Placement.of(data).give_back
        if return_info:
            return give_back(value), info
        return (give_back(value), give_back(info.std_error)) if return_std_error else give_back(value)

    def _weighted_sampling(self, n_samples: int, seed: Seed) -> WeightedSampling:
        from .inference.weighted import WeightedSampling

        return WeightedSampling(at_least_one(n_samples, "n_samples"), key_from_seed(seed))

    @property
    def _weighted(self) -> WeightedInference:
        """What estimates answers about rows of discrete variables, made on first use."""
        program, weighted = self._program, self._kept_weighted
        if weighted is None or weighted.program is not program:
            from .inference.weighted import WeightedInference

            weighted = self._kept_weighted = WeightedInference(program)
        return weighted

    def _sampling(self, n_importance: int, seed: Seed, option: str = "n_importance") -> Sampling:
        from .inference.importance import Sampling

        return Sampling(self._guide, at_least_one(n_importance, option), key_from_seed(seed))

    @property
    def _inference(self) -> Inference:
        """What answers about rows with missing values, made on first use."""
        program, inference = self._program, self._kept_inference
        if inference is None or inference.program is not program:
            from .inference.latent import Inference

            inference = self._kept_inference = Inference(program)
        return inference

    @property
    def _exact(self) -> Exact:
        """What answers about rows of discrete variables with missing values, made on first use."""
        return self._exact_of(self._program)

    def _exact_of(self, program: Program) -> Exact:
        """That of a program, also while another thread fits."""
        exact = self._kept_exact
        if exact is None or exact.program is not program:
            from .inference.exact import Exact

            exact = self._kept_exact = Exact(program)
        return exact

    def _on_card(self, placement: Placement) -> CudaVerbs:
        """The verbs for arrays of a GPU; what was uploaded to one is kept as long as the parameters."""
        from .engines.cuda_program import CudaProgram
        from .inference.cuda_verbs import CudaVerbs

        program, device = self._program, placement.cuda.device
        kept = self._kept_cuda.get(device)
        if kept is None or kept.program is not program:
            kept = CudaProgram(program)
            self._kept_cuda = {**self._kept_cuda, device: kept}
        return CudaVerbs(kept, placement, self._exact_on_card(program, device) if program.is_tabular else None)

    def _exact_on_card(self, program: Program, device: int) -> CudaExact:
        """What answers about rows of discrete variables with missing values on a card."""
        from .inference.cuda_exact import CudaExact

        exact, kept = self._exact_of(program), self._kept_cuda_exact.get(device)
        if kept is None or kept.exact is not exact:
            kept = CudaExact(exact)
            self._kept_cuda_exact = {**self._kept_cuda_exact, device: kept}
        return kept

    def score_samples(self, data: Any) -> npt.NDArray[np.float64]:
        """The same as :meth:`log_prob`, under scikit-learn's name."""
        return self.log_prob(data)

    def __getstate__(self) -> dict[str, Any]:
        return {
            **self.__dict__,
            "_kept_program": None,
            "_kept_inference": None,
            "_kept_exact": None,
            "_kept_weighted": None,
            "_kept_density": None,
            "_kept_cuda": {},
            "_kept_cuda_exact": {},
            "_kept_cuda_density": {},
        }


def warn_of(doubt: str | None) -> None:
    """At the line that called a public verb through one helper."""
    if doubt is not None:
        warnings.warn(doubt, UserWarning, stacklevel=4)
