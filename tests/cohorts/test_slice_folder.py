"""SliceFolder: consensus of readers, groups of slices, classes from a CSV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.slice_folder import SliceFolder
from synthtrial.errors import CohortError, ConfigError

PATTERNS = {"image": "{patient}/{nodule}/images/{slice}.png", "mask": "{patient}/{nodule}/mask-*/{slice}.png"}
CLASSES = {"file": "labels.csv", "id_columns": ["patient", "nodule"], "target_column": "class"}


def write_picture(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


def write_slice(root: Path, nodule: str, name: str, columns: list[int], size: int = 8) -> None:
    """Write a slice with one mask per entry: the first `columns[k]` columns were marked by reader k."""
    write_picture(root / nodule / "images" / f"{name}.png", np.full((size, size), 100))
    for reader, count in enumerate(columns):
        write_picture(
            root / nodule / f"mask-{reader}" / f"{name}.png", 255 * (np.ones((8, 1)) * (np.arange(8) < count))
        )


@pytest.fixture
def root(tmp_path):
    write_slice(tmp_path, "p1/n0", "s0", [1, 2, 3])
    write_slice(tmp_path, "p1/n0", "s1", [4, 4, 0])
    write_slice(tmp_path, "p2/n0", "s0", [0, 0, 5])
    (tmp_path / "labels.csv").write_text("patient,nodule,class\np1,n0,malignant\np2,n0,benign\n")
    return tmp_path


def reader(root: Path, **settings) -> SliceFolder:
    return SliceFolder(**{"name": "test", "root": str(root), **PATTERNS, "readers": 2, **settings})


def test_consensus_counts_readers_and_an_empty_mask_is_a_reader(root):
    slices = reader(root)
    area = {ref.case_id: slices.read(ref).mask.sum() // 8 for ref in slices.find()}
    assert area == {"p1_n0_s0": 2, "p1_n0_s1": 4, "p2_n0_s0": 0}


def test_largest_slice_of_each_nodule_with_its_class(root):
    refs = reader(root, slices="largest", classes=CLASSES).find()
    assert [(ref.case_id, ref.patient_id, ref.label) for ref in refs] == [
        ("p1_n0_s1", "p1", "malignant"),
        ("p2_n0_s0", "p2", "benign"),
    ]


def test_keep_some_classes(root):
    assert [ref.patient_id for ref in reader(root, classes=CLASSES, keep=["benign"]).find()] == ["p2"]
    with pytest.raises(ConfigError, match="the classes are benign, malignant"):
        reader(root, classes=CLASSES, keep=["bening"]).find()


def test_nodule_without_a_row_in_the_csv(root):
    (root / "labels.csv").write_text("patient,nodule,class\np1,n0,malignant\n")
    with pytest.raises(CohortError, match="p2.*has no row"):
        reader(root, classes=CLASSES).find()


def test_missing_masks_and_images(root):
    (root / "p1/n0/mask-2/s1.png").unlink()
    with pytest.raises(CohortError, match="s1.png has 2 masks, but other slices of the same group have 3"):
        reader(root).find()
    for path in root.glob("p1/n0/mask-*/s1.png"):
        path.unlink()
    with pytest.raises(CohortError, match="s1.png has no mask"):
        reader(root).find()
    (root / "p1/n0/images/s1.png").unlink()
    (root / "p2/n0/images/s0.png").unlink()
    with pytest.raises(CohortError, match="mask but no image"):
        reader(root).find()


def test_grey_masks_and_other_sizes_are_refused(root):
    write_picture(root / "p1/n0/mask-0/s0.png", np.arange(64).reshape(8, 8))
    slices = reader(root)
    with pytest.raises(CohortError, match="0 and one other value"):
        slices.read(slices.find()[0])
    write_slice(root, "p1/n0", "s0", [1, 2, 3], size=9)
    with pytest.raises(CohortError, match="must be equal"):
        slices.read(slices.find()[0])


def test_one_pixel_in_one_dimension_is_cropped_with_a_warning(root):
    write_picture(root / "p1/n0/images/s0.png", np.full((8, 9), 100))
    slices = reader(root)
    case = slices.read(slices.find()[0])
    assert case.image.shape[1:] == case.mask.shape == (8, 8)
    assert "surplus" in case.warnings[0]


def test_pixels_that_are_no_numbers(root):
    for path in root.rglob("*.png"):
        values = np.asarray(Image.open(path), np.float32)
        values = np.where(np.arange(8) == 7, np.nan, values) if "images" in path.parts else values
        Image.fromarray(values.astype(np.float32)).save(path.with_suffix(".tiff"))
    tiffs = {key: pattern.replace(".png", ".tiff") for key, pattern in PATTERNS.items()}
    slices = reader(root, **tiffs)
    with pytest.raises(CohortError, match="8 of 64 voxels are NaN"):
        slices.read(slices.find()[0])


@pytest.mark.parametrize("classes", [{"id_columns": ["patient"]}, CLASSES | {"id_columns": ["scanner"]}])
def test_classes_need_a_file_and_columns_that_are_fields(root, classes):
    with pytest.raises(ConfigError, match="id_columns that are fields"):
        reader(root, classes=classes)


def test_more_readers_asked_for_than_there_are(root):
    with pytest.raises(CohortError, match="there are only 3"):
        reader(root, readers=4).find()


def test_two_classes_leave_ambiguous_ones_out_and_a_patient_with_both_is_one_patient(root):
    write_slice(root, "p1/n1", "s0", [3, 3, 3])
    write_slice(root, "p3/n0", "s0", [2, 2, 2])
    rows = "p1,n0,malignant\np1,n1,benign\np2,n0,benign\np3,n0,ambiguous\n"
    (root / "labels.csv").write_text(f"patient,nodule,class\n{rows}")
    left_out = {"classes": {**CLASSES, "classes": {"malignant": "malignant", "benign": "benign", "ambiguous": None}}}
    for settings in ({"classes": CLASSES, "keep": ["benign", "malignant"]}, left_out):
        refs = reader(root, slices="largest", **settings).find()
        assert [(ref.patient_id, ref.label) for ref in refs] == [
            ("p1", "malignant"),
            ("p1", "benign"),
            ("p2", "benign"),
        ]


def test_coloured_slices_are_refused_where_grey_was_declared(root):
    write_picture(root / "p1/n0/images/s0.png", np.full((8, 8, 3), (200, 0, 0)))
    slices = reader(root)
    with pytest.raises(CohortError, match="s0.png: a coloured picture"):
        slices.read(slices.find()[0])
    assert reader(root, other_colours="convert").read(slices.find()[0]).image.shape == (1, 8, 8)
