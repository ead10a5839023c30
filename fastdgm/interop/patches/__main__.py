"""``python -m fastdgm.interop.patches LIBRARY SCRIPT [ARGUMENT ...]``: a script as the main program, patched."""

from __future__ import annotations

import os
import runpy
import sys

from .patching import patch


def main() -> None:
    """Run the script as ``python SCRIPT ...`` would, with the patch in force until the process ends."""
    library, *sys.argv = sys.argv[1:]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))  # before anything is imported from it
    try:
        patch(library)
    except ImportError as error:
        print(f"fastdgm: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
