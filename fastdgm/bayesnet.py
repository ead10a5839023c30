"""Bayes nets over named variables, discrete and real: rows are drawn from them, and they are learnt from rows."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from .conditionals.autoregressive import AutoregressiveConditional
from .conditionals.neural import Neural
from .data.cuda_arrays import is_on_card
from .data.placement import Placement
from .data.schema import Schema
from .errors import MissingValuesError
from .inference.cuda_refusals import not_on_card
from .runtime.extras import how_to_install
from .sampler import Sampler

if TYPE_CHECKING:
    from torch import nn

    from .conditionals.base import Conditional
    from .learning.counts import Prior, UnknownLabels
    from .learning.em_options import EMOptions
    from .learning.fitting import Fitted, Known
    from .learning.neural import TrainingData
    from .learning.neural_options import ModuleOptions
    from .learning.options import Schedule
    from .show.graph import Picture
    from .show.marginals import Marginals


class BayesNet(Sampler):
    """A joint distribution as a product of conditionals: p(x) = prod_v p(x_v | parents of v).

    Parameters
    ----------
    conditionals : mapping from variable name to its conditional: a :class:`CPT` (or ``Bernoulli``, ``Categorical``),
        :class:`LinearGaussian` (or ``Normal``), :class:`Logistic` and so on; any order, a child may come before its
        parents. The mapping's order is the order of the columns.

    Raises
    ------
    ValueError : a cycle (printed), a table whose shape disagrees with the parents' numbers of states, or one taken from
        a network where a parent had other states, or the same in another order.
    KeyError : a parent that is not in the network.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.BayesNet({
    ...     "rain": fd.Bernoulli(0.2),
    ...     "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]], states=["dry", "wet"]),
    ... })
    >>> net.edges, net.n_parameters
    ((('rain', 'wet'),), 3)
    """

    _statistics: Any = None  # what ``partial_fit`` goes on from
    _history: Sequence[dict[str, float]] = ()  # of the last fit that took steps

    def fit(
        self,
        data: Any,
        y: Any = None,
        *,
        prior: float | str = 1.0,
        equivalent_sample_size: float = 10.0,
        sample_weight: Any = None,
        unknown: UnknownLabels = "error",
        n_restarts: int = 1,
        max_iterations: int = 100,
        tolerance: float = 1e-3,
        seed: int | np.random.Generator | None = None,
        progress: bool | None = None,
        resume: bool = False,
        valid: Any = None,
        guide: Mapping[str, Conditional] | None = None,
        epochs: int = 100,
        batch_size: int = 100,
        learning_rate: float = 1e-3,
        schedule: Schedule = "cosine",
        weight_decay: float = 0.0,
        patience: int | None = 10,
        checkpoint: str | os.PathLike[str] | None = None,
        max_gradient_norm: float | None = None,
        n_particles: int = 1,
        warm_up: int = 0,
    ) -> BayesNet:
        """Learn every conditional from data, afresh; returns self, changed all at once.

        Tables: theta_{v,u,k} = (N_{v,u,k} + a) / sum_k' (N_{v,u,k'} + a), with N the (weighted) counts of state k under
        parent configuration u. A configuration never seen, with a = 0, gets the uniform distribution.

        Real variables, by maximum likelihood, for which no prior counts: a linear Gaussian is the (weighted) least
        squares regression on the real parents in each configuration u of the discrete ones, and its variance the mean
        squared residual (divided by the sum of weights W, not by degrees of freedom): b = S_pp^-1 S_py,
        intercept = mean_y - b . mean_p, std^2 = (S_yy - b . S_py) / W. Moments are gathered in one pass for the whole
        network, in float64 about a value of the data, so that a large offset does not cancel, also where the data are
        float32. A normal vector has the mean and covariance S / W of each configuration; ``Uniform`` the smallest and
        largest value, ``Exponential`` 1 / mean, ``Laplace`` the median and mean distance from it; ``Deterministic``
        stays. A variable keeps the kind of conditional that it has; in a network made by ``from_edges`` a real one is
        linear Gaussian (a vector is normal), a discrete one has a table, or with real parents ``Logistic`` (two states)
        or ``Softmax``.

        An autoregressive model that is the conditional of a vector (``made.given(parents)``) goes on from its present
        parameters by its own ``fit``, which takes ``valid``, ``epochs`` and the like: the model itself changes. It and
        its parents have values in all rows. Beside torch modules both are trained, and change together at the end.

        One warning tells where data do not say all of that: a constant column has std 0; a real parent that is
        constant, or a linear function of those before it (to 1e-11 of its variance), has coefficient 0; a residual
        that is lost in rounding has the std of that rounding; a configuration with no more rows than the regression has
        coefficients (the vector numbers) gets the estimate of all configurations together.

        Parameters
        ----------
        data : as for :meth:`log_prob`. States that were not declared are learnt: strings are sorted, an *ordered*
            categorical (pandas, Arrow; polars Enum; Samples) keeps its order and any other is sorted; integers are
            codes from 0 to the largest, so years or ratings from 1 need ``astype("category")`` or declared states.
            A column of floats of which any is fractional is real; ``real=[...]`` of ``from_edges`` says it of others.
        y : ignored, there for scikit-learn's pipelines: a class is a variable like the others, a column of the data.
            Refused where a variable is hidden, because it may be the labels of that one.
        prior : a per cell: 1.0 (the default) is Laplace smoothing, 0.0 maximum likelihood; or ``"bdeu"`` for
            a = equivalent_sample_size / (k x number of parent configurations) (Heckerman et al. 1995).
            Of tables alone.
        sample_weight : ``(n_rows,)`` non-negative weights; a row of weight 0 is as if it were not there.
        unknown : "drop" leaves out, with a warning, rows with a label that is no state; scoring has no such option,
            because it gives one number per row.

        n_restarts, max_iterations, tolerance, resume : of EM, see below.
        seed, progress, checkpoint : of EM and of the training of modules.
        valid, guide, epochs, batch_size, learning_rate, schedule, weight_decay, patience, max_gradient_norm,
        n_particles, warm_up : of modules, see below; refused where there are none.

        Raises
        ------
        ValueError, KeyError : as for :meth:`log_prob`; or too few rows of positive weight altogether, a singular
        covariance, a constant ``Uniform`` or negative ``Exponential`` column, sums that leave the range of float64.
        The network is left as it was.

        Notes
        -----
        *Missing values and latent variables.* A discrete variable that has no value in some rows, or no column, is
        hidden there, and all conditionals are learnt by EM (Dempster, Laird and Rubin 1977): each step weighs the
        states of what is hidden in a row by their posterior, exactly, and learns from them as from complete rows. It
        maximises, and never lowers,

            sum_i w_i log p(what row i says) + log prior               log prior: sum of a log theta over all cells

        In networks of discrete variables the step is theta = (N + a) / sum (N + a) with the expected counts N
        (Lauritzen 1995); a table learns nothing from rows in which its variable and all that descends from it are
        missing, or, where few rows are so, learns the same more slowly; a row that says nothing changes nothing. The
        states are those declared or, in a column, those of the values that are there. With real variables a component
        is the estimate of its own weighted rows, as above, but for one whose rows do not determine it, because it has
        lost them, or shrunk onto a few or onto equal ones: it also sees all rows with weight 1e-8, and so becomes as
        wide as the data, or about 1e-4 of that on a few rows, instead of undefined, by steps that may lower the
        likelihood. An array ``(n, n_reals)`` holds the real variables alone. Real values may be missing, too, where
        nothing observed depends on them.

        It starts from the counts of the rows that know a whole family and, for what no row knows (with real variables:
        for all that is hidden), from clusters by k-means++ of what is observed below. ``n_restarts`` starts differ in
        clusters and in random weights of the rows (with real variables: in clusters alone); the most likely end is
        kept. A run ends when a step changes the objective by no more than ``tolerance`` nats per row, or, with a
        warning, after ``max_iterations``: for estimates to three digits take ``tolerance=1e-6``. :attr:`history` has
        its trace. ``resume=True`` goes on from the present parameters, with the numbers of a longer run; so does
        ``checkpoint=path`` in networks of tables, a file that is replaced while the fit runs. A bar shows the steps
        where ``progress`` says so. The result does not depend on the number of threads. After Ctrl-C the network is as
        it was.

        *On a GPU.* Complete rows of a card are counted and added up there, and the sums copied once. Tables are those
        of the CPU bit for bit; with ``sample_weight``, an array of the card, but for rounding, unless all weights are
        whole numbers. States are declared, or those of the samples that come.

        *Torch modules.* In networks with :class:`Neural` nodes, or with a guide, conditionals of other kinds are learnt
        first, in closed form, each from the rows in which it and its parents have values; those of variables that never
        have one keep their parameters, as the prior of a latent z. Then all parameters of the modules of network and
        guide that require gradients, and nothing else, are trained by Adam (Kingma and Ba 2015), from their present
        values on. What is maximised is the mean, over rows by their weights, of the log-probabilities of the Neural
        nodes and of whatever depends on a variable that is latent or hidden,

            log sum_y mean_k  p(x, y, z_k) / q(z_k | x, y)         z_k ~ q, the guide

        Real variables without a column are latent and need a ``guide`` (``{"z": Neural(["x"], encoder,
        family="normal", ...)}``), which stays with the network (:meth:`guided`). With ``n_particles=1`` it is the ELBO
        (Kingma and Welling 2014), the divergence of guide and prior being in closed form where both are independent
        normals and no latent parent is read; with more the bound of Burda, Grosse and Salakhutdinov (2016).
        Discrete variables without a value, in some rows or all, are summed out exactly, up to 4096 configurations.
        ``warm_up`` epochs raise the weight of the divergence from 0 to 1. Clusters may take each other's names where
        labels are few: fit the labelled rows first, then all.

        ``valid`` (rows like the data), ``epochs``, ``batch_size``, ``learning_rate``, ``schedule``, ``weight_decay``,
        ``patience``, ``checkpoint`` and ``progress`` are those of :meth:`MADE.fit`; ``max_gradient_norm`` clips
        gradients. ``seed`` decides the order of rows and all noise (class of reproducibility: torch modules).
        :attr:`history` holds minus the mean of what is maximised, without warm-up. Copies of the modules are trained:
        an error or Ctrl-C leaves the network, its modules and their modes as they were. Modules with batch-norm or
        dropout are told of. A loss or gradient that is not finite raises FloatingPointError and says where, too little
        memory MemoryError.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet.from_edges([("a", "b")])
        >>> net.fit({"a": ["x", "y", "x"], "b": [0, 1, 1]}, prior=0.0)["a"].table.round(3).tolist()
        [0.667, 0.333]
        >>> net.fit({"a": ["x", "x", "y", "y", None], "b": [0, 0, 1, 1, 1]})["a"].table.round(2).tolist()  # by EM
        [0.46, 0.54]
        >>> net.fit({"a": [0.5, 1.0, 1.5, 2.0], "b": [2.1, 2.9, 4.1, 4.9]})["b"].coefficients.round(3).tolist()
        [1.92]

        A network with a module:

        >>> import torch
        >>> net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.Neural(["a"], torch.nn.Linear(1, 1), family="bernoulli",
        ...                                                         event_shape=(1,))})
        >>> net = net.fit({"a": [-1.0, 1.0, 2.0], "b": [[0], [1], [1]]}, epochs=20, learning_rate=0.1, seed=0)
        >>> len(net.history), net.history[-1]["train"] < net.history[0]["train"]
        (20, True)
        """
        from .data.boundary import read_once
        from .learning.counts import check_ignored_labels, checked_prior
        from .learning.em_options import EMOptions
        from .learning.hidden_rows import absent_variables, refuse_ignored_labels
        from .learning.neural import TrainingData
        from .learning.neural_options import ModuleOptions

        check_ignored_labels(y)
        own_prior = checked_prior(prior, equivalent_sample_size)
        options = EMOptions(n_restarts, max_iterations, tolerance, seed, progress, resume, checkpoint).checked()
        training = ModuleOptions(
            schedule,
            epochs,
            batch_size,
            learning_rate,
            weight_decay,
            patience,
            seed,
            checkpoint,
            progress,
            max_gradient_norm,
            n_particles,
            warm_up,
        )
        guides = self._guide if guide is None else self._checked_guide(guide)
        has_models = any(isinstance(own, AutoregressiveConditional) for own in self._conditionals.values())
        if guides or self._has_modules:
            options.refuse_any()
            if any(map(is_on_card, (data, valid, sample_weight))):
                raise not_on_card("fit of a network with modules")
            given = TrainingData(data, y, valid, sample_weight, unknown)
            return self._learn_modules(given, guides, own_prior, training.checked(valid is not None))
        if not has_models:
            training.refuse_any(valid)
        training = training.checked(valid is not None)
        placement = Placement.of(data)
        if placement.queue is not None:
            if checkpoint is not None:
                raise not_on_card("fit(checkpoint=)")
            return self._learn_on_card(placement, data, own_prior, sample_weight, unknown, afresh=True)
        data = read_once(data, self.names)
        if absent_variables(data, self._declared, self.names):
            refuse_ignored_labels(y)
            return self._learn_hidden(data, own_prior, sample_weight, unknown, options)
        with suppress(MissingValuesError):
            return self._learn(data, own_prior, sample_weight, unknown, training, valid)
        refuse_ignored_labels(y)
        return self._learn_hidden(data, own_prior, sample_weight, unknown, options)

    def partial_fit(
        self,
        data: Any,
        y: Any = None,
        *,
        prior: float | str = 1.0,
        equivalent_sample_size: float = 10.0,
        sample_weight: Any = None,
        unknown: UnknownLabels = "error",
    ) -> BayesNet:
        """``fit`` in chunks: adds this chunk's counts and moments to those of earlier calls since the last ``fit``.

        The conditionals are those of one ``fit`` on all chunks together, those of real variables but for rounding. As
        long as all rows so far are too few for them (one row for a mean and std), the rows are kept, a warning says so,
        and the conditionals stay as they are.

        Kinds that need all rows at once (Laplace, Logistic, Softmax, NoisyOr) are refused. States that are not known
        yet, and which variables are real, are taken from the first chunk, by the rules of :meth:`fit`: name them in
        ``from_edges(..., states=..., real=...)`` if later chunks may bring others, or leave rows with new labels out
        with ``unknown="drop"``. ``y`` is ignored, as in :meth:`fit`. Calls on one network take turns: two at once from
        two threads can lose a chunk.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.BayesNet.from_edges([], nodes=["a"], states={"a": ["no", "yes"]})
        >>> for chunk in ([[0], [1]], [[1], [1]]):
        ...     _ = net.partial_fit(chunk, prior=0.0)
        >>> net["a"].table
        array([0.25, 0.75])
        """
        from .learning.counts import check_ignored_labels, checked_prior

        check_ignored_labels(y)
        for name, own in self._conditionals.items():
            if isinstance(own, Neural):
                raise TypeError(
                    f"partial_fit cannot learn the Neural of {name!r}, which is trained in epochs over all rows: call "
                    "fit(data), which goes on from the module's present parameters"
                )
        own_prior, placement = checked_prior(prior, equivalent_sample_size), Placement.of(data)
        if placement.queue is not None:
            return self._learn_on_card(placement, data, own_prior, sample_weight, unknown, afresh=False)
        return self._learn(data, own_prior, sample_weight, unknown, None)

    def _learn_on_card(
        self,
        placement: Placement,
        data: Any,
        prior: Prior,
        sample_weight: Any,
        unknown: UnknownLabels,
        afresh: bool,
    ) -> BayesNet:
        """Swap in conditionals from complete rows on a GPU and, unless ``afresh``, those of earlier calls."""
        from .learning.cuda_fitting import CudaTrainingData, learn_chunk_on_card, learn_on_card
        from .learning.fitting import Known

        variables = self._declared if afresh else self._variables
        known = Known(self._parents, variables, self._conditionals if self._keeps_kinds else {})
        given = CudaTrainingData(data, sample_weight, unknown)
        if afresh:
            fitted = learn_on_card(known, given, prior, placement.cuda)
        else:
            fitted = learn_chunk_on_card(known, given, prior, placement.cuda, self._statistics)
        if fitted.conditionals:
            self._set_conditionals(fitted.conditionals)
        self._statistics, self._history = fitted.statistics, ()
        if fitted.warning:
            warnings.warn(fitted.warning, UserWarning, stacklevel=3)
        return self

    def _learn(
        self,
        data: Any,
        prior: Prior,
        sample_weight: Any,
        unknown: UnknownLabels,
        training: ModuleOptions | None,
        valid: Any = None,
    ) -> BayesNet:
        """Swap in conditionals from data; with no ``training``, from these and those of earlier calls."""
        from .learning.autoregressive import fit_models
        from .learning.counts import training_rows
        from .learning.fitting import Known, learn, learn_chunk

        variables = self._variables if training is None else self._declared
        known = Known(self._parents, variables, self._conditionals if self._keeps_kinds else {})
        rows = training_rows(data, known.variables, self.names, sample_weight, unknown)
        models = None
        if training is None:
            fitted = learn_chunk(known, rows, prior, self._statistics)
        else:
            fitted = learn(known, rows, prior)
            models = fit_models(known.conditionals, rows, valid, training)
            if not models.pairs and training.checkpoint is not None:
                raise TypeError("checkpoint= is about the training of modules and EM, and these rows are complete")
        if fitted.conditionals:
            self._set_conditionals(fitted.conditionals)
        else:
            self._set_states(rows.block.schema.variables)  # as later chunks are read
        if models is not None:
            models.adopt()
        self._history = () if models is None else models.history
        self._statistics = fitted.statistics
        for warning in filter(None, (rows.warning, fitted.warning)):
            warnings.warn(warning, UserWarning, stacklevel=3)
        return self

    def _learn_by(self, learn: Callable[[Known], Fitted]) -> BayesNet:
        """Swap in, all at once, what ``learn`` makes of what was declared: for rows that are elsewhere."""
        from .learning.fitting import Known

        fitted = learn(Known(self._parents, self._declared, self._conditionals if self._keeps_kinds else {}))
        self._set_conditionals(fitted.conditionals)
        self._statistics, self._history = fitted.statistics, ()
        if fitted.warning:
            warnings.warn(fitted.warning, UserWarning, stacklevel=3)
        return self

    def _learn_hidden(
        self, data: Any, prior: Prior, sample_weight: Any, unknown: UnknownLabels, options: EMOptions
    ) -> BayesNet:
        """Swap in conditionals by EM from data in which discrete variables are hidden."""
        from .learning.dropped_rows import weights_of
        from .learning.em import fit_by_em, targets_of
        from .learning.hidden_rows import hidden_rows

        if options.resume:
            self._check_parameters()
        rows, dropped = hidden_rows(data, self._variables if options.resume else self._declared, self.names, unknown)
        own = self._conditionals if self._keeps_kinds or options.resume else {}
        weights = weights_of(rows, dropped, sample_weight)
        history = self._history if options.resume else ()
        fitted = fit_by_em(targets_of(self._parents, rows.schema, own), rows, prior, weights, options, history)
        self._set_conditionals(fitted.conditionals)
        self._statistics, self._history = fitted.statistics, fitted.history
        for warning in filter(None, (dropped and dropped.warning, fitted.warning)):
            warnings.warn(warning, UserWarning, stacklevel=3)
        return self

    @property
    def _has_modules(self) -> bool:
        """Whether any conditional is a torch module's."""
        return any(isinstance(own, Neural) for own in self._conditionals.values())

    def _learn_modules(
        self, data: TrainingData, guide: Mapping[str, Conditional], prior: Prior, options: ModuleOptions
    ) -> BayesNet:
        """Swap in conditionals in closed form and the states of modules, trained on data."""
        from .learning.neural import fit_modules
        from .learning.neural_problem import Problem

        self._check_fitted()
        problem = Problem(self._conditionals, self._order, guide, Schema(self._variables))
        found = fit_modules(problem, data, prior, options)
        conditionals = self._with_others(found.conditionals)
        found.modules.load()
        found.models.adopt()
        self._conditionals, self._guide, self._history = conditionals, dict(guide), found.history
        self._statistics = None
        for warning in found.warnings:
            warnings.warn(warning, UserWarning, stacklevel=3)
        return self

    @property
    def history(self) -> list[dict[str, float]]:
        """One dict per epoch of the last ``fit`` that trained modules: epoch, train and valid (nats per row), seconds,
        learning_rate; or per step of EM, 0 being the start: epoch, train (minus the objective per row), log_likelihood
        (per row), seconds. Empty where conditionals were learnt in closed form."""
        return [dict(epoch) for epoch in self._history]

    # --- neighbours and pictures ---------------------------------------------------------------------------

    def to_pgmpy(self) -> Any:
        """The same network as a pgmpy ``DiscreteBayesianNetwork``, or ``LinearGaussianBayesianNetwork``."""
        from .interop.pgmpy import to_pgmpy

        return to_pgmpy(self)

    def to_pyagrum(self) -> Any:
        """The same network as a pyAgrum ``BayesNet``, or ``CLG`` if all variables are real."""
        from .interop.pyagrum import to_pyagrum

        return to_pyagrum(self)

    def to_torch(self) -> nn.Module:
        """A ``torch.nn.Module`` whose forward is ``log_prob`` of {name: tensor}, differentiable by real data and by all
        parameters: see ``fastdgm.interop.torch_network.NetworkLogProb``.

        Its parameters are copies of the network's, but for modules of neural conditionals, which are shared;
        ``to_bayesnet()`` makes a network of them.

        Raises
        ------
        NotFittedError : parameters that are not known. TypeError : a conditional without a density in torch.
        ImportError : torch is not installed.

        Examples
        --------
        >>> import fastdgm as fd, torch
        >>> module = fd.BayesNet({"x": fd.Normal(0, 1)}).to_torch()
        >>> x = torch.tensor([2.0], requires_grad=True)
        >>> module({"x": x}).sum().backward()
        >>> x.grad
        tensor([-2.])
        """
        self._check_parameters()
        try:
            from .interop.torch_network import NetworkLogProb
        except ImportError as error:
            raise ImportError(f"to_torch needs torch: {how_to_install('torch', 'torch')}") from error
        return NetworkLogProb(self)

    def to_sklearn(self) -> Any:
        """A mixture or naive Bayes network as a scikit-learn ``GaussianMixture``, ``GaussianNB`` or the like."""
        from .interop.sklearn.networks import to_sklearn

        return to_sklearn(self)

    @overload
    def plot(
        self, path: None = None, *, layout: str = ..., posterior: Mapping[str, object] | None = ...
    ) -> Picture: ...

    @overload
    def plot(self, path: str | Path, *, layout: str = ..., posterior: Mapping[str, object] | None = ...) -> Path: ...

    def plot(
        self,
        path: str | Path | None = None,
        *,
        layout: str = "layers",
        posterior: Mapping[str, object] | None = None,
    ) -> Picture | Path:
        """A picture of the graph: shown in a notebook, or written to ``path``, which is returned.

        Parameters
        ----------
        path : by suffix .svg, .png, .pdf (graphviz), .dot (graphviz source), .txt (a tree, or bars as text). The file
            appears complete or not at all.
        layout : ``"layers"``, our own SVG, from causes to effects and about as wide as a notebook's cell, which needs
            nothing; or ``"dot"``, that of graphviz. Pictures of .png and .pdf are always graphviz's.
        posterior : what is known, as ``given`` of :meth:`posterior`: the nodes of discrete variables show P(x_v = k |
            what is known) as bars, the prior P(x_v = k) outlined, and what is known is marked. ``{}`` shows the prior
            alone. Of more than 8 states the least probable are one bar together, and the exact numbers of the first 20
            show up over the node. In networks with real variables only those whose posterior has a closed form have
            bars.

        Returns
        -------
        A picture, whose ``svg`` is the drawing and whose ``repr`` is a tree, or the bars as text; the path, where one
        is given. A network of up to 500 variables that is the last line of a cell draws itself.

        Raises
        ------
        ValueError : another suffix or layout; more than one row of evidence. ImpossibleEvidenceError : what is known
        has probability 0. KeyError : unknown names or states. ImportError : .png, .pdf or ``layout="dot"`` without
        graphviz. OSError : the file cannot be written, or graphviz fails.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.markov_chain(["a", "b"]).plot()
        BayesNet: 2 variables, 1 arc, not fitted
        a
        └─ b
        >>> fd.BayesNet({"a": fd.Bernoulli(0.2), "b": fd.CPT(["a"], [[1, 0], [0.5, 0.5]])}).plot(posterior={"b": 0})
        BayesNet: 2 variables, 1 arc, 3 parameters
        given b = 0 (probability 0.9); in brackets: the prior
        a    False  █████████████████▊     88.9 %  (80.0 %)
             True   ██▎                    11.1 %  (20.0 %)
        b *  0      ████████████████████    100 %  (90.0 %)
             1                                0 %  (10.0 %)
        """
        from .show.graph import picture, write_picture

        marginals = None if posterior is None else self._shown_marginals(posterior)
        return picture(self, layout, marginals) if path is None else write_picture(self, path, layout, marginals)

    def _shown_marginals(self, given: Mapping[str, object]) -> Marginals:
        """The bars of a picture."""
        from .inference.shown_marginals import exact_shown, mixed_shown

        return exact_shown(self._exact, given) if self._program.is_tabular else mixed_shown(self._inference, given)

    def _repr_svg_(self) -> str | None:
        from .show.graph import shown_svg

        return shown_svg(self)
