# PYTHON_ARGCOMPLETE_OK
"""The command line as a program: one command, its exit code, errors as one line."""

from __future__ import annotations

import _thread
import argparse
import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO

from ..errors import UnknownNameError
from ..runtime.text import shortened
from .arguments import USER_ERROR, parser

SIGNALLED = 128  # and the signal's number, as shells say it
INTERRUPTED = SIGNALLED + 2  # SIGINT
CLOSED_PIPE = SIGNALLED + 13  # SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 2 after one line on stderr, 130 after Ctrl-C, 143 after SIGTERM."""
    if sys.stdout is None or sys.stderr is None:  # a file that is opened would take its place
        return _failed(ValueError("standard output and standard error must be open"))
    with warnings.catch_warnings(), _exit_on_signals(), _late_interrupts():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        try:
            try:
                arguments = _completed(parser()).parse_args(argv)
            finally:
                sys.stdout.flush()  # what --help printed before it ended the program
            _run(arguments)
            sys.stdout.flush()
        except SystemExit as stop:  # a signal, or argparse after --help or an error of its own
            return int(stop.code or 0)
        except KeyboardInterrupt:
            return INTERRUPTED
        except (ValueError, TypeError, UnknownNameError, OSError, ImportError, MemoryError, OverflowError) as error:
            closed_pipe = _is_closed_pipe(error)
            _abandon_output()
            return CLOSED_PIPE if closed_pipe else _failed(error)
    return 0


def _completed(arguments: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The same; where a shell asks what could come next, argcomplete answers it and ends the process."""
    if "_ARGCOMPLETE" in os.environ:
        with suppress(ImportError):
            import argcomplete

            argcomplete.autocomplete(arguments)
    return arguments


@contextmanager
def _late_interrupts() -> Iterator[None]:
    """A Ctrl-C that comes inside of a destructor, where Python can only print it, comes once more behind it."""
    previous = sys.unraisablehook

    def again(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            _thread.interrupt_main()
        else:
            previous(unraisable)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = previous


@contextmanager
def _exit_on_signals() -> Iterator[None]:
    """What ends a process by default ends it by way of SystemExit instead, so that temporary files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [number for number in found if signal.getsignal(number) is signal.SIG_DFL]  # nohup ignores SIGHUP
    for number in taken:
        signal.signal(number, _exit)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)  # once is enough; a second one ends the process wherever it is
    raise SystemExit(SIGNALLED + number)


def _is_closed_pipe(error: BaseException) -> bool:
    """Whether nobody reads standard output any more; Windows calls that an invalid argument."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def _abandon_output() -> None:
    """What cannot be written to stdout is not tried again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: BaseException) -> int:
    if sys.stderr is not None:
        print(f"fastdgm: error: {_message(error)}", file=sys.stderr)
    return USER_ERROR


def _run(arguments: argparse.Namespace) -> None:
    from . import evidence, fitting, networks, patching, rows, warm_up

    options = vars(arguments)
    run: dict[str, Callable[..., None]] = {
        "sample": rows.sample,
        "score": rows.score,
        "posterior": evidence.posterior,
        "impute": evidence.impute,
        "info": networks.info,
        "fit": fitting.fit,
        "convert": networks.convert,
        "draw": networks.draw,
        "examples": networks.examples,
        "patch": patching.patch,
        "warm-up": warm_up.warm_up,
    }
    command = run[options.pop("command")]
    if "net" in options:
        reading = {name: options.pop(name) for name in networks.ReadOptions._fields}
        options["reading"] = networks.ReadOptions(**reading)
    command(**options)


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return shortened(f"{error.filename}: {error.strerror}")
    return shortened(" ".join(str(error).split())) or type(error).__name__


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"fastdgm: warning: {shortened(' '.join(str(message).split()))}", file=sys.stderr)
