"""What values, contexts and columns have to be like, for torch's distributions of our models. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.distributions import constraints

from ..errors import MissingValuesError
from ..runtime.text import preview
from .torch_distribution_rows import NetworkRows, Rows


def check_width(rows: Rows, value: Any) -> None:
    """ValueError for what is no tensor, or has another last dimension."""
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"the value of log_prob must be a Tensor, got {type(value).__name__}")
    width = len(rows.columns)
    if value.shape[-1:] != (width,):
        raise ValueError(
            f"the last dimension of a value is the event, {width} columns ({preview(rows.columns)}), got shape "
            f"{tuple(value.shape)}"
        )


def check_complete(rows: Rows, value: torch.Tensor) -> None:
    """MissingValuesError, and ValueError for codes that are none: the log_prob of networks would sum over what is
    missing, and fractions would be cut."""
    if not value.numel() or (not value.is_floating_point() and not any(rows.n_states)):
        return
    if not value.is_floating_point() and rows.is_discrete:
        if not _are_states(rows, value):
            _refuse_missing(rows, value, value == -1)
            raise out_of_support(rows, value)
        return
    found = value.detach()
    is_code = torch.tensor([own is not None for own in rows.n_states], device=value.device)
    missing = torch.isnan(found)
    if any(rows.n_states):
        missing = missing | ((found == -1) & is_code)
    _refuse_missing(rows, found, missing)
    if any(rows.n_states) and bool(((found != found.round()) & is_code).any()):
        raise out_of_support(rows, value)


def _are_states(rows: Rows, codes: torch.Tensor) -> bool:
    """Of integers: by the extremes of each column, one fast pass."""
    lowest, highest = torch.aminmax(codes.reshape(-1, codes.shape[-1]), dim=0)
    n_states = torch.tensor([own or 0 for own in rows.n_states], device=codes.device)
    return bool(((lowest >= 0) & (highest < n_states)).all())


def _refuse_missing(rows: Rows, value: torch.Tensor, missing: torch.Tensor) -> None:
    if bool(missing.any()):
        row, column = missing.reshape(-1, value.shape[-1]).nonzero()[0].tolist()
        raise MissingValuesError(
            f"a Distribution scores complete rows, {rows.columns[column]!r} is missing in row {row}: the log_prob of "
            "the model itself sums over what is missing where it can"
        )


def in_support(rows: Rows, value: torch.Tensor) -> bool:
    """Whether all values are; torch's own check takes no empty ones."""
    if not value.numel():
        return True
    if not value.is_floating_point() and rows.is_discrete:
        return _are_states(rows, value)
    return bool(supported(rows).check(value).all())


def out_of_support(rows: Rows, value: torch.Tensor) -> ValueError:
    """An error with the first column that has a value out of its support, its row, and what is allowed."""
    table = value.detach().reshape(-1, value.shape[-1])
    for column, name in enumerate(rows.columns):
        allowed = rows.constraint(column)
        wrong = ~allowed.check(table[:, column])
        if bool(wrong.any()):
            row = int(wrong.int().argmax())
            return ValueError(f"values of {name!r} are {_described(allowed)}: row {row} has {table[row, column]:g}")
    return ValueError(f"values are not within the support {supported(rows)}")


def _described(allowed: Any) -> str:
    if allowed is constraints.real:
        return "real numbers"
    if hasattr(allowed, "upper_bound") and allowed.is_discrete:
        return f"codes from 0 to {int(allowed.upper_bound)}"
    return f"within {allowed}"


def check_same_columns(p: Rows, q: Rows) -> None:
    """ValueError where rows of p and q do not mean the same."""
    if p.n_states != q.n_states:
        raise ValueError(
            f"distributions over the same columns are compared: {len(p.columns)} with {_listed(p.n_states)} states "
            f"(None: real numbers), and {len(q.columns)} with {_listed(q.n_states)}"
        )
    if isinstance(p, NetworkRows) and isinstance(q, NetworkRows):
        if p.columns != q.columns:
            raise ValueError(
                f"networks with the same columns are compared, got {preview(p.columns)} and {preview(q.columns)}"
            )
        for name in p.names:
            own, others = p.net.states.get(name), q.net.states.get(name)
            if own != others:
                raise ValueError(f"the states of {name!r} differ: {preview(own or ())} and {preview(others or ())}")


def _listed(n_states: Sequence[int | None]) -> str:
    return preview(tuple(map(str, n_states)))


def checked_context(rows: Rows, given: Any) -> torch.Tensor | None:
    """A tensor (*batch_shape, n_context), for models that take one; ValueError for others, and other widths."""
    kind = type(rows.model).__name__
    if isinstance(rows, NetworkRows) or (given is None and not rows.n_context):
        return None
    if not rows.n_context:
        raise ValueError(f"given= is not possible: this {kind} has n_context=0, make it with n_context=")
    if given is None:
        raise ValueError(f"this {kind} is p(x | context): given= is needed, a tensor (*batch_shape, {rows.n_context})")
    context = torch.as_tensor(given)
    if context.shape[-1:] != (rows.n_context,):
        raise ValueError(f"given= is context of shape (*batch_shape, {rows.n_context}), got {tuple(context.shape)}")
    return context if context.is_floating_point() else context.to(torch.get_default_dtype())


def supported(rows: Rows) -> constraints.Constraint:
    """The constraint of a whole row; columns of one kind side by side are checked together."""
    kinds = [rows.constraint(column) for column in range(len(rows.columns))]
    if all(kind is constraints.real for kind in kinds):
        return constraints.real_vector
    if rows.is_discrete:
        return constraints.independent(_codes_below(rows.n_states), 1)
    parts, lengths, begin = list[constraints.Constraint](), list[int](), 0
    while begin < len(kinds):
        end = begin + 1
        if rows.n_states[begin] is not None:
            while end < len(kinds) and rows.n_states[end] is not None:
                end += 1
            parts.append(_codes_below(rows.n_states[begin:end]))
        else:
            while kinds[begin] is constraints.real and end < len(kinds) and kinds[end] is constraints.real:
                end += 1
            parts.append(kinds[begin])
        lengths.append(end - begin)
        begin = end
    return constraints.independent(constraints.cat(parts, dim=-1, lengths=lengths), 1)


def _codes_below(n_states: Sequence[int | None]) -> constraints.Constraint:
    highest = [0 if own is None else own - 1 for own in n_states]
    if len(set(highest)) == 1:
        return constraints.integer_interval(0, highest[0])
    return constraints.integer_interval(0, torch.tensor(highest))
