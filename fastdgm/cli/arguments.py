"""The arguments of every command, and their help."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from .. import __version__

USER_ERROR = 2  # exit code

_NET = "a file (an argument with a dot or slash: .bif, .xmlbif, .uai, .net, .gz) or the name of an example"


_ROWS = ".parquet, .arrow, .csv, .csv.gz or .npy"


class _Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"fastdgm: error: {message} (see {self.prog} --help)\n")


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
    return text if text == "bdeu" else float(text)


_prior.__name__ = "prior"


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = _Parser(
        prog="fastdgm",
        description="Sample, score and fit discrete Bayes nets.",
        epilog="fastdgm COMMAND --help shows the options of a command, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"fastdgm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_sample(commands)
    _add_score(commands)
    _add_info(commands)
    _add_fit(commands)
    _add_convert(commands)
    _add_draw(commands)
    return parser


def _add_command(commands: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=f"Example: {example}"
    )
    parser.add_argument("net", metavar="NET", help=_NET)
    return parser


def _add_chunk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--chunk", type=_whole, metavar="ROWS", help="rows in memory at a time (default: about 8 million cells)"
    )


def _add_sample(commands: Any) -> None:
    example = "fastdgm sample alarm -n 1e6 --seed 0 -o alarm.parquet"
    parser = _add_command(commands, "sample", "draw rows from a network", example)
    parser.add_argument("-n", type=_whole, default=10, metavar="N", help="number of rows (default: 10)")
    parser.add_argument("--seed", type=_whole, metavar="S", help="0 to 2**64 - 1 (default: a fresh one)")
    parser.add_argument(
        "--start", type=_whole, default=0, metavar="K", help="first row of the seed's data set (default: 0)"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", help=f"{_ROWS} (default: CSV on the screen)")
    _add_chunk(parser)


def _add_score(commands: Any) -> None:
    example = "fastdgm score alarm alarm.parquet --worst 3 -o scored.parquet"
    parser = _add_command(commands, "score", "say how likely the rows of a file are", example)
    parser.add_argument("data", metavar="DATA", help=f"rows: {_ROWS}")
    parser.add_argument("-o", dest="out", metavar="FILE", help="write the rows with a column log_prob (nats)")
    parser.add_argument("--only-scores", action="store_true", help="write that column alone")
    parser.add_argument("--worst", type=_whole, default=5, metavar="K", help="least likely rows to list (default: 5)")
    _add_chunk(parser)


def _add_info(commands: Any) -> None:
    _add_command(commands, "info", "describe a network: size, parameters, problems", "fastdgm info munin.bif.gz")


def _add_fit(commands: Any) -> None:
    example = "fastdgm fit alarm alarm.parquet -o refit.bif"
    parser = _add_command(commands, "fit", "learn the tables of a network's structure from rows", example)
    parser.add_argument("data", metavar="DATA", help=f"rows: {_ROWS}")
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
    _add_chunk(parser)


def _add_convert(commands: Any) -> None:
    parser = _add_command(
        commands, "convert", "write a network in another format", "fastdgm convert alarm.bif alarm.uai"
    )
    parser.add_argument("out", metavar="OUT", help="a file: .bif, .xmlbif, .uai or .net, each also with .gz")


def _add_draw(commands: Any) -> None:
    parser = _add_command(commands, "draw", "draw the graph of a network", "fastdgm draw asia -o asia.svg")
    parser.add_argument("-o", dest="out", metavar="FILE", required=True, help=".svg, .png, .pdf, .dot or .txt")
