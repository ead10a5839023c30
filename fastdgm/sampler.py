"""Rows drawn from a network: ancestral sampling, under known values and interventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from .data.cuda_arrays import is_on_card, refuse_on_cpu
from .data.cuda_samples import CudaSamples
from .data.evidence import Known, known_values
from .data.given_values import is_per_row
from .data.placement import Placement
from .data.samples import Samples, rows_of
from .data.schema import Schema, Values
from .inference.cuda_refusals import not_on_card, refuse_on_card
from .inference.sampling_info import N_SAMPLES, Method, is_weighted
from .latent_codes import LatentCodes
from .queries import warn_of
from .runtime.arrays import real_type
from .runtime.extras import how_to_install
from .runtime.seeds import at_least_one, check_chunk, check_rows, key_from_seed, whole_number

if TYPE_CHECKING:
    from torch import Tensor

    from .data.evidence_rows import EvidenceBlock
    from .inference.calibrated import Calibrated


class _Source(NamedTuple):
    """What rows come from."""

    schema: Schema
    draw: Callable[[int, int, int], Values]  # of n, the key and the first row


class Sampler(LatentCodes):
    """A network from which rows are drawn."""

    _kept_calibrated: Calibrated | None = None

    @overload
    def sample(
        self,
        n: int | None = ...,
        *,
        given: Any = ...,
        do: Mapping[str, object] | None = ...,
        n_per_row: int = ...,
        seed: int | np.random.Generator | None = ...,
        start: int = ...,
        like: None = ...,
        device: Literal["cpu"] | None = ...,
        dtype: npt.DTypeLike = ...,
        method: Method = ...,
        n_samples: int = ...,
    ) -> Samples: ...

    @overload  # CudaSamples with device="cuda"; arrays of the library of ``like``
    def sample(
        self,
        n: int | None = ...,
        *,
        given: Any = ...,
        do: Mapping[str, object] | None = ...,
        n_per_row: int = ...,
        seed: int | np.random.Generator | None = ...,
        start: int = ...,
        like: Any = ...,
        device: Any = ...,
        dtype: npt.DTypeLike = ...,
        method: Method = ...,
        n_samples: int = ...,
    ) -> Any: ...

    def sample(
        self,
        n: int | None = None,
        *,
        given: Any = None,
        do: Mapping[str, object] | None = None,
        n_per_row: int = 1,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        like: Any = None,
        device: Any = None,
        dtype: npt.DTypeLike = np.float32,
        method: Method = "exact",
        n_samples: int = N_SAMPLES,
    ) -> Any:
        """Draw ``n`` rows by ancestral sampling, x_v ~ P(x_v | parents of v), parents first; or of what is ``given``,
        x ~ p(x | given).

        Row i of a call is global row ``start + i`` of the seed's data set: any split into calls, threads, chunks
        or devices gives the same rows, bit for bit (table-driven class); rows with real variables, regressions or
        noisy-or for any split on one machine and kind of device (float-driven class). Tables are drawn in clusters that
        are a fixed function of the structure; cluster c of a row draws from word c of Philox4x32-10 (Salmon et al.
        2011) under the row's number, and from a second word where 32 bits do not decide. The other variables own the
        words after those, a real vector one for each of its numbers. Two models drawn with one seed share random words
        and are not independent of each other.

        Parameters
        ----------
        n : number of rows, 0 to 2**40. Left out where ``given`` is rows.
        given : what is known of some variables; the others are drawn from their posterior, exactly.

            In networks of discrete variables without modules, a mapping from variables to a code or label, a list of
            those that are possible, or an array ``(k,)`` of likelihoods; or rows, as for :meth:`log_prob`, in which
            values may be missing: ``n_per_row`` draws for each, of which draw j of row i is row i * n_per_row + j of
            the result. Known values that are the same for all rows make tables of their own, by one pass over the
            junction tree, that are drawn as those of any network under a key of their own; rows draw variable v from
            two words of a stream of their own. Both are float-driven.
            In networks with real variables, a mapping to values; the real ones left are a normal vector (see
            :meth:`posterior`), of which number j of a row, in topological order, owns word j of a stream of its own.
            What has std 0 is computed from its parents, as ``log_prob`` does it; where its own value is given and its
            parents are drawn, they match it but for rounding. Discrete variables without a value, of up to 4096
            configurations together, are drawn first, from their joint posterior; the real ones left are then linear
            Gaussians or normal vectors. Where the parents of all given variables are given, too, as a class whose
            members are drawn, the others may be of any kind: they are drawn parents first, under a key of their own.
        do : values that variables are set to, whatever their parents are: the rows are those of ``net.do(do)``, and
            ``given`` is what is known after it. Of a variable in both they say the same.
        n_per_row : draws for each row of ``given``.
        seed : int in [0, 2**64), a ``numpy.random.Generator``, or None for a fresh one.
        start : index of the first row, so that many processes can make disjoint parts of one data set.
        like : an array of another library, a torch tensor or one of a GPU: the result is such an array
            ``(n, n_vars)``, of codes, of reals, or float64 where there are both, on that device.
        device : "cuda", "cuda:1" or a ``torch.device``: the rows are drawn on that GPU and stay there, as
            :class:`CudaSamples`, or as tensors where ``like`` is one; "cpu": here, also where ``like`` is on a GPU.
        dtype : float32 or float64, of real variables.
        method : "exact"; or "weighted", where that is too big, or not possible beside real variables: each row is one
            of ``n_samples`` draws by likelihood weighting (:meth:`log_prob`) of what is given, chosen by their weights
            (Rubin 1988), and so about right, the better the more there are: rows under the same known values are from
            the same draws, and repeat. A warning tells where few of them count. Where ``given`` is rows, row i has the
            draws of row start // n_per_row + i, so that any split of the rows into calls gives the same, if every
            ``start`` is a multiple of ``n_per_row``.
        n_samples : of "weighted".

        Returns
        -------
        Samples of shape ``(n, n_vars)``: codes and real numbers by column, with the state names at hand.

        Raises
        ------
        ValueError : n, start or seed out of range, another device, or more rows than fit in memory; ``given`` and
            ``do`` that contradict each other; tables that would be too large, their cells and memory named.
            ImpossibleEvidenceError : known values of probability 0, naming the row. KeyError : unknown names or labels.
            NotFittedError : parameters that are not known. CudaUnavailableError : a GPU that is asked for and not
            there, or what is missing to use it. TypeError : conditionals and options without loops for GPUs.

        Examples
        --------
        >>> import fastdgm as fd
        >>> net = fd.example("asia")
        >>> x = net.sample(1000, seed=0)
        >>> x.shape, x["smoke"].dtype
        ((1000, 8), dtype('uint8'))
        >>> smokers = net.sample(10_000, given={"dysp": "yes"}, seed=0)["smoke"] == net.states["smoke"].index("yes")
        >>> float(smokers.mean().round(2)), net.sample(5, given={"dysp": ["yes", "no"]}, do={"smoke": "yes"}).shape
        (0.64, (5, 8))
        """
        kind = real_type(dtype)
        placement = Placement.asked(device, like, given if is_on_card(given) else None)
        if placement.queue is not None:
            refuse_on_card("sample", {"method": method})
            rows = self._drawn_on_card(placement, given, do, n, n_per_row, key_from_seed(seed), start, kind)
            return rows.as_array() if _asks_for_array(like) else rows
        refuse_on_cpu(given, 'sample(device="cpu"): given=')
        if is_weighted(method):
            values, schema, key = self._weighted_rows(given, do, n, n_per_row, n_samples, seed, start, kind)
        elif given is not None and is_per_row(given, self._program.schema):
            values, schema, key = self._drawn_per_row(given, do, n, n_per_row, seed, start)
        else:
            n, start = check_rows(_number_of_rows(n, n_per_row), start)
            source = self._source(given, do, kind)
            key, schema = key_from_seed(seed), source.schema
            values = source.draw(n, key, start)
        if placement.library != "numpy":
            return placement.give_back(rows_of(values, schema))
        return Samples.of(values, schema, key, start)

    def iter_samples(
        self,
        n: int,
        chunk: int = 100_000,
        *,
        given: Mapping[str, object] | None = None,
        do: Mapping[str, object] | None = None,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        device: Any = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Iterator[Any]:
        """``sample(n, given=given, do=do, seed=seed, start=start)`` in pieces of ``chunk`` rows, at constant memory.

        The seed is drawn once; the pieces concatenate to the rows of one call. What is ``given`` is the same for all.
        Pieces are Samples, with ``device="cuda"`` CudaSamples.

        Examples
        --------
        >>> import fastdgm as fd
        >>> [len(part) for part in fd.example("asia").iter_samples(250, chunk=100, seed=0)]
        [100, 100, 50]
        """
        n, start = check_rows(n, start)
        chunk = check_chunk(chunk)
        kind = real_type(dtype)
        if given is not None and is_per_row(given, self._program.schema):
            raise ValueError("iter_samples draws under known values that are the same for all rows: give sample() rows")
        key = key_from_seed(seed)
        placement = Placement.asked(device)
        if placement.queue is not None:
            if given is not None:
                raise not_on_card("iter_samples(given=)")
            return (self if do is None else self.do(do))._on_card(placement).iter_samples(n, chunk, key, start, kind)
        source = self._source(given, do, kind)  # as it is now: a later fit does not change the rows to come
        starts = range(start, start + n, chunk)
        sizes = (min(chunk, start + n - first) for first in starts)
        return (
            Samples.of(source.draw(size, key, first), source.schema, key, first)
            for size, first in zip(sizes, starts, strict=True)
        )

    def _drawn_on_card(
        self,
        placement: Placement,
        given: Any,
        do: Mapping[str, object] | None,
        n: int | None,
        n_per_row: int,
        key: int,
        start: int,
        dtype: np.dtype[Any],
    ) -> CudaSamples:
        """Rows drawn where ``placement`` says."""
        if given is not None:
            return self._given_on_card(placement, given, do, n, n_per_row, key, start)
        n, start = check_rows(_number_of_rows(n, n_per_row), start)
        return (self if do is None else self.do(do))._on_card(placement).sample(n, key, start, dtype)

    def _given_on_card(
        self,
        placement: Placement,
        given: Any,
        do: Mapping[str, object] | None,
        n: int | None,
        n_per_row: int,
        key: int,
        start: int,
    ) -> CudaSamples:
        """Draws on a GPU: for each row of evidence there, or under values that are the same for all rows."""
        net = self if do is None else self.do(do)
        verbs = net._on_card(placement)
        if is_on_card(given):
            evidence = verbs.evidence("sample(given=)")
            rows = evidence.rows(given)
            check_rows(_number_of_rows(n, n_per_row, rows.block.n), start)
            return evidence.sample(rows, (key, start, n_per_row))
        if not net._program.is_tabular or is_per_row(given, net._program.schema):
            raise not_on_card("sample(given=) of rows of the CPU, or beside other variables than tables,")
        n, start = check_rows(_number_of_rows(n, n_per_row), start)
        known = net._calibrated(net._evidence(given, do))
        return verbs.evidence("sample(given=)").sample_known(known, n, key, start)

    def _source(
        self, given: Mapping[str, object] | None, do: Mapping[str, object] | None, dtype: np.dtype[Any]
    ) -> _Source:
        """What rows come from where all are drawn under the same values."""
        net = self if do is None else self.do(do)
        program = net._program
        if given is None:
            return _Source(program.schema, lambda n, key, start: program.sample(n, key, start, dtype))
        if program.is_tabular:
            return _Source(program.schema, net._calibrated(self._evidence(given, do)).draw)
        from .inference.known_row import refuse_impossible_values
        from .inference.mixture_draws import MixtureDraws
        from .inference.posteriors import draws, is_mixture

        network = net._inference.network
        known = self._known(given, do)
        refuse_impossible_values(net._inference, known, "draw")
        if is_mixture(network, known):
            return _Source(program.schema, MixtureDraws(net._inference, known, dtype).draw)
        return _Source(program.schema, lambda n, key, start: draws(network, n, key, start, dtype, known))

    def _evidence(self, given: Any, do: Mapping[str, object] | None) -> EvidenceBlock:
        """Known values of a network of tables, which do not contradict an intervention."""
        from .data.evidence_rows import given_evidence

        schema = self._program.schema
        block = given_evidence(given, schema)
        if do is not None:
            from .inference.agreement import check_agreement

            check_agreement(block, known_values(do, schema, "do"))
        return block

    def _known(self, given: Any, do: Mapping[str, object] | None) -> Known:
        """The same of any network, one value of each variable."""
        schema = self._program.schema
        known = known_values(given, schema)
        if do is not None:
            from .inference.agreement import check_known_agreement

            check_known_agreement(known, known_values(do, schema, "do"), schema)
        return known

    def _calibrated(self, block: EvidenceBlock) -> Calibrated:
        """The network given one row of evidence; that of the last call is kept."""
        from .inference.calibrated import calibrated
        from .inference.impossible import refuse_impossible

        exact, evidence, found = self._exact, block.read(0, 1), self._kept_calibrated
        if found is None or not found.is_of(exact, evidence):
            found = calibrated(exact, evidence)
            refuse_impossible(exact.log_evidence, block, np.array([found.log_evidence == -np.inf]), "draws")
            self._kept_calibrated = found
        return found

    def _drawn_per_row(
        self,
        given: Any,
        do: Mapping[str, object] | None,
        n: int | None,
        n_per_row: int,
        seed: int | np.random.Generator | None,
        start: int,
    ) -> tuple[Values, Schema, int]:
        """Draws for each row of evidence."""
        from .inference.given_rows import drawn_rows

        net = self if do is None else self.do(do)
        program = net._program
        if not program.is_tabular:
            raise TypeError(
                "given= is a mapping from variables to one value of each where a network has real variables, modules "
                f"or models: rows of evidence are of networks of tables, got {type(given).__name__}"
            )
        block = self._evidence(given, do)
        n, start = check_rows(_number_of_rows(n, n_per_row, block.n), start)
        key = key_from_seed(seed)
        codes = drawn_rows(net._exact, block, key, start, n_per_row)
        return Values(codes, np.empty((0, n), np.float32)), program.schema, key

    def _weighted_rows(
        self,
        given: Any,
        do: Mapping[str, object] | None,
        n: int | None,
        n_per_row: int,
        n_samples: int,
        seed: int | np.random.Generator | None,
        start: int,
        dtype: np.dtype[Any],
    ) -> tuple[Values, Schema, int]:
        """Rows chosen from weighted draws."""
        from .inference import weighted_answers, weighted_rows

        if given is None:
            raise ValueError('method="weighted" is of what is given=: without it rows are exact')
        net = self if do is None else self.do(do)
        schema, per_row = net._program.schema, is_per_row(given, net._program.schema)
        block = self._evidence(given, do) if net._program.is_tabular else None
        n_given = block.n if block is not None and per_row else None
        n, start = check_rows(_number_of_rows(n, n_per_row, n_given), start)
        sampling = net._weighted_sampling(n_samples, seed)
        if block is not None:
            n_each, first_row = (n_per_row, start // n_per_row) if per_row else (n, 0)
            codes, found = net._weighted.draws(block, sampling, start, n_each, first_row)
            values = Values(codes, np.empty((0, n), dtype))
        else:
            known = self._known(given, do)
            values, found = weighted_rows.drawn_beside_reals(net._program, known, sampling, n, start, dtype)
        weighted_answers.refuse_unexplained(found, "draws")
        warn_of(found.doubt(sampling.n_samples, "n_samples"))
        return values, schema, sampling.key

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_kept_calibrated": None}

    def rsample(
        self,
        n: int,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        dtype: npt.DTypeLike = np.float32,
        device: Any = None,
    ) -> dict[str, Tensor]:
        """Draw rows as torch tensors with a gradient by the modules' parameters: x = mean + std * noise, and for other
        kinds by inverse CDF.

        Rows are those of ``sample`` but for rounding, because the random words are the same; modules run in eval mode.
        By the parameters of the other conditionals differentiates ``net.to_torch().rsample``.

        Parameters
        ----------
        n, seed, start, dtype : as for :meth:`sample`.
        device : None or "cpu", or "cuda" or "cuda:1" for rows that are drawn on a GPU, where the modules are.

        Returns
        -------
        {name: tensor (n, *event_shape)}.

        Raises
        ------
        ValueError : discrete variables, and others whose draws have no gradient (mixtures of normals, functions that
            take no tensors), named; modules elsewhere than the rows. NotFittedError : parameters that are not known.
            ImportError : without torch. CudaUnavailableError : a GPU that cannot be used.

        Examples
        --------
        >>> import fastdgm as fd, torch
        >>> net = fd.BayesNet({
        ...     "z": fd.Normal(0, 1),
        ...     "x": fd.Neural(["z"], torch.nn.Linear(1, 1), family="normal", event_shape=(1,), std=0.1),
        ... })
        >>> net.rsample(5, seed=0)["x"].mean().backward()
        >>> net["x"].module.bias.grad
        tensor([1.])
        """
        n, start = check_rows(n, start)
        self._check_parameters()
        try:
            from .engines.torch.densities.draws import check_drawn, drawn, first_words
            from .engines.torch.densities.on_card import check_modules
        except ImportError as error:
            raise ImportError(f"rsample needs torch: {how_to_install('torch', 'torch')}") from error
        queue = Placement.asked(device).queue
        density = self._density if queue is None else self._density_on_card(queue)
        check_drawn(density)
        if queue is not None:
            check_modules(density, queue)
        words = first_words(self._conditionals, self._order, density)
        return drawn(density, words, n, key_from_seed(seed), start, dtype)


def _asks_for_array(like: Any) -> bool:
    """Whether rows are asked for as an array of the library of ``like``."""
    return Placement.of(like).library != "numpy" and not isinstance(like, CudaSamples)


def _number_of_rows(n: int | None, n_per_row: int, n_given: int | None = None) -> int:
    """How many rows are drawn, for ``n_given`` rows of evidence where there are such."""
    per_row = at_least_one(n_per_row, "n_per_row")
    if n_given is None:
        if per_row != 1:
            raise ValueError(f"n_per_row is of rows of evidence, as a frame is given, got n_per_row={per_row} without")
        if n is None:
            raise TypeError("n must be an integer, got None: the number of rows, unless given= holds rows of evidence")
        return n
    if n is not None and whole_number(n, "n") != n_given * per_row:
        raise ValueError(
            f"given= fixes the number of rows: {n_given} with n_per_row={per_row} make {n_given * per_row}, got n={n}; "
            "leave n out"
        )
    return n_given * per_row
