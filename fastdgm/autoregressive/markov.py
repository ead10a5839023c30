"""MarkovChain: each symbol given the ``order`` symbols before it, from smoothed counts."""

from __future__ import annotations

import math
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from ..data.repeated import counted_columns, split_counts
from ..data.rows import as_codes, as_matrix, by_name, column_names
from ..data.sequences import (
    MAX_STATES,
    Kind,
    Ragged,
    Stream,
    as_ragged,
    check_vocabulary,
    codes_as_stream,
    decoder,
    learn_n_states,
    learn_vocabulary,
    refuse_empty,
    rows_as_stream,
    symbol_type,
    words_as_stream,
)
from ..engines.draw import Draw, Drawn, check_draw
from ..engines.markov import plan as plans
from ..engines.markov.counts import Counts, Layout, check_layout, count
from ..engines.markov.fields import check_columns, check_fields, check_kind
from ..engines.markov.plan import Fitted
from ..engines.markov.positions import PositionsDrawn, draw_positions
from ..engines.markov.sparse import Smoothing
from ..engines.markov.tables import truncate
from ..errors import NotFittedError
from ..kernels.markov import sum_runs
from ..runtime.arrays import code_type
from ..runtime.seeds import whole_number
from .base import AutoregressiveModel, Seed

Array = npt.NDArray[Any]


