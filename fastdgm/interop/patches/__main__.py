"""``python -m fastdgm.interop.patches LIBRARY SCRIPT [ARGUMENT ...]``: a script as the main program, patched."""

from __future__ import annotations

import os
import runpy
import sys

from .patching import patch


def main() -> None:
    """Run the script as ``python SCRIPT ...`` would, with the patch in force until the process ends."""
    library, *sys.argv = sys.argv[1:]
    patch(library)
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
