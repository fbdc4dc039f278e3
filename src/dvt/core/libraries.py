"""Where `dvt sync` puts jars for this user: each in a folder with those that it requires."""

from __future__ import annotations

from pathlib import Path

JDBC, SPARK = "jdbc", "spark"
"""Kinds of jars: drivers for JDBC, and what Spark and its workers load."""


def libraries() -> Path:
    """Return the folder that has a folder for each kind of jars."""
    return Path.home() / ".dvt" / "lib"


def jar_folder(coordinates: str, home: Path) -> Path:
    """Return the folder of a jar and of those that it requires, which is there or not."""
    return home / coordinates.replace(":", "_")


def installed_jars(coordinates: str, home: Path) -> tuple[Path, ...]:
    """Return an installed jar with those that it requires; none if it is not installed."""
    return tuple(sorted(jar_folder(coordinates, home).glob("*.jar")))