class MarkovChain(AutoregressiveModel):
    """p(x) = prod_t p(x_t | x_{t-order}, ..., x_{t-1}), an n-gram model with n = order + 1.

    Three kinds of data: rows of codes ``(n_rows, n_vars)``, ragged sequences of codes, and ragged sequences of
    characters or tokens. Ragged sequences begin at a start symbol, end with an end symbol that has a probability
    like any other, and have at least one symbol. Distributions are interpolated with those of shorter contexts,
    down to the uniform one; a context that was never seen has the distribution of its longest suffix that was.
    Large vocabularies, such as words, need memory for the distinct runs of symbols in the data: where tables of all
    contexts x all symbols would have more than 2**22 cells (alphabets of 255 symbols: 2**26) and be all but empty, only
    what was seen is kept.

    Parameters
    ----------
    order : how many symbols the next one depends on, at least 1.
    n_vars : length of rows; None: rows if ``fit`` gets a two-dimensional array, else ragged sequences.
    n_states : number of states; None: one more than the largest code in the data of ``fit``.
    vocabulary : the characters or tokens, in order of their codes; None: those in the data of ``fit``, sorted.
    position_dependent : a table of its own for every position (rows only), instead of one for all.
    smoothing : how counts N(h, c) of symbol c after context h become probabilities, h' being h without its oldest
        symbol, N(h) = sum_c N(h, c), T(h) the number of different symbols seen after h:

        - "witten-bell": (N(h, c) + T(h) p(c | h')) / (N(h) + T(h)) (Witten & Bell 1991);
        - "kneser-ney": (max(N(h, c) - D, 0) + D T(h) p(c | h')) / N(h), where contexts that could be longer count in
          how many contexts c was seen, and D = n1 / (n1 + 2 n2) for each length of context, n_r being the number of
          pairs (h, c) seen r times, 0.5 if n1 or n2 is 0 (Kneser & Ney 1995, interpolated as in Chen & Goodman 1999);
        - "add-alpha": (N(h, c) + alpha) / (N(h) + alpha K) with the full context alone, uniform where it is unseen.
    alpha : of "add-alpha", at least 0; 0 is maximum likelihood.

    Raises
    ------
    ValueError, TypeError : a parameter that is out of range or of another type.

    Examples
    --------
    >>> import fastdgm as fd
    >>> names = fd.MarkovChain(order=2).fit(["emma", "ava", "anna", "mia", "ann"])
    >>> names
    MarkovChain(order=2, smoothing='witten-bell'): 6 characters, 21 contexts, 125 parameters
    >>> names.log_prob(["emma", "vim"]).round(2).tolist()
    [-3.31, -11.73]
    >>> names.sample(3, seed=1)
    ['ava', 'a', 'mia']

    Words, and codes in rows of fixed length:

    >>> words = fd.MarkovChain(order=1).fit([line.split() for line in ["to be or not to be", "not to be"]])
    >>> words.sample(2, seed=4)
    [['not', 'to', 'be'], ['to', 'be']]
    >>> chain = fd.MarkovChain(order=1, n_vars=4).fit([[0, 1, 0, 1], [0, 1, 1, 0]])
    >>> chain.sample(100, seed=0).shape
    (100, 4)
    """

    order: int  # type: ignore[assignment]

    def __init__(
        self,
        order: int = 3,
        *,
        n_vars: int | None = None,
        n_states: int | None = None,
        vocabulary: Any = None,
        position_dependent: bool = False,
        smoothing: Smoothing = "witten-bell",
        alpha: float = 1.0,
    ) -> None:
        self.order = _at_least_one(order, "order")
        self._n_vars = None if n_vars is None else _at_least_one(n_vars, "n_vars")
        self._n_states = None if n_states is None else _at_least_one(n_states, "n_states")
        self._vocabulary = None if vocabulary is None else check_vocabulary(vocabulary)
        self.position_dependent = bool(position_dependent)
        self.smoothing = smoothing
        self.alpha = _check_smoothing(smoothing, alpha)
        self._check_settings()
        self._fitted: Fitted | None = None

    def _check_settings(self) -> None:
        if self._n_states is not None and self._n_states > MAX_STATES:
            raise ValueError(f"n_states must be at most {MAX_STATES}, got {self._n_states}")
        if self._vocabulary is not None:
            if self._n_states is not None and self._n_states != len(self._vocabulary):
                raise ValueError(f"n_states is {self._n_states}, but vocabulary has {len(self._vocabulary)} entries")
            if self._n_vars is not None or self.position_dependent:
                raise ValueError("vocabulary is for ragged sequences; n_vars and position_dependent are for rows")

    # --- what is known ---------------------------------------------------------------------------------------------

    @property
    def is_fitted(self) -> bool:
        """Whether there are tables yet."""
        return self._fitted is not None

    @property
    def _model(self) -> Fitted:
        if self._fitted is None:
            raise NotFittedError("this MarkovChain has no tables yet: call fit(data) first")
        return self._fitted

    @property
    def n_vars(self) -> int | None:  # type: ignore[override]
        """Length of rows, None for ragged sequences (or while that is not known)."""
        return self._n_vars if self._fitted is None else self._fitted.layout.n_vars

    @property
    def n_states(self) -> int | None:  # type: ignore[override]
        """Number of states, the end symbol of ragged sequences not counted; None while not known."""
        if self._fitted is not None:
            return self._fitted.layout.n_states
        return self._n_states if self._vocabulary is None else len(self._vocabulary)

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """Characters or tokens by code; None where the data are codes."""
        return self._vocabulary if self._fitted is None else self._fitted.vocabulary

    @property
    def n_contexts(self) -> int:
        """Number of contexts with a distribution of their own, of all lengths up to ``order``."""
        return len(self._model.automaton.complete)

    @property
    def n_parameters(self) -> int:
        """Free parameters of all contexts: one less than the symbols that may follow."""
        layout = self._model.layout
        ragged = layout.n_vars is None
        return self.n_contexts * (layout.allowed - 1) - ragged  # no sequence ends at its start

    def __repr__(self) -> str:
        smoothing = f"{self.smoothing!r}" + (f", alpha={self.alpha:g}" if self.smoothing == "add-alpha" else "")
        name = f"MarkovChain(order={self.order}, smoothing={smoothing})"
        if self._fitted is None:
            return f"{name}: not fitted"
        layout = self._model.layout
        noun = {"text": "characters", "tokens": "tokens"}.get(self._model.kind or "", "states")
        rows = "" if layout.n_vars is None else f"{layout.n_vars} variables, "
        if layout.position_dependent:
            rows += "tables by position, "
        return f"{name}: {rows}{layout.n_states} {noun}, {self.n_contexts} contexts, {self.n_parameters} parameters"

    # --- fitting ---------------------------------------------------------------------------------------------------

    def fit(self, data: Any) -> Self:  # type: ignore[override]
        """Count, smooth and return the model, changed all at once; an error leaves it as it was.

        Parameters
        ----------
        data : a two-dimensional array or frame of codes (rows; columns of later frames go by their names); or ragged
            sequences: a list of strings, of lists of tokens, or of lists or arrays of codes; a string (one sequence);
            an Arrow list or string array; or a tuple (values, offsets). A mapping {string or tuple: count}, such as a
            ``collections.Counter`` or the Series that ``value_counts`` gives in pandas, counts every sequence (or row,
            with ``n_vars``) so many times.

        Raises
        ------
        ValueError : no sequences, empty ones, codes or characters that are no state, negative counts.
        MissingValuesError : NaN, -1 or null. TypeError : other data, such as sets and mappings of anything but counts.

        Examples
        --------
        >>> import fastdgm as fd
        >>> chain = fd.MarkovChain(order=1).fit([[0, 1, 0], [2]])  # codes, ragged
        >>> chain.n_states, chain.n_vars
        (3, None)
        >>> names = fd.MarkovChain(order=2).fit({"anna": 99, "bo": 1})
        >>> names.log_prob(["anna", "bo"]).round(2).tolist()
        [-0.04, -5.12]
        """
        columns = column_names(data) or counted_columns(data)
        data, weights = split_counts(data)
        if self._n_vars is not None or self.position_dependent or _is_matrix(data):
            kind, vocabulary, n_vars, stream, n_states = self._learn_rows(data)
        else:
            kind, vocabulary, stream, n_states = self._learn_sequences(as_ragged(data))
            n_vars = None
        if not len(stream):
            raise ValueError("fit needs at least one sequence, got none")
        layout = Layout(n_states, self.order, n_vars, self.position_dependent)
        check_layout(layout)
        counts = count(stream, layout, weights)
        columns = None if n_vars is None else columns
        self._fitted = Fitted(kind, vocabulary, layout, counts, self.smoothing, self.alpha, columns)
        return self

    def _learn_rows(self, data: Any) -> tuple[None, None, int, Stream, int]:
        matrix = as_matrix(data, self._n_vars, "data")
        if matrix.shape[1] < 1:
            raise ValueError(f"rows need at least one variable, got shape {matrix.shape}")
        n_states = self._n_states
        if n_states is None:
            largest = matrix[np.isfinite(matrix)].max(initial=0)
            n_states = max(int(largest) + 1, 2 if matrix.dtype == bool else 1)
            if n_states > MAX_STATES:
                raise ValueError(f"codes must be below {MAX_STATES}, got {largest}")
        return (
            None,
            None,
            matrix.shape[1],
            rows_as_stream(as_codes(matrix, None, n_states, "data"), n_states),
            n_states,
        )

    def _learn_sequences(self, ragged: Ragged) -> tuple[Kind, tuple[str, ...] | None, Stream, int]:
        if ragged.kind == "codes":
            assert ragged.values is not None and ragged.offsets is not None
            n_states = self.n_states if self._fitted is None else self._n_states
            if self._vocabulary is not None:
                n_states = len(self._vocabulary)
            elif n_states is None:
                n_states = learn_n_states(ragged.values, ragged.offsets)
            if n_states > MAX_STATES:
                raise ValueError(f"codes must be below {MAX_STATES}, got {n_states - 1}")
            stream = codes_as_stream(ragged.values, ragged.offsets, n_states)
            return "codes", self._vocabulary, refuse_empty(stream), n_states
        vocabulary = self._vocabulary or check_vocabulary(learn_vocabulary(ragged) or "?")
        if self._n_states is not None and self._n_states != len(vocabulary):
            raise ValueError(f"n_states is {self._n_states}, but {len(vocabulary)} different symbols occur")
        return ragged.kind, vocabulary, refuse_empty(words_as_stream(ragged, vocabulary)), len(vocabulary)

    # --- scoring ---------------------------------------------------------------------------------------------------

    def log_prob(self, x: Any, *, per_variable: bool = False) -> Any:
        """log p of each row or sequence, in nats; -inf where the model calls it impossible.

        Parameters
        ----------
        x : as for :meth:`fit`; codes are accepted by a model of characters, too.
        per_variable : give the terms of the sum instead: ``(n_rows, n_vars)`` for rows. For ragged sequences a pair
            of flat arrays (terms, offsets): ``terms[offsets[i] : offsets[i + 1]]`` are those of sequence i, the last
            one that of its end.

        Returns
        -------
        float64 ``(n,)``.

        Raises
        ------
        As for :meth:`fit`; an unknown character is named with its position.

        Examples
        --------
        >>> import fastdgm as fd
        >>> model = fd.MarkovChain(order=2).fit(["aab", "ab", "b"])
        >>> terms, offsets = model.log_prob(["ab", "b"], per_variable=True)
        >>> terms.round(2).tolist(), offsets.tolist()
        ([-0.51, -0.66, -0.06, -0.92, -0.09], [0, 3, 5])
        """
        model = self._model
        if model.layout.n_vars is not None:
            return super().log_prob(x, per_variable=per_variable)
        stream = refuse_empty(self._as_stream(x))
        if per_variable:
            return plans.terms(model.scoring, stream), stream.starts
        return plans.log_prob(model.scoring, stream)

    def bits_per_variable(self, x: Any) -> float:
        """Mean code length in bits per variable or, for ragged sequences, per symbol, their ends included.

        Examples
        --------
        >>> import fastdgm as fd
        >>> round(fd.MarkovChain(order=1).fit(["aab", "ab", "b"]).bits_per_variable(["ab", "b"]), 3)
        0.698
        """
        if self._model.layout.n_vars is not None:
            return super().bits_per_variable(x)
        stream = refuse_empty(self._as_stream(x))
        if not len(stream):
            raise ValueError("bits_per_variable needs at least one sequence, got none")
        return float(-plans.log_prob(self._model.scoring, stream).sum() / (len(stream.symbols) * math.log(2)))

    def _as_stream(self, x: Any) -> Stream:
        model = self._model
        ragged = as_ragged(x)
        if ragged.kind != "codes" and not ragged.items:
            return Stream(np.empty(0, symbol_type(model.layout.n_states)), np.zeros(1, np.int64))
        if ragged.kind == "codes":
            assert ragged.values is not None and ragged.offsets is not None
            return codes_as_stream(ragged.values, ragged.offsets, model.layout.n_states)
        if model.vocabulary is None:
            raise TypeError("this model was fitted on codes and has no vocabulary for strings")
        return words_as_stream(ragged, model.vocabulary)

    def _check_data(self, x: Any, name: str = "x") -> Array:
        layout = self._model.layout
        return as_codes(by_name(x, self._model.columns, name), layout.n_vars, layout.n_states, name)

    def _log_prob(self, x: Array, per_variable: bool) -> Array:
        model = self._model
        stream = rows_as_stream(x, model.layout.n_states)
        if not per_variable:
            return plans.log_prob(model.scoring, stream)
        return plans.terms(model.scoring, stream).reshape(len(x), -1)[:, :-1]

    # --- sampling --------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int | None = None,
        *,
        prefix: Any = None,
        n_per_row: int = 1,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        max_length: int | None = None,
        seed: Seed = None,
        start: int = 0,
        return_log_prob: bool = False,
        uniforms: Any = None,
        given: Any = None,
        like: Any = None,
    ) -> Any:
        """Draw rows, or sequences from their start or prefix to their end.

        Symbol t of row i is drawn by word t of Philox4x32-10 (Salmon et al. 2011) under the row's number
        ``start + i``, and by a second word where 32 bits do not decide: the rows are the same bit for bit for any
        batch, chunk, number of threads or device (table-driven class). A symbol that a sparse chain draws from a
        shorter context takes words of a stream of its own. Two models drawn with one seed share their random words and
        are not independent of each other. With temperature, top_k or top_p a sparse chain makes the distribution of
        every context it meets: each takes time in proportion to the vocabulary.

        Parameters
        ----------
        n, n_per_row, temperature, top_k, top_p, seed, start, return_log_prob : as for every autoregressive model;
            the end symbol counts as a symbol. Of equally probable symbols top_k and top_p keep those of lower code.
        prefix : beginnings that are never changed: sequences as for :meth:`log_prob`, or codes (m, k) for rows; an
            empty one is continued from the start.
        max_length : of ragged sequences, in symbols with the prefix, without the end: those that reach it are cut
            there, and their log-probability is that of beginning so. None: a sequence that has not ended after
            65 536 symbols is a ValueError.
        uniforms : numbers in [0, 1), ``(n, n_vars)`` for rows, ``(n, m)`` for sequences of less than m symbols:
            each symbol is the smallest whose cumulative probability exceeds the number.
        like : for rows, a torch tensor: the result is one, too.

        Returns
        -------
        rows ``(n, n_vars)``; a list of strings, of lists of tokens, or of arrays of codes, as in the data of ``fit``;
        or (these, log_prob), or with temperature, top_k or top_p (these, log_prob, sampling_log_prob), the last that
        of the symbols drawn under the distribution they were drawn from.

        Raises
        ------
        ValueError, TypeError : arguments out of range, a prefix that is too long or unknown. NotFittedError.

        Examples
        --------
        >>> import fastdgm as fd
        >>> model = fd.MarkovChain(order=2).fit(["emma", "ava", "anna", "mia", "ann"])
        >>> model.sample(prefix=["em", "an"], n_per_row=2, seed=4)
        ['emma', 'emmamia', 'annn', 'annannnannaa']
        >>> model.sample(2, max_length=3, seed=3, return_log_prob=True)[1].round(2).tolist()
        [-1.61, -7.22]
        """
        model = self._model
        if model.layout.n_vars is not None or given is not None:
            if max_length is not None:
                raise ValueError("max_length is for ragged sequences, this model's rows have a fixed length")
            return super().sample(
                n,
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
            )
        if like is not None:
            raise TypeError("like= needs rows of a fixed length; ragged sequences come as a list")
        if uniforms is not None and (np.ndim(uniforms) != 2 or np.shape(uniforms)[1] < 1):
            raise ValueError(f"uniforms must have shape (n, m) with m at least 1, got {np.shape(uniforms)}")
        limit = None if max_length is None else _at_least_one(max_length, "max_length")
        draw = check_draw(
            n,
            seed=seed,
            start=start,
            prefix=prefix,
            n_per_row=n_per_row,
            check_prefix=self._prefix_stream,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            uniforms=uniforms,
            uniforms_shape=np.shape(uniforms)[1:2],
            return_log_prob=return_log_prob,
        )
        return self._sample_sequences(draw, limit)

    def _prefix_stream(self, prefix: Any) -> Any:
        """Sequences as a stream; an empty one says nothing: what follows is drawn from the start."""
        return self._as_stream([prefix] if isinstance(prefix, str) else prefix)

    def _sample_sequences(self, draw: Draw, max_length: int | None) -> Any:
        model = self._model
        prefix: Any = draw.prefix
        limit = self._limit(draw, prefix, max_length)
        changed, positions = None, None
        if model.sparse is not None and (draw.truncated or draw.uniforms is not None):
            positions = self._draw_positions(draw, prefix, limit)
            stream, cut = self._as_ended(positions.codes, positions.lengths, draw, limit, max_length)
        else:
            stream, cut, changed = self._draw_stream(draw, prefix, limit, max_length)
        values = decoder(model.kind or "codes", model.vocabulary)(stream)
        if not draw.return_log_prob:
            return values
        ends = stream.starts[1:] - cut
        parts = [values, _run_sums(plans.terms(model.scoring, stream), stream.starts[:-1], ends)]
        if changed is not None:
            given = 0 if prefix is None else (np.diff(prefix.starts) - 1)[np.arange(draw.n) // draw.n_per_row]
            drawn = plans.terms(model.chain(model.log_table(changed)), stream)
            parts.append(_run_sums(drawn, stream.starts[:-1] + given, ends))
        elif positions is not None and draw.truncated:
            parts.append(positions.log_prob)
        return tuple(parts)

    def _limit(self, draw: Draw, prefix: Stream | None, max_length: int | None) -> int:
        """Symbols at most; ValueError for a prefix that has more."""
        width = plans.MAX_LENGTH if draw.uniforms is None else draw.uniforms.shape[1]
        limit = min(width, max_length or width) if draw.uniforms is not None else max_length or width
        if prefix is not None and len(prefix) and np.diff(prefix.starts).max() - 1 > limit:
            longest = int(np.diff(prefix.starts).argmax())
            raise ValueError(f"prefix {longest} has {len(prefix[longest])} symbols, more than the limit of {limit}")
        return limit

    def _draw_stream(
        self, draw: Draw, prefix: Stream | None, limit: int, max_length: int | None
    ) -> tuple[Stream, npt.NDArray[np.bool_], Array | None]:
        """The sequences, which ones were cut, and the truncated distributions they came from, if any."""
        model = self._model
        request = plans.request_of(draw.key, draw.start, prefix, draw.n_per_row, limit, model)
        changed = self._truncated(draw)
        if draw.uniforms is None:
            sampler = model.sampler if changed is None else model.sampler_of(changed)
            expected = model.symbols_per_sequence
            return *plans.draw_stream(sampler, request, draw.n, expected, max_length is None), changed
        probabilities = model.dense.probabilities if changed is None else changed
        out, lengths = plans.draw_by_uniforms(
            model.chain(probabilities), request, draw.uniforms.astype(np.float64), request.prefix.dtype
        )
        return *self._as_ended(out, lengths, draw, limit, max_length), changed

    def _as_ended(
        self, codes: Array, lengths: Array, draw: Draw, limit: int, max_length: int | None
    ) -> tuple[Stream, npt.NDArray[np.bool_]]:
        """Codes (n, room) as sequences, and which ones were cut; ValueError where one was that may not be."""
        cut = lengths >= limit
        if cut.any() and limit != max_length:
            if draw.uniforms is None:
                raise plans.not_ended(int(cut.argmax()), limit)
            raise ValueError(
                f"sequence {int(cut.argmax())} had not ended after its {limit} uniforms: give more of them"
            )
        kept = np.arange(codes.shape[1]) < lengths[:, np.newaxis]
        offsets = np.concatenate([[0], lengths.cumsum()])
        return codes_as_stream(codes[kept], offsets, self._model.layout.n_states), cut

    def _draw_positions(self, draw: Draw, prefix: Stream | None, limit: int) -> PositionsDrawn:
        """As the model's tables are too large to be changed as a whole."""
        automaton = self._model.sparse
        assert automaton is not None
        chain = self._model.sparse_chain(automaton.probabilities, automaton.back_off)
        return draw_positions(chain, draw, prefix, limit)

    def _truncated(self, draw: Draw) -> Array | None:
        if not draw.truncated:
            return None
        return truncate(self._model.dense.probabilities, draw.temperature, draw.top_k, draw.top_p)

    def _check_prefix(self, prefix: Any) -> Array:
        layout = self._model.layout
        columns, own = self._model.columns, column_names(prefix)
        if columns is not None and own is not None:
            prefix = by_name(prefix, columns[: len(own)], "prefix")
        matrix = as_matrix(prefix, None, "prefix")
        assert layout.n_vars is not None
        if matrix.shape[1] > layout.n_vars:
            raise ValueError(f"prefix must have at most n_vars = {layout.n_vars} columns, got {matrix.shape[1]}")
        return as_codes(matrix, None, layout.n_states, "prefix")

    def _uniforms_shape(self) -> tuple[int, ...]:
        n_vars = self._model.layout.n_vars
        assert n_vars is not None
        return (n_vars,)

    def _sample(self, draw: Draw) -> Drawn:
        model = self._model
        layout, dtype = model.layout, code_type(model.layout.n_states)
        assert layout.n_vars is not None
        prefix = None if draw.prefix is None else rows_as_stream(draw.prefix, layout.n_states)
        if model.sparse is not None and (draw.truncated or draw.uniforms is not None):
            codes, _, drawn = self._draw_positions(draw, prefix, layout.n_vars)
            if not draw.return_log_prob:
                return Drawn(codes)
            return Drawn(codes, self._log_prob(codes, False), drawn if draw.truncated else None)
        request = plans.request_of(draw.key, draw.start, prefix, draw.n_per_row, layout.n_vars, model)
        changed = self._truncated(draw)
        if draw.uniforms is None:
            rows = plans.draw_rows(
                model.sampler if changed is None else model.sampler_of(changed), request, draw.n, dtype
            )
        else:
            probabilities = model.dense.probabilities if changed is None else changed
            rows, _ = plans.draw_by_uniforms(
                model.chain(probabilities), request, draw.uniforms.astype(np.float64), dtype
            )
        if not draw.return_log_prob:
            return Drawn(rows)
        log_prob = self._log_prob(rows, False)
        if changed is None:
            return Drawn(rows, log_prob)
        stream = rows_as_stream(rows, layout.n_states)
        drawn = plans.terms(model.chain(model.log_table(changed)), stream)
        return Drawn(rows, log_prob, _run_sums(drawn, stream.starts[:-1] + draw.prefix_length, stream.starts[1:]))

    # --- files -----------------------------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        model = self._model
        layout = model.layout
        structure = {
            "order": self.order,
            "n_vars": layout.n_vars,
            "n_states": layout.n_states,
            "vocabulary": None if model.vocabulary is None else list(model.vocabulary),
            "position_dependent": self.position_dependent,
            "smoothing": self.smoothing,
            "alpha": self.alpha,
            "kind": model.kind,
        }
        if model.columns is not None:
            structure["columns"] = list(model.columns)
        return structure, dict(model.counts._asdict())

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        check_fields(structure, arrays)
        settings = dict(structure)
        kind, columns = settings.pop("kind"), settings.pop("columns", None)
        model = cls(**settings)
        check_kind(kind, model._n_vars, model._vocabulary)
        names = check_columns(columns, model._n_vars)
        layout = Layout(settings["n_states"], model.order, model._n_vars, model.position_dependent)
        check_layout(layout)
        counts = Counts(*(np.array(arrays[name]) for name in Counts._fields))
        model._fitted = Fitted(kind, model._vocabulary, layout, counts, model.smoothing, model.alpha, names)
        return model


def _at_least_one(value: Any, name: str) -> int:
    number = whole_number(value, name)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number


def _check_smoothing(smoothing: Any, alpha: Any) -> float:
    if smoothing not in get_args(Smoothing):
        raise ValueError(f"smoothing must be one of {list(get_args(Smoothing))}, got {smoothing!r:.60}")
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float, np.integer, np.floating)):
        raise TypeError(f"alpha must be a number, got {alpha!r:.60}")
    number = float(alpha)
    if not 0 <= number < math.inf:
        raise ValueError(f"alpha must be at least 0 and finite, got {number}")
    return number


def _is_matrix(data: Any) -> bool:
    """Arrays, tensors and frames of all libraries have a shape."""
    return len(getattr(data, "shape", ())) == 2


def _run_sums(terms: Array, begin: Array, end: Array) -> Array:
    out = np.empty(len(begin))
    sum_runs(terms, np.ascontiguousarray(begin), np.ascontiguousarray(end), out)
    return out
