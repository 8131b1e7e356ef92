"""A CSV of cases: needed columns alone, each case once, each with a class and a patient."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthtrial.cohorts.case_table import CaseTable
from synthtrial.errors import CohortError

COLUMNS = {"id_columns": ["isic_id"], "target_column": "target", "patient_column": "patient_id"}
CLASSES = {0: "benign", 1: "malignant"}


def table(folder: Path, rows: str, header: str = "isic_id,target,patient_id,age,text", **changed) -> CaseTable:
    path = folder / "train-metadata.csv"
    path.write_text(f"{header}\n{rows}")
    return CaseTable(path, **{**COLUMNS, "classes": CLASSES, **changed})


def test_other_columns_are_not_looked_at(tmp_path: Path) -> None:
    found = table(tmp_path, 'a,0,p1,,"one, two"\nb,1,NA,60,\n')
    assert found.labels == {("a",): "benign", ("b",): "malignant"}
    assert found.patients == {("a",): "p1", ("b",): "NA"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,0,p1,,\nb,2,p1,,\n", "row 3: the class is '2'; expected one of 0, 1"),
        ("a,0,p1,,\nb,0.0,p1,,\n", "row 3: the class is '0.0'"),
        ("a,0,p1,,\nb,,p1,,\n", "row 3: the class is ''"),
        ("a,0,p1,,\nb,1,,,\n", "row 3: no patient in the column patient_id"),
        ("a,0,p1,,\nb,1,p2,,\na,1,p2,,\n", "a stands there more than once"),
    ],
)
def test_rows_that_cannot_be(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        table(tmp_path, rows)


@pytest.mark.parametrize(
    ("header", "message"),
    [("isic_id,target", "no column patient_id; it has isic_id, target"), ("", "can't be read as a CSV with a header")],
)
def test_missing_columns(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        table(tmp_path, "", header=header)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="nowhere.csv can't be read"):
        CaseTable(tmp_path / "nowhere.csv", **COLUMNS)
