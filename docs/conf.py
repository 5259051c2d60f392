"""Settings of the documentation site, which `make docs` builds from the Markdown pages of the repository."""

import seg

project = "seg"
copyright = "the seg contributors"
version = release = seg.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Cards of data sets and pages of studies lie beside what they describe: the source folder is the repository.
include_patterns = [
    "docs/*.md",
    "datasets/*/README.md",
    "experiments/*/*.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
root_doc = "docs/index"
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"seg {version}"
