"""JSON whose objects have distinct keys and whose numbers are finite: nothing is left to guess."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def parsed_json(text: str) -> Any:
    """What a JSON text says. ValueError (or RecursionError) for anything else, repeated keys, NaN and Infinity."""
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_distinct)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"numbers are finite, got {word}")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, whose keys must differ: of two values a reader would have to guess."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError(f"the keys of an object are distinct, got {[key for key, _ in pairs]!r:.200}")
    return result
