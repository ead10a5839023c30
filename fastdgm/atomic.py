"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file to write into, under a temporary name in the same folder, renamed when the block ends well.

    Whatever ends the block early, Ctrl-C included, leaves the old file as it was and no temporary one behind.
    OSErrors of writing name ``path``, never the temporary file.
    """
    target = Path(os.path.realpath(path))  # a link keeps pointing where it points
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
        os.replace(temporary, target)
    except OSError as error:
        # An error that names another file, such as the one whose rows are copied, is no error of this one.
        elsewhere = error.filename is not None and str(error.filename) != str(temporary)
        if elsewhere or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
