"""Variables that are functions of their parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ....conditionals.base import Conditional
from ....conditionals.deterministic import Deterministic
from ....data.variables import Discrete
from .base import Density, Values, Words


class FunctionDensity(Density):
    """A point mass, which has nothing to learn: log p is 0 at the function's value, -inf elsewhere; its gradient is 0.

    Draws are the function's values. They have a gradient where the function itself takes and gives torch tensors.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._functions = {name: own for name, own in self.own.items() if isinstance(own, Deterministic)}

    def n_words(self, name: str) -> int:
        """None."""
        return 0

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By comparing."""
        found = {}
        for name, own in self._functions.items():
            x = values[name].detach()
            columns = [values[parent].detach() for parent in own.parents]
            if own.values is not None:
                value = torch.tensor(own.values, device=x.device)[tuple(column.long() for column in columns)]
            elif x.device.type == "cpu":
                kind = x.numpy().dtype if x.is_floating_point() else torch.empty(0).numpy().dtype
                value = torch.from_numpy(own.value(name, [column.numpy() for column in columns], len(x), kind))
            else:
                value = _value_there(name, own, columns, x)
            found[name] = torch.where(x == value.to(x.dtype), 0.0, -torch.inf).double()
        return found

    def why_not_drawn(self, name: str) -> str | None:
        """Where there is no function of tensors; whether it takes them shows when it is called."""
        if isinstance(self.variables[name], Discrete):
            return "it is discrete"
        return "its parents are discrete" if self._functions[name].values is not None else None

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """The function of tensors."""
        own = self._functions[name]
        if own.function is None or self.why_not_drawn(name):
            raise self.not_drawn(name)
        columns = [values[parent] for parent in own.parents]
        followed = any(column.requires_grad for column in columns)
        # functions of NumPy raise where a gradient is asked for, and would lose it silently where none is
        asked = [column if followed else column.detach().requires_grad_() for column in columns]
        try:
            with torch.enable_grad():
                drawn = _of_tensors(own, asked, words.n)
        except ValueError as error:
            raise ValueError(f"no reparameterised draw of {name!r}: {error}") from error.__cause__
        return drawn if followed else drawn.detach()

    def conditionals(self) -> dict[str, Conditional]:
        """The same."""
        return dict(self.own)


def _of_tensors(own: Deterministic, columns: Sequence[torch.Tensor], n: int) -> torch.Tensor:
    """The function of tensors (n,). ValueError where it takes or gives others."""
    assert own.function is not None
    problem = "its function must take torch tensors and give one"
    try:
        found = own.function(*columns)
    except Exception as error:
        raise ValueError(f"{problem}, it raised {type(error).__name__}: {error}") from error
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != (n,):
        came = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise ValueError(f"{problem} of shape ({n},), got {came}")
    return found


def _value_there(name: str, own: Deterministic, columns: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The function's values (n,) on the device of x. TypeError for one of NumPy, which would need the rows here."""
    try:
        return _of_tensors(own, columns, len(x))
    except ValueError as error:
        hint = "copy the rows to the CPU, as with .cpu()"
        raise TypeError(f"{name!r} on {x.device}: {error}: {hint}") from error.__cause__
