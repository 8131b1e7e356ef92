"""MSD: everything comes from the task's own dataset.json."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nifti_files import write_nifti

from synthtrial.cohorts.msd import MSD
from synthtrial.errors import CohortError


@pytest.fixture
def root(tmp_path):
    task = tmp_path / "Task05_Prostate"
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1], mask[2] = 1, 2
    write_nifti(task / "imagesTr/prostate_00.nii.gz", np.zeros((4, 5, 6, 2), np.float32))
    write_nifti(task / "labelsTr/prostate_00.nii.gz", mask)
    dataset = {
        "name": "PROSTATE",
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ", "2": "TZ"},
        "training": [{"image": "./imagesTr/prostate_00.nii.gz", "label": "./labelsTr/prostate_00.nii.gz"}],
    }
    (task / "dataset.json").write_text(json.dumps(dataset))
    return tmp_path


def test_reads_a_task(root):
    msd = MSD(root=str(root), task="Task05_Prostate")
    assert (msd.name, msd.unit, msd.channels, msd.labels) == ("PROSTATE", "MR", 2, ["PZ", "TZ"])
    (ref,) = msd.find()
    case = msd.read(ref)
    assert ref.case_id == "prostate_00" and case.image.shape == (2, 4, 5, 6)
    assert case.mask[:, 0, 0].tolist() == [0, 1, 2, 0]


def test_missing_file_of_the_list(root):
    (root / "Task05_Prostate/labelsTr/prostate_00.nii.gz").unlink()
    with pytest.raises(CohortError, match="labelsTr/prostate_00.nii.gz is missing"):
        MSD(root=str(root), task="Task05_Prostate").find()


@pytest.mark.parametrize("change", [{"labels": {"background": 0, "PZ": 1}}, {"modality": "T2"}, {"training": ["a"]}])
def test_a_dataset_of_another_form_is_refused(root, change):
    path = root / "Task05_Prostate/dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CohortError, match="expected `modality` and `labels`"):
        MSD(root=str(root), task="Task05_Prostate")


def test_missing_task(root):
    with pytest.raises(CohortError, match="download=true"):
        MSD(root=str(root), task="Task09_Spleen", where_to_get="set cohort.download=true")
