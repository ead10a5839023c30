"""The arguments of every command, and their help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from glob import glob
from typing import Any, NoReturn

from ..interop.patches.patching import LIBRARIES
from ..runtime.text import did_you_mean

USER_ERROR = 2  # exit code

_NET = "a file (an argument with a dot or slash: .bif, .xml, .uai, .net, .xdsl, .json, .gz) or the name of an example"
_MODEL = "a file (an argument with a dot or slash: .bif, .net, ..., .safetensors) or the name of an example"
_ROWS = ".parquet, .arrow, .csv, .csv.gz or .npy"
_GIVEN = "what is known of a variable, may be given for several; NAME=A,B: one of these states"
_DO = "what a variable is set to, whatever its parents are"
_DATA = f"rows: files ({_ROWS}), folders of such files, patterns in quotes, or - for standard input"
_INVALID_CHOICE = re.compile(r"invalid choice: '(?P<given>.*?)' \(choose from (?P<known>.*)\)")


class _Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def error(self, message: str) -> NoReturn:
        choice = _INVALID_CHOICE.search(message)
        near = did_you_mean(choice["given"], re.findall(r"[\w-]+", choice["known"])) if choice else ""
        self.exit(USER_ERROR, f"fastdgm: error: {message}{near} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    """``--version``: the first line is the version alone; what else a report of an error needs comes behind it."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # dest: argparse's, not used
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from ..versions import show_versions

        show_versions()
        parser.exit()


