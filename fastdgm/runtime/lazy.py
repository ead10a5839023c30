"""Values that are computed at first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

Value = TypeVar("Value")


class cached_property(Generic[Value]):
    """A property that is computed at first use and kept: ``functools.cached_property`` without its lock.

    The lock that Python 3.11 holds there would stay locked for ever in a process forked meanwhile. Without one, two
    threads may compute the value once each; whoever is first stores it, and both get that one.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Value:
        if instance is None:
            return self
        value = self._function(instance)
        kept: Value = instance.__dict__.setdefault(self._name, value)  # atomic; read from there next time
        return kept
