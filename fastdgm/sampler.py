"""Rows drawn from a network: ancestral sampling, under known values and interventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .data.evidence import known_values, refuse_given
from .data.placement import Placement
from .data.samples import Samples, rows_of
from .latent_codes import LatentCodes
from .runtime.arrays import real_type
from .runtime.extras import how_to_install
from .runtime.seeds import check_chunk, check_rows, key_from_seed

if TYPE_CHECKING:
    from torch import Tensor


class Sampler(LatentCodes):
    """A network from which rows are drawn."""

    def sample(
        self,
        n: int,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        like: Any = None,
        dtype: npt.DTypeLike = np.float32,
        given: Mapping[str, object] | None = None,
        do: Mapping[str, object] | None = None,
    ) -> Samples:
        """Draw ``n`` rows by ancestral sampling: x_v ~ P(x_v | parents of v), parents first.

        Row i of a call is global row ``start + i`` of the seed's data set: any split into calls, threads, chunks
        or devices gives the same rows, bit for bit (table-driven class); rows with real variables, regressions or
        noisy-or for any split on one machine and kind of device (float-driven class). Tables are drawn in clusters that
        are a fixed function of the structure; cluster c of a row draws from word c of Philox4x32-10 (Salmon et al.
        2011) under the row's number, and from a second word where 32 bits do not decide. The other variables own the
        words after those, a real vector one for each of its numbers. Two models drawn with one seed share random words
        and are not independent of each other.

        Parameters
        ----------
        n : number of rows, 0 to 2**40.
        seed : int in [0, 2**64), a ``numpy.random.Generator``, or None for a fresh one.
        start : index of the first row, so that many processes can make disjoint parts of one data set.
        like : a torch tensor: the result is a torch tensor ``(n, n_vars)`` of codes, or of reals.
        dtype : float32 or float64, of real variables.
        given : values of some variables; the real ones left are drawn from their posterior, a normal vector (see
            :meth:`posterior`), of which number j of a row, in topological order, owns word j of a stream of its own.
            What has std 0 is computed from its parents, as ``log_prob`` does it; where its own value is given and its
            parents are drawn, they match it but for rounding; all discrete variables need values. In networks
            with torch modules or autoregressive models, where the parents of all given variables are given, too, as a
            class whose members are drawn, the others may be of any kind: they are drawn parents first, under a key of
            their own. In networks of tables it is refused; the error is the line that does it today.
        do : values that variables are set to, whatever their parents are: the rows are those of ``net.do(do)``.

        Returns
        -------
        Samples of shape ``(n, n_vars)``: codes and real numbers by column, with the state names at hand.

        Raises
        ------
        ValueError : n, start or seed out of range, or more rows than fit in memory.
        NotFittedError : parameters that are not known.

        Examples
        --------
        >>> import fastdgm as fd
        >>> x = fd.example("asia").sample(1000, seed=0)
        >>> x.shape, x["smoke"].dtype
        ((1000, 8), dtype('uint8'))
        """
        n, start = check_rows(n, start)
        kind = real_type(dtype)
        net = self if do is None else self.do(do)
        program = net._program
        key = key_from_seed(seed)
        placement = Placement.of(like)
        if given is None:
            values = program.sample(n, key, start, kind)
        else:
            from .inference.posteriors import can_draw, draws

            network = net._inference.network
            known = known_values(given, network.schema)
            if not can_draw(network, known):
                refuse_given(given, network.schema)
            values = draws(network, n, key, start, kind, known)
        if placement.library != "numpy":
            return placement.give_back(rows_of(values, program.schema))
        return Samples.of(values, program.schema, key, start)

    def iter_samples(
        self,
        n: int,
        chunk: int = 100_000,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        dtype: npt.DTypeLike = np.float32,
        do: Mapping[str, object] | None = None,
    ) -> Iterator[Samples]:
        """``sample(n, seed=seed, start=start, do=do)`` in pieces of ``chunk`` rows, at constant memory.

        The seed is drawn once; the pieces concatenate to the rows of one call.

        Examples
        --------
        >>> import fastdgm as fd
        >>> [len(part) for part in fd.example("asia").iter_samples(250, chunk=100, seed=0)]
        [100, 100, 50]
        """
        n, start = check_rows(n, start)
        chunk = check_chunk(chunk)
        kind = real_type(dtype)
        key = key_from_seed(seed)
        program = self._program if do is None else self.do(do)._program  # as it is now, whatever a later fit changes
        starts = range(start, start + n, chunk)
        sizes = (min(chunk, start + n - first) for first in starts)
        return (
            Samples.of(program.sample(size, key, first, kind), program.schema, key, first)
            for size, first in zip(sizes, starts, strict=True)
        )

    def rsample(
        self,
        n: int,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> dict[str, Tensor]:
        """Draw rows as torch tensors with a gradient by the modules' parameters: x = mean + std * noise, and for other
        kinds by inverse CDF.

        Rows are those of ``sample`` but for rounding, because the random words are the same; modules run in eval mode.
        By the parameters of the other conditionals differentiates ``net.to_torch().rsample``.

        Parameters
        ----------
        n, seed, start, dtype : as for :meth:`sample`.

        Returns
        -------
        {name: tensor (n, *event_shape)}.

        Raises
        ------
        ValueError : discrete variables, and others whose draws have no gradient (mixtures of normals, functions that
            take no tensors), named. NotFittedError : parameters that are not known. ImportError : without torch.

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
        except ImportError as error:
            raise ImportError(f"rsample needs torch: {how_to_install('torch', 'torch')}") from error
        density = self._density
        check_drawn(density)
        words = first_words(self._conditionals, self._order, density)
        return drawn(density, words, n, key_from_seed(seed), start, dtype)
