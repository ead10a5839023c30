"""A page whose example raised fails the build, after all pages were run and all errors shown, also without -W."""

from __future__ import annotations

from typing import Any

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.errors import ExtensionError


def check(app: Any, error: Exception | None) -> None:
    """At the end of a build."""
    runs = {name: NbMetadataCollector.get_exec_data(app.env, name) for name in app.env.found_docs}
    failed = sorted(name for name, run in runs.items() if run and not run["succeeded"])
    if error is None and failed:
        raise ExtensionError(f"examples of these pages raised errors, see above: {', '.join(failed)}")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True}
