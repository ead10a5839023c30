"""What usually makes a module give a tensor of another shape than that of its variable's parameters."""

from __future__ import annotations

from math import prod

Shape = tuple[int, ...]


def shape_hint(family: str, event_shape: Shape, expected: Shape, came: Shape) -> str:
    """The end of an error text: the likely reason and its fix; empty where there is none."""
    n = expected[0]
    if came[:1] != (n,):
        return ": the first axis is that of the rows" if came else ": a number for each row, not one for all"
    if family == "bernoulli" and came == (*expected, 2):
        return ": one logit of the second state; family='categorical' takes one for each of n_states=2"
    if family == "categorical" and came[:-1] == expected[:-1]:
        return f": one logit for each state, n_states={came[-1]} would fit"
    if family == "categorical" and came == expected[:-1] and expected[-1] == 2:
        return ": one logit for each state; family='bernoulli' takes one alone"
    if not event_shape and came == (n, 1) and len(expected) == 1:
        return ": add .squeeze(-1) to the module, or say event_shape=(1,)"
    if event_shape and prod(came) == prod(expected):
        return f": the numbers are as many as needed, reshape them, as with torch.nn.Unflatten(1, {expected[1:]})"
    if came[:-1] == expected[:-1] and len(came) == len(expected) and came[-1] == 2 * expected[-1]:
        return ": are these two parts in one tensor? Give a tuple of them, as with .chunk(2, dim=-1)"
    if not event_shape and len(came) == len(expected) + 1 and 0 not in came:
        return f": event_shape={came[1 : 1 + len(came) - len(expected)]} would fit a vector"
    return ""
