"""Build step that pyproject.toml cannot express: configs, samples and cards travel inside the package.

They lie at the top of the repository, where people look for them, and are copied into ``seg/assets`` of a wheel.
Real data that lie beside the samples stay out of it.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
ASSETS = (
    "configs/*.yaml",
    "configs/*/*.yaml",
    "datasets/*/README.md",
    "datasets/*/sample*.csv",
    "datasets/*/sample*.jsonl",
)


class BuildWithAssets(build_py):
    """Copy the assets beside the modules of a wheel; an editable install finds them in the checkout."""

    def run(self):
        """Build the modules, then copy the assets."""
        super().run()
        if self.editable_mode:
            return
        for pattern in ASSETS:
            for source in sorted(ROOT.glob(pattern)):
                target = Path(self.build_lib) / "seg" / "assets" / source.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


setup(cmdclass={"build_py": BuildWithAssets})
