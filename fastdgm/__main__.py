# PYTHON_ARGCOMPLETE_OK
"""``python -m fastdgm``."""

from __future__ import annotations

import sys

from .cli.program import main

if __name__ == "__main__":
    sys.exit(main())
