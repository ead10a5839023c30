"""Our models as distributions of torch: ``fastdgm.interop.torch.Distribution``. Needs torch."""

from __future__ import annotations

import sys
from math import prod
from typing import Any, ClassVar, Self, cast

import torch
from torch.distributions import MultivariateNormal, constraints, kl_divergence, register_kl

from .torch_distribution_checks import (
    check_complete,
    check_same_columns,
    check_width,
    checked_context,
    in_support,
    out_of_support,
    supported,
)
from .torch_distribution_closed import closed_divergence, closed_form
from .torch_distribution_rows import Rows, rows_of_model

Shape = torch.Size | list[int] | tuple[int, ...]
NO_SHAPE = torch.Size()
MOST_ROWS = 2**16  # of a support that is enumerated


class Distribution(torch.distributions.Distribution):
    """A ``torch.distributions.Distribution`` over the rows of a model.

    An event is a row, a vector ``(n_columns,)``: the variables in the order of ``names``, one column each, a vector
    variable as many as it has numbers, in C order. Discrete variables are codes 0 .. k - 1, in the order of
    ``net.states[name]``. Rows of discrete variables alone are drawn as int64, like those of torch's ``Categorical``;
    all others as ``torch.get_default_dtype()``, codes being whole floats there. Both are scored. ``log_prob`` and
    ``entropy`` are of the dtype of the value where that is of floats, else of the default dtype (our own ``log_prob``
    is float64 always).

    The model is read by every call: ``fit`` changes the distribution, too, if the columns stay as they are.

    *Gradients.* ``log_prob`` has one by the real columns of the value and by ``given`` context. By parameters it has
    one where ``model`` is what ``net.to_torch()`` or ``made.to_torch()`` gives; the modules of ``Neural`` conditionals
    are reached without, where the value requires grad. ``rsample`` is there for networks of real variables whose draws
    have gradients (see ``BayesNet.rsample``), by the parameters that these are of.

    *Random numbers* follow torch: each call takes one 64-bit seed from torch's default generator on the CPU, so
    ``torch.manual_seed`` repeats it, whatever the device.

    *Closed forms*, in nats. ``entropy`` and ``kl_divergence``: of networks of tables by the exact posteriors of
    families, of linear Gaussians as normal vectors, of networks of both (the entropy), and of any discrete model of
    up to 2**16 rows by their sum. ``mean``, ``variance``: of normal vectors, and of codes. ``mode``: of normal vectors
    and of networks of tables. All others are NotImplementedError, as in torch.

    *pyro.* Where ``pyro`` has been imported, distributions that are made are pyro's, too: ``pyro.sample("x", d)``,
    ``d.mask()``, ``d.to_event()``.

    Parameters
    ----------
    model : a :class:`BayesNet`, :class:`MarkovChain` of rows, :class:`FVSBN`, :class:`NADE`, :class:`MADE` or
        :class:`Autoregressive`; or the module that its ``to_torch`` gives.
    given : of a model with ``n_context`` the context, a tensor ``(*batch_shape, n_context)``. Of a network a mapping
        from variables to one value each: the distribution is that of the other variables, p(others | given).
    device : where rows are drawn: None is the CPU. Values are scored where they are.
    validate_args : None is torch's default, which looks at the support of every value.

    Raises
    ------
    TypeError : no such model. NotFittedError : parameters that are not known. ValueError : a MarkovChain of sequences
        of any length; a context that is missing, not possible, or of another width. ImpossibleEvidenceError (a
        ValueError) : known values of probability 0. KeyError : unknown names or labels. ``log_prob`` raises ValueError
        for another last dimension and values out of the support, MissingValuesError for NaN and for code -1: log p of
        what is there is ``net.log_prob``'s.

    Examples
    --------
    >>> import fastdgm as fd, torch
    >>> net = fd.BayesNet({"rain": fd.Bernoulli(0.25), "wet": fd.CPT(["rain"], [[0.9, 0.1], [0.2, 0.8]])})
    >>> d = fd.interop.torch.Distribution(net)
    >>> d.event_shape, d.sample((5, 2)).shape
    (torch.Size([2]), torch.Size([5, 2, 2]))
    >>> d.log_prob(torch.tensor([1, 1])).exp(), d.entropy()
    (tensor(0.2000), tensor(0.9312))
    >>> wet = fd.interop.torch.Distribution(net, given={"wet": 1})
    >>> wet.log_prob(torch.tensor([[0], [1]])).exp()
    tensor([0.2727, 0.7273])
    >>> real = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"], 1, [2], std=0.5)})
    >>> d = fd.interop.torch.Distribution(real)
    >>> d.mean, d.has_rsample
    (tensor([0., 1.]), True)
    >>> x = torch.zeros(2, requires_grad=True)
    >>> d.log_prob(x).backward()
    >>> x.grad
    tensor([-8.,  4.])
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    _rows: Rows
    _context: torch.Tensor | None
    _device: torch.device

    def __new__(cls, *arguments: Any, **keywords: Any) -> Self:
        """One of pyro's, too, for who uses that."""
        if cls is Distribution and "pyro.distributions" in sys.modules:
            from .torch_distribution_pyro import pyros

            return cast("Self", object.__new__(pyros(Distribution)))
        return object.__new__(cls)

    def __init__(self, model: Any, given: Any = None, *, device: Any = None, validate_args: bool | None = None) -> None:
        self._rows = rows_of_model(model, given)
        self._device = torch.device("cpu" if device is None else device)
        self._context = checked_context(self._rows, given)
        batch_shape = torch.Size() if self._context is None else self._context.shape[:-1]
        self._say_what_there_is()
        super().__init__(batch_shape, torch.Size([len(self._rows.columns)]), validate_args=validate_args)

    def _say_what_there_is(self) -> None:
        """As torch asks for it: whether rows have gradients, and whether all are listed (discrete, up to 2**16)."""
        self.has_rsample: bool = self._rows.has_rsample
        n_rows = prod(own or 0 for own in self._rows.n_states)
        self.has_enumerate_support: bool = self._rows.is_discrete and n_rows <= MOST_ROWS

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same for a larger batch; contexts are not copied."""
        found: Self = self._get_checked_instance(Distribution, _instance)
        shape = torch.Size(batch_shape)
        torch.empty(self.batch_shape).expand(shape)  # raises what torch raises
        found._rows, found._context, found._device = self._rows, self._context, self._device
        found._say_what_there_is()
        super(Distribution, found).__init__(shape, self.event_shape, validate_args=False)
        found._validate_args = self._validate_args
        return found

    @property
    def model(self) -> Any:
        """The model, or module, as it was given."""
        return self._rows.model

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of a row; numbers of a vector as ``x[0]``, ``x[1]``."""
        return self._rows.columns

    @property
    def support(self) -> constraints.Constraint:
        """The rows that are possible, column by column: an integer interval, the reals, or what roots of other kinds
        have."""
        return supported(self._rows)

    # Drawing ------------------------------------------------------------------------------------------------------

    def sample(self, sample_shape: Shape = NO_SHAPE) -> torch.Tensor:
        """Rows ``sample_shape + batch_shape + event_shape``, without a gradient."""
        shape = self._extended_shape(torch.Size(sample_shape))
        with torch.no_grad():
            context = self._several_contexts()
            if context is None:
                rows = self._rows.sample(shape[:-1].numel(), _seed(), self._one_context(), self._device)
            else:
                rows = self._rows.sample(torch.Size(sample_shape).numel(), _seed(), context, self._device)
                rows = rows.reshape(len(context), -1, shape[-1]).transpose(0, 1) if rows.numel() else rows
            return rows.to(self._drawn_type()).reshape(shape)

    def rsample(self, sample_shape: Shape = NO_SHAPE) -> torch.Tensor:
        """The same with a gradient by parameters; NotImplementedError where draws have none."""
        if not self.has_rsample:
            raise NotImplementedError(
                f"rsample is of networks of real variables whose draws have gradients, not of {self}: sample() draws it"
            )
        shape = self._extended_shape(torch.Size(sample_shape))
        rows = self._rows.rsample(shape[:-1].numel(), _seed(), self._device)
        return rows.to(self._drawn_type()).reshape(shape)

    def _drawn_type(self) -> torch.dtype:
        return torch.int64 if self._rows.is_discrete else torch.get_default_dtype()

    def _several_contexts(self) -> torch.Tensor | None:
        """(n_batch, n_context) where these differ."""
        if self._context is None or self._context.shape[:-1].numel() == 1:
            return None
        width = self._rows.n_context
        return self._context.expand(*self.batch_shape, width).reshape(-1, width)

    def _one_context(self) -> torch.Tensor | None:
        return None if self._context is None else self._context.reshape(1, -1)

    # Scoring ------------------------------------------------------------------------------------------------------

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """log p of rows ``(..., n_columns)``, in nats; ``-inf`` where the model calls a row impossible."""
        check_width(self._rows, value)
        check_complete(self._rows, value)
        if self._validate_args and (value.is_floating_point() or not self._rows.is_discrete):
            self._validate_sample(value)
        shape = self._scored_shape(value)
        if self._several_contexts() is None:
            rows, context = value, self._one_context()
        else:
            width = self._rows.n_context
            rows = value.expand(*shape, value.shape[-1])
            assert self._context is not None  # there are several
            context = self._context.expand(*shape, width).reshape(-1, width)
        found = self._rows.log_prob(self._codes(rows.reshape(-1, value.shape[-1])), context)
        dtype = value.dtype if value.is_floating_point() else torch.get_default_dtype()
        return found.to(dtype).reshape(rows.shape[:-1]).expand(shape)

    def _codes(self, rows: torch.Tensor) -> torch.Tensor:
        """As models take them: int64 where all columns are discrete."""
        if self._rows.is_discrete:
            return rows.detach().long()
        if rows.dtype == torch.bfloat16:  # which NumPy has not
            return rows.float()
        return rows if rows.is_floating_point() else rows.to(torch.get_default_dtype())

    def _scored_shape(self, value: torch.Tensor) -> torch.Size:
        try:
            return torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        except RuntimeError:
            raise ValueError(
                f"rows must be of a shape that goes with batch_shape {tuple(self.batch_shape)}, got "
                f"{tuple(value.shape[:-1])} rows of {value.shape[-1]} columns"
            ) from None

    def _validate_sample(self, value: torch.Tensor) -> None:
        """ValueError, naming the first column and row out of the support."""
        check_width(self._rows, value)
        self._scored_shape(value)
        if not in_support(self._rows, value):
            raise out_of_support(self._rows, value)

    # Closed forms -------------------------------------------------------------------------------------------------

    def entropy(self) -> torch.Tensor:
        """- E log p(x), in nats, of ``batch_shape``; NotImplementedError where there is no closed form."""
        found = closed_form(self._rows, "entropy")
        if found is not None:
            return self._as_batch(found)
        if self.has_enumerate_support:
            log_p = self.log_prob(self.enumerate_support())
            return -torch.xlogy(log_p.exp(), log_p.exp()).sum(dim=0)
        raise self._not_closed("entropy")

    @property
    def mean(self) -> torch.Tensor:
        """Of every column; of codes the mean code, which is P(1) of two states."""
        return self._moment("mean")

    @property
    def variance(self) -> torch.Tensor:
        """Of every column."""
        return self._moment("variance")

    @property
    def mode(self) -> torch.Tensor:
        """The most probable row, of the most probable ones any."""
        found = self._moment("mode")
        return found.to(self._drawn_type())

    def _moment(self, what: str) -> torch.Tensor:
        found = closed_form(self._rows, what)
        if found is None:
            raise self._not_closed(what)
        return self._as_batch(found)

    def _as_batch(self, found: Any) -> torch.Tensor:
        own = torch.tensor(found, dtype=torch.get_default_dtype(), device=self._device)
        return own.expand(torch.Size([*self.batch_shape, *own.shape]))

    def _not_closed(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"the {what} of {self} has no closed form here: estimate it from sample()")

    def enumerate_support(self, expand: bool = True) -> torch.Tensor:
        """All rows of codes, also those of probability 0, ``(n, *batch_shape, n_columns)``: the last column changes
        first. With ``expand=False`` of batch dimensions 1."""
        if not self.has_enumerate_support:
            raise NotImplementedError(
                f"the support of {self} is not enumerated: that is of discrete models of up to {MOST_ROWS} rows"
            )
        codes = [torch.arange(own or 0, device=self._device) for own in self._rows.n_states]
        rows = torch.cartesian_prod(*codes).reshape(-1, len(codes))
        rows = rows.reshape(len(rows), *[1] * len(self.batch_shape), len(codes))
        return rows.expand(len(rows), *self.batch_shape, len(codes)) if expand else rows

    def __reduce__(self) -> tuple[object, ...]:
        """A copy is one of pyro's where that has been imported."""
        return Distribution.__new__, (Distribution,), vars(self)

    def __repr__(self) -> str:
        batch = f", batch_shape={tuple(self.batch_shape)}" if self.batch_shape else ""
        return f"Distribution({type(self.model).__name__}, event_shape={tuple(self.event_shape)}{batch})"


