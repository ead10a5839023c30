"""MarkovChain: each symbol given the ``order`` symbols before it, from smoothed counts."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from ..data.collected import collected
from ..data.cuda_sequences import sequences_placement
from ..data.frames import checked_names, column_names
from ..data.matrices import learn_code_matrix
from ..data.placement import Placement
from ..data.repeated import counted_columns, split_counts
from ..data.sequences import refuse_no_symbols, rows_as_stream
from ..data.variables import MAX_STATES
from ..data.vocabularies import check_vocabulary, learn_sequences
from ..engines.draw import SampleOptions, Seed
from ..engines.markov.counts import Counts, Layout, check_layout, count
from ..engines.markov.fields import check_fields, check_kind
from ..engines.markov.smoothing import Smoothing, check_alpha
from ..errors import NotFittedError
from ..runtime.seeds import at_least_one
from .markov_rows import MarkovRows
from .sequences import MarkovSequences
from .verbs import Verbs

Array = npt.NDArray[Any]


class MarkovChain(Verbs):
    """p(x) = prod_t p(x_t | x_{t-order}, ..., x_{t-1}), an n-gram model with n = order + 1.

    Three kinds of data: rows of codes ``(n_rows, n_vars)``, ragged sequences of codes, and ragged sequences of
    characters or tokens. Ragged sequences begin at a start symbol and end with an end symbol that has a probability
    like any other; empty ones, p(end | start), have one if there were some in the data of ``fit``. Distributions are
    interpolated with those of shorter contexts, down to the uniform one; a context that was never seen has the
    distribution of its longest suffix that was. Large vocabularies, such as words, need memory for the distinct runs
    of symbols in the data: where tables of all contexts x all symbols would have more than 2**22 cells (alphabets of
    255 symbols: 2**26) and be all but empty, only what was seen is kept.

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
        self.order: int = at_least_one(order, "order")
        self._n_vars = None if n_vars is None else at_least_one(n_vars, "n_vars")
        self._n_states = None if n_states is None else at_least_one(n_states, "n_states")
        self._vocabulary = None if vocabulary is None else check_vocabulary(vocabulary)
        self.position_dependent: bool = bool(position_dependent)
        self.smoothing = smoothing
        self.alpha: float = check_alpha(smoothing, alpha)
        self._check_settings()
        self._fitted: MarkovRows | MarkovSequences | None = None

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

    def _settings(self) -> dict[str, Any]:
        return {
            "order": self.order,
            "n_vars": self._n_vars,
            "n_states": self._n_states,
            "vocabulary": self._vocabulary,
            "position_dependent": self.position_dependent,
            "smoothing": self.smoothing,
            "alpha": self.alpha,
        }

    @property
    def _model(self) -> MarkovRows | MarkovSequences:
        if self._fitted is None:
            raise NotFittedError("this MarkovChain has no tables yet: call fit(data) first")
        return self._fitted

    @property
    def n_vars(self) -> int | None:
        """Length of rows, None for ragged sequences (or while that is not known)."""
        return self._n_vars if self._fitted is None else self._fitted.tables.layout.n_vars

    @property
    def n_states(self) -> int | None:
        """Number of states, the end symbol of ragged sequences not counted; None while not known."""
        if self._fitted is not None:
            return self._fitted.tables.layout.n_states
        return self._n_states if self._vocabulary is None else len(self._vocabulary)

    @property
    def vocabulary(self) -> tuple[str, ...] | None:
        """Characters or tokens by code; None where the data are codes."""
        return self._vocabulary if self._fitted is None else self._fitted.vocabulary

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the variables of rows, where ``fit`` was given a frame; later frames are matched by them."""
        return None if self._fitted is None else self._fitted.names

    @property
    def n_contexts(self) -> int:
        """Number of contexts with a distribution of their own, of all lengths up to ``order``."""
        return self._model.tables.n_contexts

    @property
    def n_parameters(self) -> int:
        """Free parameters of all contexts: one less than the symbols that may follow."""
        return self._model.tables.n_parameters

    @property
    def history(self) -> list[dict[str, float]]:
        """Always empty: counting has no epochs."""
        return []

    def __repr__(self) -> str:
        smoothing = f"{self.smoothing!r}" + (f", alpha={self.alpha:g}" if self.smoothing == "add-alpha" else "")
        name = f"MarkovChain(order={self.order}, smoothing={smoothing})"
        if self._fitted is None:
            return f"{name}: not fitted"
        layout = self._fitted.tables.layout
        noun = {"text": "characters", "tokens": "tokens"}.get(self._fitted.kind or "", "states")
        rows = "" if layout.n_vars is None else f"{layout.n_vars} variables, "
        if layout.position_dependent:
            rows += "tables by position, "
        return f"{name}: {rows}{layout.n_states} {noun}, {self.n_contexts} contexts, {self.n_parameters} parameters"

    # --- fitting ---------------------------------------------------------------------------------------------------

    def fit(self, data: Any, y: Any = None) -> Self:
        """Count, smooth and return the model, changed all at once; an error leaves it as it was.

        Parameters
        ----------
        data : a two-dimensional array or frame of codes (rows; columns of later frames go by their names); or ragged
            sequences: a list of strings, of lists of tokens, or of lists or arrays of codes; a string (one sequence);
            an Arrow list or string array; or a tuple (values, offsets). Empty sequences count like others; where there
            is none, the model gives none a probability. A mapping {string or tuple: count}, such as a
            ``collections.Counter`` or the Series that ``value_counts`` gives in pandas, counts every sequence (or row,
            with ``n_vars``) so many times. On a GPU: rows, (values, offsets), or (padded rows, lengths), of integers;
            they are counted there.
        y : ignored, there for scikit-learn's pipelines.

        Raises
        ------
        ValueError : no sequences, none with a symbol where states are not known, codes or characters that are no state,
            negative counts.
        MissingValuesError : NaN, -1 or null. TypeError : other data, such as sets and mappings of anything but counts.

        Examples
        --------
        >>> import fastdgm as fd
        >>> chain = fd.MarkovChain(order=1).fit([[0, 1, 0], [2]])  # codes, ragged
        >>> chain.n_states, chain.n_vars
        (3, None)
        >>> names = fd.MarkovChain(order=2).fit({"anna": 99, "bo": 1})
        >>> names.log_prob(["anna", "bo", ""]).round(2).tolist()
        [-0.04, -5.12, -inf]
        """
        placement = sequences_placement(data)
        if placement is not None:
            self._fitted = self._fitted_on_card(data, placement)
            return self
        given = collected(data)
        data, weights = split_counts(given)
        if self._n_vars is not None or self.position_dependent or _is_matrix(data):
            codes, n_states = learn_code_matrix(data, self._n_vars, self._n_states, "data")
            layout = Layout(n_states, self.order, codes.shape[1], self.position_dependent)
            counts = count(rows_as_stream(codes, n_states), layout, weights)
            columns = column_names(given) or counted_columns(given)
            self._fitted = MarkovRows(counts, layout, self.smoothing, self.alpha, columns)
        else:
            learnt = learn_sequences(data, self._vocabulary, self._n_states)
            layout = Layout(learnt.n_states, self.order, None, False)
            counts = count(learnt.stream, layout, weights)
            self._fitted = MarkovSequences(counts, layout, self.smoothing, self.alpha, learnt.kind, learnt.vocabulary)
        return self

    def _fitted_on_card(self, data: Any, placement: Placement) -> MarkovRows | MarkovSequences:
        """What ``fit`` learns from arrays of a GPU: counted there, smoothed here."""
        from ..data.cuda_codes import learn_cuda_codes
        from ..engines.markov.cuda_counts import count_on_card

        queue, empty = placement.cuda, placement.empty
        width = data.shape[1] if _is_matrix(data) else None
        known = self._n_states if self._vocabulary is None or width is not None else len(self._vocabulary)
        if self._n_vars not in (None, width) or width == 0 or (self.position_dependent and width is None):
            expected = f"(n_rows, {self._n_vars or 'n_vars'}) with at least one variable"
            raise ValueError(f"rows must have shape {expected}, got {getattr(data, 'shape', 'ragged sequences')}")
        codes, n_states = learn_cuda_codes(data, known, queue, empty)
        if width is None and known is None:
            refuse_no_symbols(codes.size, codes.n, "n_states")
        layout = Layout(n_states, self.order, width, self.position_dependent)
        settings = count_on_card(queue, codes, layout, empty), layout, self.smoothing, self.alpha
        if width is None:
            return MarkovSequences(*settings, "codes", self._vocabulary)
        return MarkovRows(*settings, None)

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
        return self._model.log_prob(x, per_variable=per_variable)

    def bits_per_variable(self, x: Any) -> float:
        """Mean code length in bits per variable or, for ragged sequences, per symbol, their ends included.

        Examples
        --------
        >>> import fastdgm as fd
        >>> round(fd.MarkovChain(order=1).fit(["aab", "ab", "b"]).bits_per_variable(["ab", "b"]), 3)
        0.698
        """
        return self._model.bits_per_variable(x)

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
        device: str | None = None,
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
        like : for rows, a torch tensor: the result is one, too; for all, an array of a GPU: drawn there.
        device : "cuda" or "cuda:1": drawn on that GPU, where they stay; "cpu". Without ``like`` rows are then arrays of
            numba's. Ragged sequences are :class:`~fastdgm.data.cuda_sequences.CudaSequences`.

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
        return self._model.draw(
            SampleOptions(
                n=n,
                prefix=prefix,
                n_per_row=n_per_row,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                max_length=max_length,
                seed=seed,
                start=start,
                return_log_prob=return_log_prob,
                uniforms=uniforms,
                given=given,
                like=like,
                device=device,
            )
        )

    def to_torch(self) -> NoReturn:
        """Refused: counts have no gradients."""
        raise TypeError("MarkovChain has no gradients")

    # --- files -----------------------------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """JSON structure and arrays from which ``_from_state`` makes the same model."""
        model = self._model
        layout = model.tables.layout
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
        if model.names is not None:
            structure["columns"] = list(model.names)
        return structure, dict(model.tables.counts._asdict())

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        check_fields(structure, arrays)
        settings = dict(structure)
        kind, columns = settings.pop("kind"), settings.pop("columns", None)
        model = cls(**settings)
        check_kind(kind, model._n_vars, model._vocabulary)
        names = checked_names(columns, model._n_vars)
        layout = Layout(settings["n_states"], model.order, model._n_vars, model.position_dependent)
        check_layout(layout)
        counts = Counts(*(np.array(arrays[name]) for name in Counts._fields))
        if kind is None:
            model._fitted = MarkovRows(counts, layout, model.smoothing, model.alpha, names)
        else:
            model._fitted = MarkovSequences(counts, layout, model.smoothing, model.alpha, kind, model._vocabulary)
        return model


def _is_matrix(data: Any) -> bool:
    """Arrays, tensors and frames of all libraries have a shape."""
    return len(getattr(data, "shape", ())) == 2
