"""The public verbs of every autoregressive model, and the checks of what they take."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.collected import collected
from ..data.cuda_arrays import is_on_card, memory_of
from ..data.frames import checked_names, column_names
from ..data.matrices import as_matrix, code_matrix, real_matrix
from ..data.placement import Placement
from ..engines.draw import Draw, Drawn, SampleOptions, Seed, check_draw, refuse_given
from ..engines.training import Gradients, Stepper, joined
from ..learning import gradient
from ..learning.checkpoints import Origin
from ..learning.options import Schedule, TrainingOptions
from ..learning.protocol import mean_of
from ..runtime.extras import how_to_install
from ..runtime.seeds import check_chunk, check_rows, key_from_seed
from .verbs import Verbs

if TYPE_CHECKING:
    from torch import nn

    from ..engines.cuda_rows import CudaRows
    from ..engines.cuda_training import CudaStepper
    from .cuda_model import CudaModel, CudaShape

Array = npt.NDArray[Any]


class AutoregressiveModel(Verbs):
    """A joint distribution by the chain rule: p(x) = prod_d p(x_d | x_1, ..., x_{d-1}), in the order ``order``.

    Rows are arrays ``(n_rows, n_vars)`` in the user's order of variables: codes 0 .. n_states - 1 where ``n_states``
    is a number, real numbers where it is None. A *prefix* is in the model's order: column j is variable ``order[j]``.
    With ``n_context`` above 0 the model is p(x | context): every verb takes a context of so many numbers per row.
    """

    n_vars: int
    n_states: int | None
    dtype: np.dtype[Any]
    order: Array
    uniforms_per_variable: int = 1
    _history: list[dict[str, float]]
    _given: dict[str, Any] | None = None  # to the constructor; a model of given parameters has none
    _names: tuple[str, ...] | None = None
    _uploads: Mapping[int, tuple[Any, CudaRows]] = MappingProxyType({})  # by card: see ``_rows_on``
    _shares_memory: bool = False  # with torch, which may change the parameters at any time: derive nothing ahead

    # What a family supplies ---------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Number of free parameters."""

    @abstractmethod
    def _log_prob(self, x: Array, context: Array, per_variable: bool) -> Array:
        """log p of checked rows given their context (n, n_context): (n,), or (n, n_vars) in the user's order of
        variables; float64."""

    @abstractmethod
    def _sample(self, draw: Draw) -> Drawn:
        """Draw rows; values in the user's order of variables."""

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """JSON structure and arrays from which ``_from_state`` makes the same model."""

    @classmethod
    @abstractmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        """The model of a file; ValueError, TypeError or KeyError says what is wrong with it."""

    def _named(self, structure: dict[str, Any]) -> dict[str, Any]:
        """The structure of a file, with the names of the variables where they are known."""
        return structure if self._names is None else {**structure, "names": list(self._names)}

    def _take_names(self, structure: dict[str, Any]) -> None:
        """Those that ``_named`` wrote; files of models without names have none."""
        self._names = checked_names(structure.get("names"), self.n_vars)

    def _on_card(self, placement: Placement) -> CudaModel:
        """The verbs for arrays of a GPU."""
        from .cuda_model import CudaModel  # imports numba's half for GPUs

        return CudaModel(self._rows_on(placement.cuda.device), placement, self._cuda_shape())

    def _rows_on(self, device: int) -> CudaRows:
        """The parameters on a card: uploaded at first use, and again after every change of them. Those that torch
        shares may change at any time, so they are uploaded by every call."""
        source, known = self._cuda_source(), self._uploads.get(device)
        if known is not None and known[0] is source and not self._shares_memory:
            return known[1]
        rows = self._cuda_rows()
        if not self._shares_memory:
            current = {card: own for card, own in self._uploads.items() if own[0] is source}
            self._uploads = {**current, device: (source, rows)}
        return rows

    def _cuda_source(self) -> Any:
        """What an upload is made of: another object after every change of parameters."""
        raise self._without_loops()

    def _cuda_rows(self) -> CudaRows:
        """The family's loops on a card, under the parameters as they are now."""
        raise self._without_loops()

    def _without_loops(self) -> TypeError:
        kind = type(self).__name__
        return TypeError(f"{kind} has no loops for GPUs: copy the arrays to the CPU, as with .cpu() or .get()")

    def _cuda_stepper(self, placement: Placement) -> CudaStepper:
        raise TypeError(f"{type(self).__name__} is not fitted on a GPU: copy the arrays to the CPU, as with .cpu()")

    def _cuda_shape(self) -> CudaShape:
        from .cuda_model import CudaShape

        return CudaShape(
            type(self).__name__,
            self.n_vars,
            self.n_states,
            self.n_context,
            self.dtype,
            self.order,
            self._names,
            self._uniforms_shape(),
            self._uniforms_type(),
            self._check_prefix,
            self._check_context_rows,
            self._check_truncation,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without what is on a card."""
        return {**vars(self), "_uploads": {}}

    def _stepper(self) -> Stepper:
        raise TypeError(f"{type(self).__name__} is not fitted by gradients")

    def _adopt(self, parameters: dict[str, Array]) -> None:
        """Swap the parameters, all or nothing."""
        raise TypeError(f"{type(self).__name__} is not fitted by gradients")

    # What torch_autograd asks for ---------------------------------------------------------------------------------

    def share_parameters(self) -> dict[str, Array]:
        """The live parameters by name; from the first call on they stay where they are, for others to write into."""
        raise TypeError(f"{type(self).__name__} has no gradients")

    def with_parameters(self, parameters: dict[str, Array]) -> Self:
        """The same model with other parameters, of the model's dtype: not copied, and read anew by every call.

        Raises ValueError for other shapes than those of ``share_parameters``.
        """
        raise TypeError(f"{type(self).__name__} has no gradients")

    def gradients(self, x: Any, row_weights: Array) -> tuple[Array, dict[str, Array], Array | None]:
        """log p of rows, and the gradients of sum_i row_weights[i] log p(x_i) by parameter and by (real) x."""
        found = self.gradients_given(x, None, row_weights)
        return found.log_prob, found.parameters, found.x

    def gradients_given(self, x: Any, context: Any, row_weights: Array) -> Gradients:
        """The same of log p(x_i | context_i), and the gradients by the context of every row."""
        rows = self._check_data(x)
        return self._gradients(rows, self._check_context(context, len(rows)), row_weights)

    def _gradients(self, x: Array, context: Array, row_weights: Array) -> Gradients:
        """The same of checked rows."""
        raise TypeError(f"{type(self).__name__} has no gradients")

    @property
    def is_fitted(self) -> bool:
        """Whether the parameters were learnt, given or read from a file: those of a new model are random, or zero."""
        return self._given is None or self._shares_memory or bool(self.history)

    def _settings(self) -> dict[str, Any]:
        return self._settings_found() if self._given is None else dict(self._given)

    def _settings_found(self) -> dict[str, Any]:
        """Settings of a model that the constructor did not make, as far as its parameters tell."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the variables: the columns of the frame that ``fit`` was given last, by which later frames are
        matched; None after an array, or where the columns have no distinct strings as names."""
        return self._names

    # Scoring ------------------------------------------------------------------------------------------------------

    def log_prob(self, x: Any, *, context: Any = None, per_variable: bool = False) -> Any:
        """log p(x) = sum_d log p(x_d | x_1, ..., x_{d-1}) of each row, in nats.

        Parameters
        ----------
        x : (n_rows, n_vars) codes (integers, booleans or whole floats), or real numbers for a continuous model;
            one row may come as (n_vars,). A torch tensor in gives a torch tensor out (without gradients: for those
            see :meth:`to_torch`). Columns of a frame (pandas, polars, Arrow; a mapping; Samples) are matched by name
            where ``names`` are known, else they go by position; categories of numbers or booleans go by value.
        context : what the model is given besides, where ``n_context`` is above 0: numbers ``(n_rows, n_context)``, or
            one row for all. The columns of a frame go by position.
        per_variable : give the terms of the sum, (n_rows, n_vars), in the order of x's columns.

        Returns
        -------
        (n_rows,) float64.

        Raises
        ------
        ValueError : wrong width, columns missing or too many, or values that are no state; parameters so large that
            what is computed from them leaves the range of their float type. (A row that is impossible, or beyond that
            range, has -inf.)
        MissingValuesError : NaN, null or -1. TypeError : columns of labels.
        """
        placement = Placement.of(x, context)
        if placement.queue is not None:
            return self._on_card(placement).log_prob(x, context, per_variable)
        rows = self._check_data(x)
        return Placement.of(x).give_back(self._log_prob(rows, self._check_context(context, len(rows)), per_variable))

    def score_samples(self, x: Any, *, context: Any = None) -> Any:
        """The same as :meth:`log_prob`, under scikit-learn's name."""
        return self.log_prob(x, context=context)

    def score(self, x: Any, y: Any = None, *, context: Any = None) -> float:
        """The mean of :meth:`log_prob` over rows, in nats; ``y`` is ignored, there for scikit-learn.

        Raises
        ------
        ValueError : no rows; and as :meth:`log_prob`.
        """
        return mean_of(self.log_prob(x, context=context))

    def bits_per_variable(self, x: Any, *, context: Any = None) -> float:
        """Mean code length in bits per variable: -mean(log_prob(x)) / (n_vars log 2)."""
        placement = Placement.of(x, context)
        if placement.queue is not None:
            return self._on_card(placement).bits_per_variable(x, context)
        rows = self._check_data(x)
        log_prob = self._log_prob(rows, self._check_context(context, len(rows)), False)
        if not len(log_prob):
            raise ValueError("bits_per_variable needs at least one row, got none")
        return float(-log_prob.mean() / (self.n_vars * np.log(2)))

    # Sampling -----------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        *,
        context: Any = None,
        prefix: Any = None,
        n_per_row: int = 1,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: Seed = None,
        start: int = 0,
        return_log_prob: bool = False,
        uniforms: Any = None,
        given: Any = None,
        like: Any = None,
        device: str | None = None,
    ) -> Any:
        """Draw rows by ancestral sampling: x_d from p(x_d | x_1, ..., x_{d-1}), variable by variable.

        Row i of a call is row ``start + i`` of the stream that ``seed`` names: it is the same for every batch size
        and number of threads, so calls with consecutive ``start`` concatenate. Two models drawn with one seed share
        their random words.

        Parameters
        ----------
        n : number of rows; with a prefix only where that has one row.
        context : as for :meth:`log_prob`: one row for all, or one for each row that is drawn (of the prefix, where
            there is one). With several ``n`` may be left out: ``n_per_row`` rows are drawn for each.
        prefix : (m, k) values of the first k variables of ``order``; row i of the result continues row
            ``i // n_per_row`` of it, and its given values are never changed.
        temperature : divides the logits (for a Normal: multiplies the variance); 1 is the model itself. Beyond what
            the float type can tell apart it is the limit: the most probable state, or all states alike.
        top_k, top_p : draw among the k most probable states; then, of what is left and renormalised, among the fewest
            most probable ones whose probability is at least top_p. The temperature comes first, and of equally probable
            states those of lower code stay.
        seed : int in [0, 2**64), a numpy Generator, or None for a fresh one.
        return_log_prob : also return log_prob of the rows under the model and, when tempered or truncated, the
            log-probability of the drawn positions under the distribution they came from.
        uniforms : (n, n_vars) numbers in [0, 1) used instead of random ones: x_d = F_d^-1(u_d | x_1, ..., x_{d-1}).
            Where a variable needs two (mixtures: component, then value), (n, n_vars, 2). Column j is variable
            ``order[j]``.
        given : not possible here: known values that are not a prefix would need a sum over the others.
        like : a torch tensor: the result is a torch tensor, as where prefix or context is one.
        device : "cuda" or "cuda:1": the rows are drawn on that GPU and stay there; "cpu".

        Returns
        -------
        rows, or (rows, log_prob), or (rows, log_prob, sampling_log_prob).

        Raises
        ------
        ValueError, TypeError : an argument that is wrong, named; parameters (or a Normal's temperature) so large that
            what is computed from them leaves the range of their float type: the text names row and variable.
        """
        return self.draw(
            SampleOptions(
                n=n,
                context=context,
                prefix=prefix,
                n_per_row=n_per_row,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                seed=seed,
                start=start,
                return_log_prob=return_log_prob,
                uniforms=uniforms,
                given=given,
                like=like,
                device=device,
            )
        )

    def draw(self, asked: SampleOptions) -> Any:
        """What :meth:`sample` gives for these options."""
        refuse_given(asked.given)
        placement = Placement.asked(asked.device, asked.like, asked.prefix, asked.context, asked.uniforms)
        if placement.queue is not None:
            return self._on_card(placement).draw(asked)
        prefix = None if asked.prefix is None else self._check_prefix(asked.prefix)
        context = self._check_context_rows(asked.context)
        draw = check_draw(asked, self._uniforms_shape(), prefix, context=context)
        self._check_truncation(draw)
        drawn = self._sample(draw)
        give_back = placement.give_back
        if not draw.return_log_prob:
            return give_back(drawn.values)
        return tuple(give_back(part) for part in drawn if part is not None)

    def iter_samples(
        self,
        n: int,
        chunk: int = 100_000,
        *,
        context: Any = None,
        seed: Seed = None,
        start: int = 0,
        like: Any = None,
        device: str | None = None,
    ) -> Iterator[Any]:
        """``sample(n, context=context, seed=seed, start=start)`` in pieces of ``chunk`` rows, at constant memory.

        The seed is drawn once; the pieces concatenate to the rows of one call. ``like`` and ``device`` as there.

        Examples
        --------
        >>> import fastdgm as fd
        >>> [part.shape for part in fd.FVSBN(3).iter_samples(250, chunk=100, seed=0)]
        [(100, 3), (100, 3), (50, 3)]
        """
        rows: Any = context if is_on_card(context) else self._check_context_rows(context)
        n, start = check_rows(n, start)
        shape = () if rows is None else memory_of(rows).shape if is_on_card(rows) else rows.shape
        n_given = shape[0] if len(shape) == 2 else 1
        if n_given not in (1, n):
            raise ValueError(f"context must have one row, or one for each of the {n} rows, got {n_given}")
        size, key = check_chunk(chunk), key_from_seed(seed)
        return (
            self.sample(
                len(own),
                context=context if n_given == 1 else rows[own.start : own.stop],
                seed=key,
                start=start + own.start,
                like=like,
                device=device,
            )
            for own in (range(begin, min(begin + size, n)) for begin in range(0, n, size))
        )

    # Fitting ------------------------------------------------------------------------------------------------------

    def fit(
        self,
        train: Any,
        valid: Any = None,
        *,
        context: Any = None,
        valid_context: Any = None,
        epochs: int = 100,
        batch_size: int = 100,
        learning_rate: float = 1e-3,
        schedule: Schedule = "cosine",
        weight_decay: float = 0.0,
        patience: int | None = 10,
        seed: int = 0,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> Self:
        """Maximise the mean log_prob of ``train`` by Adam (Kingma & Ba 2015) on minibatches; returns the model.

        Parameters
        ----------
        train, valid : rows as ``log_prob`` takes them; the columns of a frame ``train`` become ``names``. With
            ``valid`` the parameters of the best epoch are kept and training ends after ``patience`` epochs without
            a better one. It has no place for labels y.
        context, valid_context : of these rows, as for :meth:`log_prob`.
        schedule : factor on ``learning_rate`` by epoch: "cosine" (to 0), "constant", "plateau" or a function of the
            fraction of epochs done.
        weight_decay : decoupled (AdamW).
        seed : of the shuffling; the same data, settings and seed give the same parameters, for any number of threads.
        checkpoint : file that holds the state after every epoch; where it exists, training goes on from it to the
            same numbers as if it had never stopped. Not for rows on a GPU.
        progress : show a bar (needs tqdm); None: where standard error is a terminal.

        Rows on a GPU are trained on there, with the same minibatches; the parameters come back at the end.

        Nothing changes in the model until the end: an error or Ctrl-C leaves it as it was.
        """
        options = TrainingOptions(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            weight_decay=weight_decay,
            patience=patience,
            seed=seed,
            checkpoint=checkpoint,
            progress=progress,
        ).checked(has_valid=valid is not None)
        placement = Placement.of(train, valid, context, valid_context)
        if placement.queue is not None:
            return self._fit_on_card(placement, (train, context), (valid, valid_context), options)
        train = collected(train)
        names = column_names(train)
        rows = self._check_training_rows(train, "train", names)
        _refuse_labels(valid, len(rows), self.n_vars)
        held_out = None if valid is None else self._check_training_rows(collected(valid), "valid", names)
        rows = joined(rows, self._check_context(context, len(rows)))
        if held_out is not None:
            held_out = joined(held_out, self._check_context(valid_context, len(held_out), "valid_context"))
        elif valid_context is not None:
            raise ValueError("valid_context= goes with valid=, which is missing")
        origin = None if checkpoint is None else Origin(type(self).__name__, *self._anonymous_state())
        found = gradient.fit(self._stepper(), rows, held_out, options, origin)
        self._adopt(found.parameters)
        self._history, self._names = found.history, names
        return self

    def _fit_on_card(
        self, placement: Placement, train: tuple[Any, Any], valid: tuple[Any, Any], options: TrainingOptions
    ) -> Self:
        """``fit`` of rows and their context on a GPU."""
        from ..learning import cuda_gradient

        if options.checkpoint is not None:
            raise TypeError("checkpoint= is not possible for rows on a GPU: copy them to the CPU, or leave it out")
        card = self._on_card(placement)
        rows = card.training_rows(*train, "train")
        held_out = None if valid[0] is None else card.training_rows(*valid, "valid")
        if held_out is None and valid[1] is not None:
            raise ValueError("valid_context= goes with valid=, which is missing")
        found = cuda_gradient.fit(self._cuda_stepper(placement), rows, held_out, options)
        self._adopt(found.parameters)
        self._history, self._names = found.history, None
        return self

    def to_torch(self) -> nn.Module:
        """A ``torch.nn.Module`` whose forward is ``log_prob`` with gradients, and whose Parameters are this model's.

        They share memory: steps of a torch optimiser change the model, ``fit`` changes the module, until torch code
        puts other tensors in the place of the Parameters. See ``fastdgm.interop.torch_autograd.LogProb``.

        Raises
        ------
        ImportError : torch is not installed.

        Examples
        --------
        >>> import fastdgm as fd
        >>> module = fd.MADE(n_vars=3, hidden=(8,)).to_torch()  # doctest: +SKIP
        >>> (-module(torch.tensor([[0, 1, 1]])).mean()).backward()  # doctest: +SKIP
        """
        try:
            from ..interop.torch_autograd import LogProb
        except ImportError as error:
            raise ImportError(f"to_torch needs torch: {how_to_install('torch', 'torch')}") from error
        return LogProb(self)

    @property
    def history(self) -> list[dict[str, float]]:
        """One dict per epoch of the last ``fit``: epoch, train and valid (nats per row), seconds, learning_rate."""
        return [dict(epoch) for epoch in getattr(self, "_history", [])]

    # Checks -------------------------------------------------------------------------------------------------------

    def _check_data(self, x: Any) -> Array:
        """Rows in the user's order of variables, contiguous: codes, or reals of the model's dtype."""
        return self._check_matrix(collected(x), self.n_vars, "x", self._names)

    def _check_matrix(self, x: Any, width: int | None, name: str, columns: tuple[str, ...] | None) -> Array:
        if self.n_states is None:
            return real_matrix(x, width, self.dtype, name, columns)
        return code_matrix(x, width, self.n_states, name, columns)

    def _check_training_rows(self, x: Any, name: str, columns: tuple[str, ...] | None) -> Array:
        rows = self._check_matrix(x, self.n_vars, name, columns)
        if not len(rows):
            raise ValueError(f"{name} must have at least one row, got none")
        return rows

    def _check_context(self, context: Any, n: int, name: str = "context") -> Array:
        """(n, n_context) finite numbers of the model's dtype: what came, its one row n times, or (n, 0)."""
        rows = self._check_context_rows(context, name)
        if rows is None:
            return np.empty((n, 0), self.dtype)
        if len(rows) not in (1, n):
            raise ValueError(f"{name} must have one row, or one for each of the {n} rows, got {len(rows)}")
        return np.broadcast_to(rows, (n, self.n_context))

    def _check_context_rows(self, context: Any, name: str = "context") -> Array | None:
        """The rows that came; None for a model without context."""
        who = type(self).__name__
        if not self.n_context:
            if context is not None:
                raise ValueError(f"{name}= is not possible: this {who} has n_context=0, make it with n_context=")
            return None
        if context is None:
            raise ValueError(
                f"this {who} is p(x | context): {name}= is needed, {self.n_context} numbers for each row, or one row"
            )
        rows = real_matrix(collected(context), self.n_context, self.dtype, name)
        if not len(rows):
            raise ValueError(f"{name} must have at least one row, got none")
        return rows

    def _check_prefix(self, prefix: Any) -> Array:
        """The first variables of ``order``, as many as there are columns."""
        prefix = collected(prefix)
        own = column_names(prefix)
        first = self.order[: self.n_vars if own is None else len(own)]
        columns = None if self._names is None else tuple(self._names[variable] for variable in first)
        matrix = as_matrix(prefix, None, "prefix", columns)
        if matrix.shape[1] > self.n_vars:
            raise ValueError(f"prefix must have at most n_vars = {self.n_vars} columns, got {matrix.shape[1]}")
        return self._check_matrix(matrix, None, "prefix", columns)

    def _check_truncation(self, draw: Draw) -> None:
        if self.n_states is None and (draw.top_k is not None or draw.top_p is not None):
            raise ValueError("top_k and top_p need discrete variables, this model's are continuous")

    def _uniforms_shape(self) -> tuple[int, ...]:
        words = self.uniforms_per_variable
        return (self.n_vars,) if words == 1 else (self.n_vars, words)

    def _uniforms_type(self) -> np.dtype[Any]:
        """In which a given uniform draws: it stays below 1 also when it is rounded to that."""
        return self.dtype

    def _anonymous_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """What a checkpoint compares: names change nothing in a run."""
        structure, arrays = self._state()
        return {key: value for key, value in structure.items() if key != "names"}, arrays


def _refuse_labels(valid: Any, n_rows: int, n_vars: int) -> None:
    """``fit(X, y)`` of other libraries: one value per row is no set of rows."""
    shape = getattr(valid, "shape", None)
    if shape is None and isinstance(valid, Sequence) and valid and np.isscalar(valid[0]):
        shape = (len(valid),)
    if shape == (n_rows,) != (n_vars,):
        raise ValueError(
            f"valid must have shape (n_rows, {n_vars}), got {shape}, one value per row of train: the second argument "
            "is no y, these models learn p(x) alone"
        )