def _seed() -> int:
    """64 bits of torch's default generator."""
    return int(torch.randint(-(2**63), 2**63 - 1, ())) % 2**64


# Divergences ------------------------------------------------------------------------------------------------------


@register_kl(Distribution, Distribution)
def _kl(p: Distribution, q: Distribution) -> torch.Tensor:
    """KL(p || q) in nats, of the batch shapes together; ValueError where they are not over the same columns."""
    check_same_columns(p._rows, q._rows)
    shape = torch.broadcast_shapes(p.batch_shape, q.batch_shape)
    found = closed_divergence(p._rows, q._rows)
    if found is not None:
        return torch.tensor(found, dtype=torch.get_default_dtype(), device=p._device).expand(shape)
    if not p.has_enumerate_support:
        raise NotImplementedError(
            f"KL({p} || {q}) has no closed form here: that is of networks of tables, of normal vectors, and of "
            f"discrete models of up to {MOST_ROWS} rows; estimate it from sample() and log_prob()"
        )
    rows = p.expand(shape).enumerate_support(expand=False)
    log_p, log_q = p.log_prob(rows), q.log_prob(rows)
    differences = torch.where(log_p > -torch.inf, log_p - log_q, 0.0)
    return (log_p.exp() * differences).sum(dim=0).expand(shape)


@register_kl(Distribution, MultivariateNormal)
def _kl_to_normal(p: Distribution, q: MultivariateNormal) -> torch.Tensor:
    return kl_divergence(_as_normal(p, q.loc), q)


@register_kl(MultivariateNormal, Distribution)
def _kl_of_normal(p: MultivariateNormal, q: Distribution) -> torch.Tensor:
    return kl_divergence(p, _as_normal(q, p.loc))


def _as_normal(d: Distribution, like: torch.Tensor) -> MultivariateNormal:
    """A network of linear Gaussians as torch's normal vector, in the float type and on the device of another."""
    covariance = closed_form(d._rows, "covariance")
    if covariance is None:
        raise NotImplementedError(f"{d} is not one normal vector, so its divergence from one has no closed form here")
    moments = closed_form(d._rows, "mean"), covariance
    mean, own = (torch.tensor(found, dtype=like.dtype, device=like.device) for found in moments)
    return MultivariateNormal(mean.expand(*d.batch_shape, len(mean)), own)
