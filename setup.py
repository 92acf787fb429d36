"""What pyproject.toml cannot say: a wheel holds the languages' catalogues compiled."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class BuildPy(build_py):
    """Puts a `.mo` in the place of every `.po`. An editable install reads the `.po` of the checkout."""

    def run(self) -> None:
        """Copy the package, then compile."""
        super().run()
        if self.editable_mode:
            return
        for source in Path(self.build_lib).rglob("locale/*.po"):
            with source.open("rb") as written, source.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, read_po(written, locale=source.stem))
            source.unlink()


setup(cmdclass={"build_py": BuildPy})
