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
            else:
                kind = x.cpu().numpy().dtype if x.is_floating_point() else torch.empty(0).numpy().dtype
                arrays = [column.cpu().numpy() for column in columns]
                value = torch.from_numpy(own.value(name, arrays, len(x), kind)).to(x.device)
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
        problem = f"no reparameterised draw of {name!r}: its function must take torch tensors and give one"
        try:
            with torch.enable_grad():
                drawn = own.function(*asked)
        except Exception as error:
            raise ValueError(f"{problem}, it raised {type(error).__name__}: {error}") from error
        if not isinstance(drawn, torch.Tensor) or tuple(drawn.shape) != (words.n,):
            came = tuple(drawn.shape) if isinstance(drawn, torch.Tensor) else type(drawn).__name__
            raise ValueError(f"{problem} of shape ({words.n},), got {came}")
        return drawn if followed else drawn.detach()

    def conditionals(self) -> dict[str, Conditional]:
        """The same."""
        return dict(self.own)
