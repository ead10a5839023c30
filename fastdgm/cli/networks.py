"""Commands on a network: info, examples, convert, draw; and how a model is named on the command line."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .given import values_of
from .inputs import STANDARD_INPUT, shown

if TYPE_CHECKING:
    from ..bayesnet import BayesNet
    from ..io.uai import Axes

# What to do instead, by command, where a model is no Bayes net.
INSTEAD = {
    "info": "fastdgm info {path}, without rows, describes it",
    "fit": "in Python, fastdgm.read({path!r}).fit(rows) fits it, and fastdgm.write stores it",
    "convert": "its own format, .safetensors, is the only one for it",
    "draw": "fastdgm info {path} describes it",
    "posterior": "in Python, fastdgm.read({path!r}).sample(prefix=...) draws what follows on known values",
    "impute": "in Python, fastdgm.read({path!r}).sample(prefix=...) draws what follows on known values",
}


class ReadOptions(NamedTuple):
    """What ``fastdgm.read`` is told of a file beside its name."""

    encoding: str | None = None
    axes: Axes | None = None
    tolerance: float | None = None


def info(net: str, data: list[str], ignore_extra: bool, chunk: int | None, reading: ReadOptions) -> None:
    """Print the size of a model and, of a network, what may surprise its user; of rows, how many values are missing."""
    from ..bayesnet import BayesNet
    from .description import description

    if data:
        from .row_description import row_description

        print(row_description(load_network(net, reading, "info"), data, chunk, ignore_extra))
        return

    try:
        model = load(net, reading)
    except ValueError:
        text = _text_without_modules(net)
        if text is None:
            raise
        print(text)
    else:
        print(description(model) if isinstance(model, BayesNet) else repr(model))


def _text_without_modules(net: str) -> str | None:
    """What there is to say of a network with torch modules, which no command line can give; None of any other file."""
    from ..io import NATIVE_SUFFIX
    from ..io.native import DAMAGE, read_bytes, text_without_modules

    if not net.lower().endswith(NATIVE_SUFFIX):
        return None
    with suppress(*DAMAGE):
        return text_without_modules(read_bytes(Path(net)), net)
    return None


def examples() -> None:
    """List the networks that come with the package."""
    from ..examples import example, example_names

    print(f"{'name':<12}{'variables':>10}{'arcs':>6}{'parameters':>12}")
    for name in example_names():
        net = example(name)
        print(f"{name:<12}{len(net):>10}{len(net.edges):>6}{net.n_parameters:>12}")


def convert(net: str, out: str, reading: ReadOptions) -> None:
    """Write a network in another format."""
    from ..io import write

    check_other_file(out, net)
    write(load_network(net, reading, "convert"), out)


def draw(net: str, out: str, bars: bool, given: list[str], reading: ReadOptions) -> None:
    """Draw the graph of a network, with bars of the probabilities of all states where asked to."""
    check_other_file(out, net)
    model = load_network(net, reading, "draw")
    known = values_of(given, model.variables, "--given")
    model.plot(out, posterior=known if bars or given else None)


def load(net: str, reading: ReadOptions) -> Any:
    """An argument with a dot or slash is a file of any model, anything else the name of an example."""
    if _is_file(net):
        from ..io import read

        return read(net, **reading._asdict())
    asked = [f"--{option}" for option, value in reading._asdict().items() if value is not None]
    if asked:
        raise ValueError(f"{asked[0]} is for files, {net!r} is the name of an example")
    from ..examples import example

    return example(net)


def load_network(net: str, reading: ReadOptions, command: str) -> BayesNet:
    """A Bayes net; of any other model the ValueError says what to do instead of the command."""
    from ..bayesnet import BayesNet

    model = load(net, reading)
    if not isinstance(model, BayesNet):
        instead = INSTEAD[command].format(path=net)
        raise ValueError(f"{command} works on Bayes nets, {net} holds a {type(model).__name__}: {instead}")
    return model


def _is_file(net: str) -> bool:
    return "." in net or "/" in net or os.sep in net


def check_other_file(out: str, net: str, *data: str) -> None:
    """Refuse to write over what is read, under whatever name: paths, links, hard links and standard input."""
    for path in (net, *data) if _is_file(net) else data:
        with suppress(OSError):  # one of them does not exist
            if _is_replaced(out, path):
                raise ValueError(f"the output would replace the input: {out} is {shown(path)}")


def _is_replaced(out: str, path: str) -> bool:
    if path != STANDARD_INPUT:
        return os.path.samefile(out, path)
    if sys.stdin is None or not os.path.isfile(out):  # a terminal may be both
        return False
    return os.path.samestat(os.stat(out), os.fstat(sys.stdin.fileno()))
