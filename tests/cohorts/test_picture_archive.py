"""Pictures in one HDF5 file: found by their CSV, read one by one, whatever way HDF5 holds their bytes."""

from __future__ import annotations

import pickle
import sys
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.picture_archive import PictureArchive
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError

STORED = {
    "opaque": np.void,
    "text": np.bytes_,
    "array": lambda data: np.frombuffer(data, np.uint8),
}
"""How HDF5 may hold bytes."""


def jpeg(level: int, shape: tuple[int, ...] = (20, 30, 3)) -> bytes:
    picture = np.full(shape, level, np.uint8)
    picture[..., :1] = 200
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG")
    return buffer.getvalue()


def write(root: Path, pictures: dict[str, bytes], rows: str, stored: str = "opaque") -> Path:
    with h5py.File(root / "train-image.hdf5", "w") as file:
        for key, data in pictures.items():
            file[key] = STORED[stored](data)
    (root / "train-metadata.csv").write_text("isic_id,target,patient_id,age\n" + rows)
    return root


def reader(root: Path, **changed) -> PictureArchive:
    known = {"file": "train-image.hdf5", "csv": "train-metadata.csv", "classes": {0: "benign", 1: "malignant"}}
    return PictureArchive(**{"name": "test", "root": str(root), **known, **changed})


@pytest.mark.parametrize("stored", STORED)
def test_pictures_with_classes_and_patients(tmp_path: Path, stored: str) -> None:
    root = write(tmp_path, {"b": jpeg(90), "a": jpeg(10)}, "a,1,p1,3\nb,0,p1,4\n", stored)
    archive = reader(root)
    refs = archive.find()
    assert [(ref.case_id, ref.patient_id, ref.label) for ref in refs] == [
        ("a", "p1", "malignant"),
        ("b", "p1", "benign"),
    ]
    image = archive.read(refs[0]).image
    assert image.shape == (3, 20, 30) and image[1:].mean() == pytest.approx(10, abs=3)


def test_a_worker_gets_the_reader_and_a_case_without_the_file(tmp_path: Path) -> None:
    archive = reader(write(tmp_path, {"a": jpeg(10)}, "a,1,p1,3\n"))
    (ref,) = archive.find()
    there, case = pickle.loads(pickle.dumps((archive, ref)))
    np.testing.assert_array_equal(there.read(case).image, archive.read(ref).image)


def test_a_new_file_of_the_same_name_is_opened_anew(tmp_path: Path) -> None:
    archive = reader(write(tmp_path, {"a": jpeg(10)}, "a,1,p1,3\n"))
    assert [ref.case_id for ref in archive.find()] == ["a"]
    (tmp_path / "train-image.hdf5").unlink()
    write(tmp_path, {"b": jpeg(10), "c": jpeg(20)}, "b,1,p1,3\nc,0,p1,3\n")
    assert [ref.case_id for ref in archive.find()] == ["b", "c"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a,1,p1,3\n",
            r"1 of 2 picture.s. in .*train-image.hdf5 have no row in .*csv \(column isic_id\), the first is b",
        ),
        ("a,1,p,3\nb,1,p,3\nc,1,p,3\nd,1,p,3\n", "names 2 of 4 picture.s. that are not in .*hdf5, the first is c"),
        ("x,1,p1,3\ny,0,p1,3\n", "2 of 2 picture.s. in .* have no row"),
        ("a,1,p1,3\nb,7,p1,3\n", "the class is '7'; expected one of 0, 1"),
    ],
)
def test_csv_and_archive_must_agree(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        reader(write(tmp_path, {"a": jpeg(10), "b": jpeg(90)}, rows)).find()


def test_bytes_that_are_no_picture(tmp_path: Path) -> None:
    archive = reader(write(tmp_path, {"a": jpeg(10)[:300], "b": b"text"}, "a,1,p1,3\nb,0,p2,4\n"))
    for ref in archive.find():
        with pytest.raises(CohortError, match=f"train-image.hdf5:{ref.case_id}: not a whole picture"):
            archive.read(ref)


def test_a_group_is_no_picture(tmp_path: Path) -> None:
    root = write(tmp_path, {"group/a": jpeg(10)}, "group,1,p1,3\n")
    archive = reader(root)
    with pytest.raises(CohortError, match="train-image.hdf5:group: can't be read"):
        archive.read(archive.find()[0])


def test_other_colours_than_declared(tmp_path: Path) -> None:
    archive = reader(write(tmp_path, {"a": jpeg(10), "b": jpeg(10, (20, 30))}, "a,1,p1,3\nb,0,p2,4\n"))
    colour, grey = archive.find()
    with pytest.raises(CohortError, match="hdf5:b: a grey picture, but cohort.colour is RGB"):
        archive.read(grey)
    with pytest.raises(CohortError, match="hdf5:a: a coloured picture"):
        reader(tmp_path, colour="grey").read(colour)


@pytest.mark.parametrize("content", [None, b"not HDF5"])
def test_no_such_file(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "train-image.hdf5").write_bytes(content)
    with pytest.raises(CohortError, match="train-image.hdf5 can't be read as HDF5"):
        reader(tmp_path).find()


def test_without_h5py_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": jpeg(10)}, "a,1,p1,3\n")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CohortError, match=r"pip install 'synthtrial\[hdf5\]'"):
        reader(tmp_path).find()


@pytest.mark.parametrize("workers", [1, 2])
def test_prepared_to_the_size_of_the_study_with_a_limit_and_a_test_set_by_counts(tmp_path: Path, workers: int) -> None:
    keys = [f"ISIC_{k:04d}" for k in range(40)]
    rows = "".join(f"{key},{int(k % 4 == 0)},p{k},3\n" for k, key in enumerate(keys))
    write(tmp_path, {key: jpeg(5 * k) for k, key in enumerate(keys)}, rows)
    settings = PrepareSettings(
        shape=[14, 14], window={"low": 0, "high": 255}, fit="resize", folds=2, test_fraction=0,
        limit={"benign": 12, "malignant": None}, test_cases={"benign": 3, "malignant": 2},
    )  # fmt: skip
    prepare(reader(tmp_path), tmp_path / "out", settings=settings, seed=0, workers=workers, positive="malignant")
    cohort = PreparedCohort(tmp_path / "out")
    assert cohort.cases["label"].value_counts().to_dict() == {"benign": 12, "malignant": 10}
    assert cohort.cases.loc[cohort.test, "label"].value_counts().to_dict() == {"benign": 3, "malignant": 2}
    case_id = cohort.test[0]
    expected = (
        reader(tmp_path).read(next(r for r in reader(tmp_path).find() if r.case_id == case_id)).image.mean((1, 2))
    )
    np.testing.assert_allclose(cohort.image(case_id).mean((1, 2)), (expected - 127.5) / 127.5, atol=0.01)
