"""Other libraries' own tests, with fastdgm behind them: python tests/peers/run.py LIBRARY [option of pytest ...]

The libraries are installed by pip install -e ".[test,peers]"; their test files are in their source
distributions, or in the packages.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIBRARIES = sorted(path.stem.removesuffix("_suite") for path in HERE.glob("*_suite.py"))


def main() -> int:
    """Exit code of pytest."""
    library, *options = sys.argv[1:] or [""]
    if library not in LIBRARIES:
        print(f"{__doc__}\nLIBRARY is one of {', '.join(LIBRARIES)}")
        return 2
    sys.path.insert(0, str(HERE))
    suite = import_module(f"{library}_suite").SUITE
    suite.begin()
    with tempfile.TemporaryDirectory() as folder:
        source = installed(suite.package) if suite.package else unpacked(suite.requirement, Path(folder))
        files = [str(source / file) for file in suite.files]
        sys.path.append(str(source))  # some import one another, as tests.name
        return pytest.main(
            [*files, "-p", "no:cacheprovider", f"--rootdir={source}", "-c", "/dev/null", *suite.options, *options],
            plugins=[LeaveOut(suite.skipped)],
        )


def installed(package: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f'{package} is not installed: pip install -e ".[test,peers]"')
    return Path(spec.origin).parent


def unpacked(requirement: str, folder: Path) -> Path:
    """The source distribution."""
    wanted = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", str(folder), requirement]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *wanted], check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


class LeaveOut:
    """Skips what cannot be ours, and says why."""

    def __init__(self, skipped: dict[str, str]) -> None:
        self.skipped = skipped

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for end, reason in self.skipped.items():
            matching = [item for item in items if item.nodeid.endswith(end)]
            for item in matching:
                item.add_marker(pytest.mark.skip(reason=reason))


if __name__ == "__main__":
    sys.exit(main())
