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


def test_rgb(tmp_path):
    write_picture(tmp_path / "a/colour.png", channels=3)
    write_picture(tmp_path / "a/grey.png", channels=1)
    pictures = reader(tmp_path, colour="RGB")
    assert [pictures.read(ref).image.shape for ref in pictures.find()] == [(3, 6, 5), (3, 6, 5)]
    assert pictures.channels == 3


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
        ("x,0\n", "y.jpg has no row"),
        ("x,0\ny,1\nz,1\n", "the first is z"),
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


def test_missing_column(tmp_path):
    write_picture(tmp_path / "x.jpg")
    (tmp_path / "t.csv").write_text("name,target\nx,0\n")
    with pytest.raises(CohortError, match="no column id; it has name, target"):
        reader(tmp_path, image="{case}.jpg", csv="t.csv").find()


def test_picture_cut_off(tmp_path):
    path = tmp_path / "a/x.png"
    path.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:800])
    pictures = reader(tmp_path)
    with pytest.raises(CohortError, match="x.png: not a whole picture"):
        pictures.read(pictures.find()[0])


def test_class_must_come_from_one_place(tmp_path):
    with pytest.raises(ConfigError, match="one place"):
        reader(tmp_path, image="{case}.png")
