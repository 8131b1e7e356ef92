"""A CSV that tells the class, and maybe the patient, of each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from synthtrial.errors import CohortError


class CaseTable:
    """The rows of a CSV by the columns that name a case.

    Args:
        path: the CSV file, with a header.
        id_columns: columns that together name a case.
        target_column: column of the class.
        classes: value in the target column -> name of the class. None: the values are the names.
        patient_column: column of the patient, where there is one.

    Raises:
        CohortError: when the file, a column or a class is missing, or a case stands there twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        id_columns: Sequence[str],
        target_column: str,
        classes: Mapping[str | int, str] | None = None,
        patient_column: str | None = None,
    ) -> None:
        self.path, self.id_columns = path, list(id_columns)
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise CohortError(f"{path} can't be read as a CSV with a header: {error}") from error
        wanted = [*id_columns, target_column, *([patient_column] if patient_column else [])]
        missing = [column for column in wanted if column not in table]
        if missing:
            raise CohortError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.columns)}")
        keys = list(table[list(id_columns)].itertuples(index=False, name=None))
        self.labels = self._unique(keys, self._named(table[target_column], classes))
        self.patients = self._unique(keys, table[patient_column].tolist()) if patient_column else None

    def label(self, key: tuple[str, ...], image: Path) -> str:
        """Class of a case."""
        return self._look_up(self.labels, key, image)

    def patient(self, key: tuple[str, ...], image: Path) -> str | None:
        """Patient of a case, or None without such a column."""
        return None if self.patients is None else self._look_up(self.patients, key, image)

    def _look_up(self, column: dict[tuple[str, ...], str], key: tuple[str, ...], image: Path) -> str:
        if key not in column:
            raise CohortError(
                f"{image} has no row in {self.path} (looked for {', '.join(key)}): add it, or remove the image"
            )
        return column[key]

    def _named(self, values: pd.Series, classes: Mapping[str | int, str] | None) -> list[str]:
        if classes is None:
            names = values.tolist()
        else:
            name = {str(value): str(label) for value, label in classes.items()}
            names = [name.get(value, "") for value in values]
        if "" in names:
            row = names.index("")
            expected = "a class name" if classes is None else f"one of {', '.join(map(str, classes))}"
            raise CohortError(f"{self.path}, row {row + 2}: the class is {values.iloc[row]!r}; expected {expected}")
        return names

    def _unique(self, keys: list[tuple[str, ...]], values: list[str]) -> dict[tuple[str, ...], str]:
        result = dict(zip(keys, values, strict=True))
        if len(result) < len(keys):
            twice = next(key for k, key in enumerate(keys) if key in keys[:k])
            raise CohortError(
                f"{self.path}: {', '.join(twice)} stands there more than once; each case must have one row"
            )
        return result
