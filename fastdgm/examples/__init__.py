"""The example networks that come with the package; ``fastdgm/examples/NOTICE`` names their sources."""

from __future__ import annotations

from ..bayesnet import BayesNet
from ..errors import UnknownNameError
from ..runtime.text import did_you_mean

_NAMES = ("alarm", "asia", "cancer", "earthquake", "sachs", "sprinkler", "student", "survey")


def example_names() -> tuple[str, ...]:
    """Names of the example networks.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.example_names()
    ('alarm', 'asia', 'cancer', 'earthquake', 'sachs', 'sprinkler', 'student', 'survey')
    """
    return _NAMES


def example(name: str) -> BayesNet:
    """One of the example networks, with its published parameters.

    Raises
    ------
    UnknownNameError : no example of this name; the text lists the names.

    Examples
    --------
    >>> import fastdgm as fd
    >>> net = fd.example("alarm")
    >>> len(net), len(net.edges), net.n_parameters
    (37, 46, 509)
    """
    if name not in _NAMES:
        near = did_you_mean(str(name), _NAMES)
        raise UnknownNameError(f"no example network {name!r}; there are {', '.join(_NAMES)}{near}")
    from importlib.resources import files

    from ..io import read_bif

    text = files("fastdgm.examples").joinpath(f"{name}.bif").read_text(encoding="utf-8")
    return read_bif(text, f"example {name!r}")
