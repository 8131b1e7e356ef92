"""ImageFolder: classes from folders or from a CSV, grey or RGB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.errors import CohortError, ConfigError


def write_picture(path: Path, channels: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (6, 5, 3) if channels == 3 else (6, 5)
    Image.fromarray(np.full(shape, 80, np.uint8)).save(path)


def reader(root: Path, **settings) -> ImageFolder:
    return ImageFolder(**{"name": "test", "root": str(root), **settings})


def test_class_by_folder_with_equal_file_names(tmp_path):
    for name in ("no/1.png", "yes/1.jpg", "yes/2.png"):
        write_picture(tmp_path / name)
    (tmp_path / "yes/notes.txt").write_text("not a picture")
    pictures = reader(tmp_path)
    refs = pictures.find()
    assert [(ref.case_id, ref.label) for ref in refs] == [("no_1", "no"), ("yes_1", "yes"), ("yes_2", "yes")]
    case = pictures.read(refs[0])
    assert case.image.shape == (1, 6, 5) and case.mask is None


def test_rgb_and_a_grey_picture_among_them(tmp_path):
    write_picture(tmp_path / "a/colour.png", channels=3)
    write_picture(tmp_path / "a/grey.png", channels=1)
    pictures = reader(tmp_path, colour="RGB", other_colours="convert")
    assert [pictures.read(ref).image.shape for ref in pictures.find()] == [(3, 6, 5), (3, 6, 5)]
    assert pictures.channels == 3
    strict = reader(tmp_path, colour="RGB")
    colour, grey = strict.find()
    assert strict.read(colour).image.shape == (3, 6, 5)
    with pytest.raises(CohortError, match="grey.png: a grey picture, but cohort.colour is RGB"):
        strict.read(grey)


def test_folders_get_names_share_them_or_are_left_out(tmp_path):
    for name in ("Bengin cases/Bengin case (1).jpg", "Normal cases/Normal case (1).jpg", "odd/1.jpg", "bad/1.jpg"):
        write_picture(tmp_path / name)
    classes = {"Bengin cases": "healthy", "Normal cases": "healthy", "odd": None, "bad": "ill"}
    refs = reader(tmp_path, classes=classes).find()
    assert [(ref.case_id, ref.label) for ref in refs] == [
        ("Bengin-cases_Bengin-case-1", "healthy"),
        ("Normal-cases_Normal-case-1", "healthy"),
        ("bad_1", "ill"),
    ]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            {"yes": "tumour"},
            "the folder 'no' is no class; cohort.classes names yes, and the folders with pictures are no",
        ),
        ({"yes": "tumour", "no": "healthy", "maybe": "odd"}, "no picture is in the folder 'maybe'"),
    ],
)
def test_folders_that_are_no_classes(tmp_path, classes, message):
    for name in ("no/1.png", "yes/1.jpg"):
        write_picture(tmp_path / name)
    with pytest.raises(CohortError, match=message):
        reader(tmp_path, classes=classes).find()


def test_patients_are_known_by_a_folder_or_a_column_alone(tmp_path):
    assert not reader(tmp_path).patients_known
    assert reader(tmp_path, image="{class}/{patient}/{case}").patients_known
    assert not reader(tmp_path, image="{case}", csv="t.csv").patients_known
    assert reader(tmp_path, image="{case}", csv="t.csv", patient_column="patient").patients_known
    write_picture(tmp_path / "yes/anna/1.png")
    write_picture(tmp_path / "yes/anna/2.png")
    assert {ref.patient_id for ref in reader(tmp_path, image="{class}/{patient}/{case}").find()} == {"anna"}


def test_a_class_of_the_csv_is_left_out(tmp_path):
    for name in "xyz":
        write_picture(tmp_path / f"{name}.jpg")
    (tmp_path / "t.csv").write_text("id,target\nx,0\ny,1\nz,2\n")
    settings = {"image": "{case}.jpg", "csv": "t.csv", "classes": {0: "benign", 1: "malignant", 2: None}}
    assert [ref.label for ref in reader(tmp_path, **settings).find()] == ["benign", "malignant"]


def test_class_and_patient_by_csv(tmp_path):
    for name in ("x", "y"):
        write_picture(tmp_path / f"{name}.jpg")
    (tmp_path / "t.csv").write_text("id,target,patient\nx,0,p1\ny.jpg,1,p1\n")
    settings = {"image": "{case}.jpg", "csv": "t.csv", "patient_column": "patient"}
    refs = reader(tmp_path, **settings, classes={0: "benign", 1: "malignant"}).find()
    assert [(ref.case_id, ref.patient_id, ref.label) for ref in refs] == [
        ("x", "p1", "benign"),
        ("y", "p1", "malignant"),
    ]
    with pytest.raises(CohortError, match="row 3: the class is '1'"):
        reader(tmp_path, **settings, classes={0: "benign"}).find()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,0\n", "1 of 2 picture.s. in .* have no row in .*t.csv .column id., the first is y"),
        ("x,0\ny,1\nz,1\nw,1\n", "names 2 of 4 picture.s. that are not in .*, the first is z"),
        ("a,0\nb,1\n", "2 of 2 picture.s. in .* have no row"),
        ("x,0\ny,1\nx,1\n", "x stands there more than once"),
        ("x,0\ny,\n", "expected a class name"),
    ],
)
def test_csv_and_pictures_must_agree(tmp_path, rows, message):
    for name in ("x", "y"):
        write_picture(tmp_path / f"{name}.jpg")
    (tmp_path / "t.csv").write_text("id,target\n" + rows)
    with pytest.raises(CohortError, match=message):
        reader(tmp_path, image="{case}.jpg", csv="t.csv").find()


def test_one_row_is_not_for_two_pictures(tmp_path):
    for name in ("anna/1.jpg", "bert/1.jpg", "bert/2.jpg"):
        write_picture(tmp_path / name)
    (tmp_path / "t.csv").write_text("id,target\n1,0\n2,1\n")
    with pytest.raises(CohortError, match="2 pictures in .* are called 1, for which .*t.csv .column id. has one row"):
        reader(tmp_path, image="{patient}/{case}", csv="t.csv").find()


def test_missing_column(tmp_path):
    write_picture(tmp_path / "x.jpg")
    (tmp_path / "t.csv").write_text("name,target\nx,0\n")
    with pytest.raises(CohortError, match="no column id; it has name, target"):
        reader(tmp_path, image="{case}.jpg", csv="t.csv").find()


def test_class_must_come_from_one_place(tmp_path):
    with pytest.raises(ConfigError, match="one place"):
        reader(tmp_path, image="{case}.png")
