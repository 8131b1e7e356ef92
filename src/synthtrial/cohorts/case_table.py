"""A CSV that tells the class, and maybe the patient, of each case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from synthtrial.cohorts.class_names import ClassNames, Names
from synthtrial.errors import CohortError

CaseKey = tuple[str, ...]
"""What names a case in the CSV: its values in the id columns."""


class CaseTable:
    """The rows of a CSV by the columns that name a case. Of hundreds of thousands of rows it keeps these columns alone.

    Args:
        path: the CSV file, with a header.
        id_columns: columns that together name a case.
        target_column: column of the class.
        classes: value in the target column -> name of the class; null leaves its cases out. None: the values are the
            names.
        patient_column: column of the patient, where there is one.

    Attributes:
        labels: class of each case; None where it is left out.
        patients: patient of each case; None without such a column.

    Raises:
        CohortError: when the file, a column, a class or a patient is missing, or a case stands there twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        id_columns: Sequence[str],
        target_column: str,
        classes: Names | None = None,
        patient_column: str | None = None,
    ) -> None:
        self.path, self.id_columns = path, list(id_columns)
        columns = [*id_columns, target_column, *([patient_column] if patient_column else [])]
        table = _read_columns(path, columns)
        keys: list[CaseKey] = list(table[list(id_columns)].itertuples(index=False, name=None))
        self._check_unique(table[list(id_columns)], keys)
        self.labels = dict(zip(keys, self._named(table[target_column], ClassNames(classes)), strict=True))
        self.patients: dict[CaseKey, str] | None = None
        if patient_column:
            self.patients = dict(zip(keys, self._filled(table[patient_column]), strict=True))

    def label(self, key: CaseKey, image: Path) -> str | None:
        """Class of a case; None where it is left out.

        Raises:
            CohortError: when the case has no row.
        """
        if key not in self.labels:
            raise CohortError(
                f"{image} has no row in {self.path} (looked for {', '.join(key)}): add it, or remove the image"
            )
        return self.labels[key]

    def patient(self, key: CaseKey) -> str | None:
        """Patient of a case that has a row, or None without such a column."""
        return None if self.patients is None else self.patients[key]

    def check_pictures(self, pictures: Sequence[CaseKey], place: str) -> None:
        """Raise a `CohortError` unless each picture has a row of its own, and each row a picture.

        Args:
            pictures: what they are called.
            place: where they are, for the message.
        """
        columns = f"column {', '.join(self.id_columns)}"
        found = Counter(pictures)
        strangers = sorted(found.keys() - self.labels.keys())
        if strangers:
            raise CohortError(
                f"{len(strangers)} of {len(found)} picture(s) in {place} have no row in {self.path} ({columns}), the "
                f"first is {', '.join(strangers[0])}: add the rows, or take the pictures away"
            )
        if len(found) < len(pictures):
            (key, count), *_ = found.most_common(1)
            raise CohortError(
                f"{count} pictures in {place} are called {', '.join(key)}, for which {self.path} ({columns}) has one "
                "row: give each a name of its own, or take all but one away"
            )
        missing = [key for key in self.labels if key not in found]
        if missing and found:
            raise CohortError(
                f"{self.path} ({columns}) names {len(missing)} of {len(self.labels)} picture(s) that are not in "
                f"{place}, the first is {', '.join(missing[0])}: add them, or remove their rows"
            )

    def _named(self, values: pd.Series, names: ClassNames) -> list[str | None]:
        for value in values.unique():
            if not names.known(value):
                row = values.tolist().index(value)
                raise CohortError(f"{self.path}, row {row + 2}: the class is {value!r}; expected {names.expected()}")
        return [names.of(value) for value in values]

    def _filled(self, patients: pd.Series) -> list[str]:
        values = patients.tolist()
        if "" in values:
            raise CohortError(
                f"{self.path}, row {values.index('') + 2}: no patient in the column {patients.name}: each case needs "
                "one; set cohort.patient_column=null where patients are unknown"
            )
        return values

    def _check_unique(self, ids: pd.DataFrame, keys: list[CaseKey]) -> None:
        twice = ids.duplicated().to_numpy()
        if twice.any():
            raise CohortError(
                f"{self.path}: {', '.join(keys[int(twice.argmax())])} stands there more than once; each case must have "
                "one row"
            )


def _read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read some columns of a CSV as text."""
    try:
        header = list(pd.read_csv(path, dtype=str, nrows=0))
        missing = [column for column in columns if column not in header]
        if missing:
            raise CohortError(f"{path} has no column {', '.join(missing)}; it has {', '.join(header)}")
        return pd.read_csv(path, dtype=str, keep_default_na=False, usecols=list(columns))
    except (OSError, ValueError) as error:
        raise CohortError(f"{path} can't be read as a CSV with a header: {error}") from error
