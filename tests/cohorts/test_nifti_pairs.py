"""NiftiPairs: finding pairs in any layout, and refusing what does not fit together."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from nifti_files import write_nifti, write_pair

from synthtrial.cohorts.nifti_pairs import NiftiPairs
from synthtrial.errors import CohortError, ConfigError


def reader(root: Path, **settings) -> NiftiPairs:
    known = {"image": "images/{case}.nii.gz", "mask": "labels/{case}.nii.gz", "labels": {"lesion": 1}}
    return NiftiPairs(**{"name": "test", "root": str(root), **known, **settings})


def read_first(root: Path, **settings):
    pairs = reader(root, **settings)
    return pairs.read(pairs.find()[0])


def test_finds_pairs_in_order_and_reads_them(tmp_path):
    for case_id in ("b", "a"):
        write_pair(tmp_path, case_id)
    pairs = reader(tmp_path)
    assert [ref.case_id for ref in pairs.find()] == ["a", "b"]
    case = pickle.loads(pickle.dumps(pairs)).read(pairs.find()[0])
    assert case.image.shape == (1, 8, 9, 10) and case.image.dtype == np.float32
    assert case.mask.dtype == np.uint8 and case.mask.sum() == 27


def test_one_folder_per_case(tmp_path):
    write_nifti(tmp_path / "P1" / "CT_image.nii.gz", np.zeros((3, 3, 3)))
    write_nifti(tmp_path / "P1" / "CT_mask.nii.gz", np.zeros((3, 3, 3)))
    (ref,) = reader(tmp_path, image="{case}/CT_image.nii.gz", mask="{case}/CT_mask.nii.gz").find()
    assert ref.case_id == ref.patient_id == "P1"


def test_hecktor_layout_leaves_pet_out_and_tells_the_centre(tmp_path):
    for name in ("imagesTr/CHUM-001__CT", "imagesTr/CHUM-001__PT", "labelsTr/CHUM-001"):
        write_nifti(tmp_path / f"{name}.nii.gz", np.zeros((3, 3, 3)))
    hecktor = reader(tmp_path, image="imagesTr/{case}__CT.nii.gz", mask="labelsTr/{case}.nii.gz", site="^([A-Za-z]+)-")
    (ref,) = hecktor.find()
    assert (ref.case_id, ref.site) == ("CHUM-001", "CHUM")


def test_several_cases_of_one_patient(tmp_path):
    for case_id in ("p1_left", "p1_right", "p2_left"):
        write_pair(tmp_path, case_id)
    assert [ref.patient_id for ref in reader(tmp_path, patient="^[^_]+").find()] == ["p1", "p1", "p2"]


def test_missing_root_says_where_to_get_it(tmp_path):
    with pytest.raises(CohortError, match=r"does not exist(?s:.*)from the moon(?s:.*)root/case"):
        reader(tmp_path / "nowhere", where_to_get="from the moon", layout="root/case").find()


def test_empty_match(tmp_path):
    with pytest.raises(CohortError, match=r"nothing matches images/\{case\}"):
        reader(tmp_path).find()


@pytest.mark.parametrize(
    ("gone", "message"), [("labels", "1 image.*have no mask"), ("images", "1 mask.*have no image")]
)
def test_missing_partner(tmp_path, gone, message):
    write_pair(tmp_path, "a")
    write_pair(tmp_path, "b")
    (tmp_path / gone / "b.nii.gz").unlink()
    with pytest.raises(CohortError, match=message) as error:
        reader(tmp_path).find()
    assert "b.nii.gz" in str(error.value) and "a.nii.gz" not in str(error.value)


def test_two_files_with_one_id(tmp_path):
    for folder in ("one", "two"):
        write_nifti(tmp_path / folder / "a.nii.gz", np.zeros((3, 3, 3)))
    with pytest.raises(CohortError, match="one/a.nii.gz.*two/a.nii.gz"):
        reader(tmp_path, image="*/{case}.nii.gz").find()


@pytest.mark.parametrize("mask_shape", [(8, 9, 11), (8, 8, 10)])
def test_one_voxel_in_one_dimension_is_cropped_with_a_warning(tmp_path, mask_shape):
    write_pair(tmp_path, "a", shape=(8, 9, 10), mask_shape=mask_shape)
    case = read_first(tmp_path)
    assert case.image.shape[1:] == case.mask.shape == tuple(np.minimum((8, 9, 10), mask_shape))
    assert "a" in case.warnings[0] and str(mask_shape) in case.warnings[0]


@pytest.mark.parametrize("mask_shape", [(8, 9, 12), (9, 10, 10)])
def test_more_than_one_voxel_is_refused(tmp_path, mask_shape):
    write_pair(tmp_path, "a", shape=(8, 9, 10), mask_shape=mask_shape)
    with pytest.raises(CohortError, match="case a: the image is"):
        read_first(tmp_path)


@pytest.mark.parametrize("mask_affine", [np.diag([1, 1, 1.5, 1]), np.eye(4) + np.eye(4, k=3)])
def test_mask_elsewhere_in_space_is_refused(tmp_path, mask_affine):
    write_pair(tmp_path, "a", affine=np.eye(4), mask_affine=mask_affine)
    with pytest.raises(CohortError, match="mm apart"):
        read_first(tmp_path)


def test_mask_stored_in_another_direction_is_turned(tmp_path):
    rng = np.random.default_rng(0)
    mask = (rng.random((4, 5, 6)) > 0.5).astype(np.uint8)
    write_nifti(tmp_path / "images/a.nii.gz", np.zeros((4, 5, 6), np.float32))
    flipped = np.eye(4)
    flipped[0, 0], flipped[0, 3] = -1, 3
    write_nifti(tmp_path / "labels/a.nii.gz", mask[::-1], flipped)
    np.testing.assert_array_equal(read_first(tmp_path).mask, mask)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_voxels_that_are_no_numbers(tmp_path, bad):
    write_pair(tmp_path, "a")
    image = np.zeros((8, 9, 10), np.float32)
    image[1, 2, 3] = bad
    write_nifti(tmp_path / "images/a.nii.gz", image)
    with pytest.raises(CohortError, match="1 of 720 voxels are NaN or infinite"):
        read_first(tmp_path)


@pytest.mark.parametrize("part", [0.6, 0.02])
def test_file_cut_off(tmp_path, part):
    write_pair(tmp_path, "a", shape=(20, 20, 20))
    path = tmp_path / "images/a.nii.gz"
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    with pytest.raises(CohortError, match="a.nii.gz: not a whole NIfTI file"):
        read_first(tmp_path)


def test_undeclared_mask_values(tmp_path):
    write_pair(tmp_path, "a")
    with pytest.raises(CohortError, match="the mask holds the values 1, which"):
        read_first(tmp_path, labels={"node": 2})


def test_whole_floating_point_masks_are_welcome_and_others_not(tmp_path):
    write_pair(tmp_path, "a", mask_type=np.float64)
    assert read_first(tmp_path).mask.sum() == 27
    write_nifti(tmp_path / "labels/a.nii.gz", np.full((8, 9, 10), 0.5))
    with pytest.raises(CohortError, match=r"values 0\.5"):
        read_first(tmp_path)


def test_labels_are_renumbered_or_taken_together(tmp_path):
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[0], mask[1] = 5, 2
    write_nifti(tmp_path / "images/a.nii.gz", np.zeros((4, 4, 4)))
    write_nifti(tmp_path / "labels/a.nii.gz", mask)
    case = read_first(tmp_path, labels={"tumour": 5, "node": 2})
    assert case.mask[:, 0, 0].tolist() == [1, 2, 0, 0]
    assert read_first(tmp_path, labels={"lesion": [2, 5]}).mask[:, 0, 0].tolist() == [1, 1, 0, 0]


def test_channels_come_first(tmp_path):
    image = np.stack([np.zeros((3, 4, 5)), np.ones((3, 4, 5))], axis=3)
    write_nifti(tmp_path / "images/a.nii.gz", image)
    write_nifti(tmp_path / "labels/a.nii.gz", np.zeros((3, 4, 5)))
    case = read_first(tmp_path, channels=2)
    assert case.image.shape == (2, 3, 4, 5) and case.image[1].min() == 1
    with pytest.raises(CohortError, match="expected 1 channel"):
        read_first(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image": "images/x.nii.gz"}, r"lacks \{case\}"),
        ({"labels": {"a": 1, "b": 1}}, "once"),
        ({"labels": {"a": 0}}, "1..255"),
        ({"site": "("}, "regular expression"),
    ],
)
def test_settings_are_checked(tmp_path, settings, message):
    with pytest.raises(ConfigError, match=message):
        reader(tmp_path, **settings)
