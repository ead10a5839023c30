"""Settings of the documentation site; built by `.ci/docs`, into build/docs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER / "extensions")]

import fastdgm  # noqa: E402

project = "fastdgm"
author = copyright = "The fastdgm developers"
version = release = fastdgm.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "command_line",
    "docstrings",
    "examples",
    "mathml",
    "pages",
    "pictures",
    "speed",
]
nitpicky = True
autodoc_typehints = "none"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
default_role = "literal"
html_math_renderer = "mathml"

# Pages are Markdown; those of tutorials/ and how_to/ with cells are run while the site is built, and an error in one of
# them is an error of the build. FASTDGM_DOCS_PAGE=tutorials/03_naive_bayes runs that page alone.
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_timeout = 400
nb_execution_in_temp = True
nb_merge_streams = True
nb_output_stderr = "remove"  # "compiling ..."; a cell that shows a warning says so: mystnb: {output_stderr: show}
nb_execution_show_tb = True
if page := os.environ.get("FASTDGM_DOCS_PAGE"):
    sources = (found.relative_to(FOLDER).with_suffix("") for found in FOLDER.rglob("*.md"))
    nb_execution_excludepatterns = [f"{each}.md" for each in map(str, sources) if each != page]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"fastdgm {release}"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
