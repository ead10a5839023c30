"""The log_prob of a network as a torch module, differentiable by data and all parameters. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..bayesnet import BayesNet
from ..data.schema import Schema
from ..engines.torch.densities.draws import check_drawn, drawn, first_words
from ..engines.torch.densities.inputs import check_finite, checked_tensors
from ..engines.torch.densities.joint import JointDensity
from ..runtime.seeds import check_rows, key_from_seed


class NetworkLogProb(torch.nn.Module):
    """Rows -> log p (n,), in nats; ``net.to_torch()`` makes it.

    Its parameters start as the network's and are its own: logits of tables (states of probability 0 stay impossible),
    intercepts, coefficients and log stds of linear Gaussians, means and triangular factors of normal vectors, weights,
    logits of noisy-or, and so on, all unbounded and float64. Neural conditionals are the network's own modules, each
    registered once. Point masses (a std of 0, functions of parents) are as in the network, without a gradient.

    Discrete values, and draws of them, have no gradient. Linear Gaussians are computed by kernels on the CPU (second
    derivatives, ``torch.func.vmap`` and other devices by torch operations; no forward mode); ``torch.compile`` keeps
    these as single nodes. Under ``torch.func`` transforms pass ``check=False``.

    Examples
    --------
    >>> import fastdgm as fd, torch
    >>> net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"], 0, [1], std=1)})
    >>> module = net.to_torch()
    >>> rows = {"x": torch.tensor([0.0, 1.0]), "y": torch.tensor([3.0, 5.0])}
    >>> optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     (-module(rows).mean()).backward()
    ...     _ = optimizer.step()
    >>> bool(module.to_bayesnet().log_prob(rows).sum() > net.log_prob(rows).sum())
    True
    """

    def __init__(self, net: BayesNet) -> None:
        super().__init__()
        conditionals = {name: net[name] for name in net.names}
        self.density: JointDensity = JointDensity(conditionals, net.order)
        self._schema = Schema({name: own.variable for name, own in conditionals.items()})
        self._guide = dict(net.guide)
        self._words: dict[str, int] | None = None  # of draws

    def forward(self, data: Any, *, check: bool = True) -> torch.Tensor:
        """log p of complete rows (n,), differentiable by real data and by the parameters.

        Parameters
        ----------
        data : {name: tensor (n, *event_shape)} of all variables, discrete ones as codes, or one tensor (n, n_cells)
            where all variables are of one kind.
        check : look at the values; never done while torch.compile traces. Without it codes out of range raise what
            torch raises, or give wrong numbers.

        Raises
        ------
        MissingValuesError : a column that is absent, NaN, code -1. ValueError : codes out of range, infinite numbers,
            other shapes. KeyError : unknown names. TypeError : what is no tensor.
        """
        check = check and not torch.compiler.is_compiling()
        values = checked_tensors(data, self._schema, check=check)
        try:
            found: torch.Tensor = self.density(values)
        except ValueError:  # of a function of such numbers, which knows less of them
            if check:
                check_finite(values)
            raise
        if check and not bool(torch.isfinite(found.detach().sum())):
            check_finite(values)
        return found

    def to_bayesnet(self) -> BayesNet:
        """A new network with the parameters as they are now; the modules of neural conditionals are shared.

        Raises ValueError where parameters are no longer finite, or none of their distribution.
        """
        found = self.density.conditionals()
        for name in self._schema.names:
            broken = [part for part, array in _arrays(found[name]).items() if not np.isfinite(array).all()]
            if broken:
                raise ValueError(f"the {broken[0]} of {name!r} is not finite")
        net = BayesNet({name: found[name] for name in self._schema.names})
        return net.guided(self._guide) if self._guide else net

    def sample(
        self,
        n: int,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> dict[str, torch.Tensor]:
        """Rows under the parameters as they are now, as {name: tensor}, without a gradient: ``BayesNet.sample``."""
        rows = self.to_bayesnet().sample(n, seed=seed, start=start, dtype=dtype)
        columns = {name: np.array(rows[name]) for name in rows.keys()}  # noqa: SIM118
        return {name: torch.from_numpy(_signed(column)) for name, column in columns.items()}

    def rsample(
        self,
        n: int,
        *,
        seed: int | np.random.Generator | None = None,
        start: int = 0,
        dtype: npt.DTypeLike | torch.dtype = np.float32,
    ) -> dict[str, torch.Tensor]:
        """Reparameterised rows {name: (n, *event_shape)}, differentiable by all parameters; modules run in the mode in
        which they are. See ``BayesNet.rsample``."""
        n, start = check_rows(n, start)
        check_drawn(self.density)
        if self._words is None:
            self._words = first_words(self.density.conditionals(), self.density.order, self.density)
        return drawn(self.density, self._words, n, key_from_seed(seed), start, dtype)


def _arrays(conditional: Any) -> Mapping[str, npt.NDArray[Any]]:
    """The numbers of a conditional that has some of its own."""
    try:
        found = conditional.parameters()
    except TypeError:
        return {}
    return {name: array for name, array in found.items() if array.dtype.kind == "f"}


def _signed(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Codes as int64, which densities index by."""
    return column.astype(np.int64) if column.dtype.kind == "u" else column
