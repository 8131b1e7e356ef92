"""The classes of a cohort: as the raw data has them, and as the study calls them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from synthtrial.errors import CohortError, ConfigError

Names = Mapping[str | int | bool, str | None]
"""A class in the raw data -> its name in the study; None leaves its cases out."""


class ClassNames:
    """Translates classes.

    Args:
        classes: class in the raw data -> name; None: the classes keep their names.
        place: where the user finds the mapping, for messages.

    Raises:
        ConfigError: for a class that YAML has read as true or false, a name of no letters, and a mapping without names.
    """

    def __init__(self, classes: Names | None, place: str = "cohort.classes") -> None:
        self.place = place
        self.names: dict[str, str | None] | None = None
        if classes is None:
            return
        if any(isinstance(key, bool) for key in classes):
            raise ConfigError(
                f"{place}: a class is true or false, which is what YAML makes of yes, no, on and off: put it in "
                "quotes, such as {'yes': tumour, 'no': healthy}"
            )
        if not any(classes.values()) or "" in classes.values():
            raise ConfigError(f"{place}: expected a name for each class, or null to leave it out, but is {classes}")
        self.names = {str(value): name for value, name in classes.items()}

    def known(self, value: str) -> bool:
        """Whether a class of the raw data has a name, or is left out."""
        return bool(value) if self.names is None else value in self.names

    def of(self, value: str) -> str | None:
        """Name of a known class; None where its cases are left out."""
        return value if self.names is None else self.names[value]

    def expected(self) -> str:
        """The known classes, for messages."""
        return "a class name" if self.names is None else f"one of {', '.join(self.names)}"

    def check_folders(self, found: Collection[str], root: str) -> None:
        """Raise a `CohortError` unless the folders of pictures are those that have a name."""
        if self.names is None:
            return
        folders = ", ".join(sorted(found)) or "none"
        if unknown := sorted(set(found) - set(self.names)):
            raise CohortError(
                f"{root}: the folder {unknown[0]!r} is no class; {self.place} names {', '.join(self.names)}, and the "
                f"folders with pictures are {folders}. Give it a name there, or null to leave it out"
            )
        missing = [folder for folder, name in self.names.items() if name is not None and folder not in found]
        if missing:
            raise CohortError(
                f"{root}: no picture is in the folder {missing[0]!r}, which {self.place} names; the folders with "
                f"pictures are {folders}. Add it, or correct {self.place}"
            )