def _whole(text: str) -> int:
    """A whole number, also written 1_000_000 or 1e6."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not number.is_integer():
            raise
        return int(number)


_whole.__name__ = "whole number"  # argparse says "invalid whole number value: 'x'"


def _prior(text: str) -> float | str:
    return "bdeu" if text.lower() == "bdeu" else float(text)


_prior.__name__ = "prior"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = _Parser(
        prog="fastdgm",
        description="Sample, score, ask and fit Bayes nets; sample and score autoregressive models.",
        epilog="fastdgm COMMAND --help shows the options of a command, with an example. Commands, examples and files "
        'complete on Tab after pip install argcomplete and eval "$(register-python-argcomplete fastdgm)".',
    )
    parser.add_argument("--version", action=_Version, help="show versions, CPU, threads and caches, and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_sample(commands)
    _add_score(commands)
    _add_posterior(commands)
    _add_impute(commands)
    _add_info(commands)
    _add_fit(commands)
    _add_convert(commands)
    _add_draw(commands)
    _add_examples(commands)
    _add_patch(commands)
    _add_warm_up(commands)
    return parser


def complete_net(prefix: str, **_: object) -> list[str]:
    """Names of examples and files that begin so, for argcomplete."""
    from ..examples import example_names

    return [*(name for name in example_names() if name.startswith(prefix)), *glob(f"{prefix}*")]


def _add_command(commands: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=f"Example: {example}"
    )
    return parser


def _add_net(parser: argparse.ArgumentParser, what: str) -> None:
    """The model, and how its file is to be read."""
    net: Any = parser.add_argument("net", metavar="NET", help=what)
    net.completer = complete_net
    parser.add_argument("--encoding", metavar="NAME", help="of a text file (default: what the file says, or UTF-8)")
    axes = "of the tables of a .uai file that leaves it open"
    parser.add_argument("--axes", choices=["scope", "reversed", "parents-reversed"], help=axes)
    parser.add_argument(
        "--tolerance", type=float, metavar="T", help="how far a table's rows may be off from summing to 1"
    )


def _add_data(parser: argparse.ArgumentParser, how_many: str = "+") -> None:
    parser.add_argument("data", metavar="DATA", nargs=how_many, help=_DATA)
    parser.add_argument("--ignore-extra", action="store_true", help="leave out columns that are no variables")
    _add_chunk(parser)


def _add_chunk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--chunk", type=_whole, metavar="ROWS", help="rows in memory at a time (default: about 8 million cells)"
    )


def _add_known(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    """An option that may be given several times, once for each variable."""
    parser.add_argument(option, action="append", default=[], metavar="NAME=STATE", help=what)


def _add_sample(commands: Any) -> None:
    example = "fastdgm sample alarm -n 1e6 --seed 0 -o alarm.parquet"
    parser = _add_command(commands, "sample", "draw rows from a model", example)
    _add_net(parser, _MODEL)
    parser.add_argument("-n", type=_whole, default=10, metavar="N", help="number of rows (default: 10)")
    parser.add_argument("--seed", type=_whole, metavar="S", help="0 to 2**64 - 1 (default: a fresh one)")
    parser.add_argument(
        "--start", type=_whole, default=0, metavar="K", help="first row of the seed's data set (default: 0)"
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], help="of real variables (default: float32)")
    _add_known(parser, "--given", f"{_GIVEN}: rows are drawn from the posterior")
    _add_known(parser, "--do", _DO)
    out = f"{_ROWS}, for sequences .txt (default, and -: CSV on the screen)"
    parser.add_argument("-o", dest="out", metavar="FILE", help=out)
    _add_chunk(parser)


def _add_score(commands: Any) -> None:
    example = "fastdgm score alarm alarm.parquet --worst 3 -o scored.parquet"
    parser = _add_command(commands, "score", "say how likely rows are", example)
    _add_net(parser, _MODEL)
    _add_data(parser)
    out = "write the rows with a column log_prob (nats); -: CSV on the screen"
    parser.add_argument("-o", dest="out", metavar="FILE", help=out)
    parser.add_argument("--only-scores", action="store_true", help="write that column alone")
    parser.add_argument("--worst", type=_whole, default=5, metavar="K", help="least likely rows to list (default: 5)")


def _add_posterior(commands: Any) -> None:
    example = "fastdgm posterior alarm --given CVP=LOW --of HYPOVOLEMIA"
    parser = _add_command(commands, "posterior", "say how probable states are, given what is known", example)
    _add_net(parser, _NET)
    _add_known(parser, "--given", _GIVEN)
    _add_known(parser, "--do", _DO)
    of = "a variable to ask for; several together for their joint distribution (default: each variable by itself)"
    parser.add_argument("--of", action="append", default=[], metavar="NAME", help=of)
    parser.add_argument("-o", dest="out", metavar="FILE", help=".csv; -: CSV on the screen")


def _add_impute(commands: Any) -> None:
    example = "fastdgm impute alarm partial.parquet -o full.parquet"
    parser = _add_command(commands, "impute", "fill in what is missing in rows", example)
    _add_net(parser, _NET)
    _add_data(parser)
    parser.add_argument("-o", dest="out", metavar="FILE", default="-", help=f"{_ROWS} (default, and -: CSV)")
    how = "mpe: the most probable values together (default); mode: each by itself; sample: drawn from the posterior"
    parser.add_argument("--how", choices=["mpe", "mode", "sample"], default="mpe", help=how)
    parser.add_argument("--seed", type=_whole, metavar="S", help="of --how sample (default: a fresh one)")
    several = "draws for each row, of --how sample: multiple imputation (default: 1)"
    parser.add_argument("--n-per-row", type=_whole, default=1, metavar="M", help=several)
    impossible = "rows that the network calls impossible: an error (default), or nan: leave missing what is missing"
    parser.add_argument("--impossible", choices=["error", "nan"], default="error", help=impossible)


def _add_info(commands: Any) -> None:
    what = "describe a model: size, parameters, problems; or rows: how many values are missing"
    parser = _add_command(commands, "info", what, "fastdgm info munin.bif.gz")
    _add_net(parser, _MODEL)
    _add_data(parser, "*")


def _add_fit(commands: Any) -> None:
    example = "fastdgm fit alarm alarm.parquet -o refit.bif"
    parser = _add_command(commands, "fit", "learn the conditionals of a network's structure from rows", example)
    _add_net(parser, _NET)
    _add_data(parser)
    parser.add_argument("-o", dest="out", metavar="FILE", required=True, help="the fitted network")
    parser.add_argument(
        "--prior",
        type=_prior,
        default=1.0,
        help='pseudo-count per cell: 1 (default) is Laplace, 0 maximum likelihood; or "bdeu"',
    )
    parser.add_argument(
        "--equivalent-sample-size", type=float, default=10.0, metavar="ROWS", help="of bdeu (default: 10)"
    )
    real = "a variable of an unfitted structure whose whole numbers are no codes; may be given several times"
    parser.add_argument("--real", action="append", default=[], metavar="NAME", help=real)
    starts = "of the starts of EM, which learns from missing values and columns (default: a fresh one)"
    parser.add_argument("--seed", type=_whole, metavar="S", help=starts)


def _add_convert(commands: Any) -> None:
    parser = _add_command(
        commands, "convert", "write a network in another format", "fastdgm convert alarm.bif alarm.uai"
    )
    _add_net(parser, _NET)
    out = "a file: .bif, .xmlbif, .uai, .net, .xdsl or .json, each also with .gz, or .safetensors"
    parser.add_argument("out", metavar="OUT", help=out)


def _add_draw(commands: Any) -> None:
    parser = _add_command(commands, "draw", "draw the graph of a network", "fastdgm draw asia -o asia.svg")
    _add_net(parser, _NET)
    parser.add_argument("-o", dest="out", metavar="FILE", required=True, help=".svg, .png, .pdf, .dot or .txt")
    parser.add_argument("--bars", action="store_true", help="show how probable the states of every variable are")
    _add_known(parser, "--given", f"{_GIVEN}: bars show the posterior, outlines the prior")


def _add_examples(commands: Any) -> None:
    _add_command(commands, "examples", "list the networks that come with fastdgm", "fastdgm examples")


def _add_patch(commands: Any) -> None:
    what = "run a Python script with our loops behind a library that it imports"
    parser = _add_command(commands, "patch", what, "fastdgm patch pgmpy script.py")
    parser.add_argument("library", choices=LIBRARIES, help="whose classes are patched")
    parser.add_argument("script", metavar="SCRIPT", help="a Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="its own arguments")


def _add_warm_up(commands: Any) -> None:
    _add_command(commands, "warm-up", "compile all kernels now, so that no later call waits for one", "fastdgm warm-up")
