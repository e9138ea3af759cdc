"""Packages out of the registries that this machine's pip and apt are set to."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from atlas.frames import Archive
from atlas.recipe import RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    from atlas.recipe import Package


def fetch_package(package: Package, folder: Path) -> Archive:
    """Download a package once, and return it.

    Args:
        package: A wheel or a Debian package.
        folder: For what is downloaded, kept for the next time.

    Raises:
        RecipeError: If it cannot be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if package.source == "pip":
        return Archive(_file(package, folder, "*.whl", _pip(package)))
    unpacked = folder / f"{package.name}-{package.version}"
    if not unpacked.exists():
        apt = ["apt-get", "download", f"{package.name}={package.version}"]
        deb = _file(package, folder, "*.deb", apt)
        partly = unpacked.with_suffix(".part")
        _call(["dpkg-deb", "-x", str(deb.resolve()), str(partly.resolve())], folder)
        partly.rename(unpacked)
    (library,) = (unpacked / "usr/lib/R/site-library").iterdir()
    return Archive(library)


def _pip(package: Package) -> list[str]:
    wanted = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--only-binary=:all:", wanted]  # fmt: skip


def _file(package: Package, folder: Path, pattern: str, command: list[str]) -> Path:
    """Return the one file of a package in a folder of its own; download it if it is missing."""
    own = folder / package.name
    own.mkdir(exist_ok=True)
    if not list(own.glob(pattern)):
        _call(command, own)
    found = [path for path in own.glob(pattern) if f"-{package.version}-" in path.name
             or f"_{package.version}_" in path.name]  # fmt: skip
    if not found:
        raise RecipeError(f"{own}: no {pattern} of version {package.version}; remove the folder")
    return found[0]


def _call(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RecipeError(f"this machine has no {command[0]}") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise RecipeError(f"{' '.join(command)}: {last}") from error
