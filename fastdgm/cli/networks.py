"""Commands on a network: info, convert, draw; and how a network is named on the command line."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..bayesnet import BayesNet


def info(net: str) -> None:
    """Print the size of a network and what may surprise its user."""
    from .description import description

    print(description(load(net)))


def convert(net: str, out: str) -> None:
    """Write a network in another format."""
    from ..io import write

    check_other_file(out, net)
    write(load(net), out)


def draw(net: str, out: str) -> None:
    """Draw the graph of a network."""
    check_other_file(out, net)
    load(net).plot(out)


def load(net: str) -> BayesNet:
    """An argument with a dot or slash is a file, anything else the name of an example."""
    if _is_file(net):
        from ..bayesnet import BayesNet
        from ..io import read

        model = read(net)
        if not isinstance(model, BayesNet):
            raise ValueError(f"the command line works on Bayes nets, {net} holds a {type(model).__name__}")
        return model
    from ..examples import example

    return example(net)


def _is_file(net: str) -> bool:
    return "." in net or "/" in net or os.sep in net


def check_other_file(out: str, net: str, *data: str) -> None:
    """Refuse to write over what is read, under whatever name: paths, links and hard links."""
    for path in (net, *data) if _is_file(net) else data:
        with suppress(OSError):  # one of them does not exist
            if os.path.samefile(out, path):
                raise ValueError(f"the output would replace the input: {out} is {path}")
