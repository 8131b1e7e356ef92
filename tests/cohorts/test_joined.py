"""Several cohorts as one: names, sites, patients, and what can't be joined."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nifti_files import write_pair

from synthtrial.cohorts.joined import JoinedCohorts
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import ConfigError

NIFTI = "synthtrial.cohorts.nifti_pairs.NiftiPairs"
PHANTOM = {
    "_target_": "synthtrial.cohorts.phantom_ct.PhantomCT",
    "n_patients": 3,
    "extent_mm": [256, 176],
    "spatial_dims": 2,
    "lesion_mm": {"benign": 20, "malignant": 30},
    "sites": [{"name": "any", "spacing_mm": [4, 4]}],
    "depends_on": "somewhere",
}


def pairs(root: Path, **settings: Any) -> dict[str, Any]:
    places = {"image": "images/{case}.nii.gz", "mask": "labels/{case}.nii.gz", "labels": {"lesion": 1}}
    return {"_target_": NIFTI, "name": root.name, "root": str(root), "depends_on": str(root), **places, **settings}


def test_cases_keep_apart_although_their_names_are_equal(tmp_path) -> None:
    for root in ("one", "two"):
        for k in range(4):
            write_pair(tmp_path / root, f"case{k}", shape=(9 + k, 10, 7), affine=np.diag([-1.0, -1.0, 2.0, 1.0]))
    readers = {"a": pairs(tmp_path / "one"), "b": pairs(tmp_path / "two")}
    reader = pickle.loads(pickle.dumps(JoinedCohorts(name="both", readers=readers)))
    refs = reader.find()
    assert [ref.case_id for ref in refs] == [f"{site}-case{k}" for site in "ab" for k in range(4)]
    assert len({ref.patient_id for ref in refs}) == 8 and {ref.site for ref in refs} == {"a", "b"}
    assert (reader.unit, reader.channels, reader.labels, reader.spatial_dims) == ("HU", 1, ["lesion"], 3)
    settings = PrepareSettings(shape=[8, 8, 8], window={"low": -500, "high": 500}, folds=3)
    prepare(reader, tmp_path / "out", settings=settings, seed=1, workers=1)
    cohort = PreparedCohort(tmp_path / "out")
    assert set(cohort.cases["site"]) == {"a", "b"} and cohort.facts["name"] == "both"


def test_a_case_is_what_its_own_reader_reads() -> None:
    readers = {"early": {**PHANTOM, "seed": 0}, "late": {**PHANTOM, "seed": 1}}
    joined = JoinedCohorts(name="both", readers=readers)
    for ref in joined.find():
        alone = joined.readers[ref.site]
        inner = next(case for case in alone.find() if ref.case_id == f"{ref.site}-{case.case_id}")
        case = joined.read(ref)
        np.testing.assert_array_equal(case.image, alone.read(inner).image)
        assert case.ref is ref and ref.label == inner.label


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"unit": "MR"}, "unit is HU and MR"),
        ({"channels": 2}, "channels is 1 and 2"),
        ({"labels": {"tumour": 1}}, r"labels is \['lesion'\] and \['tumour'\]"),
    ],
)
def test_cohorts_that_differ_cannot_be_joined(tmp_path, other, message) -> None:
    with pytest.raises(ConfigError, match=f"a and b can't be joined: {message}"):
        JoinedCohorts(name="both", readers={"a": pairs(tmp_path), "b": pairs(tmp_path, **other)})
    with pytest.raises(ConfigError, match="spatial_dims is 3 and 2"):
        JoinedCohorts(name="both", readers={"a": pairs(tmp_path), "b": PHANTOM})


def test_names_and_number_of_cohorts(tmp_path) -> None:
    with pytest.raises(ConfigError, match="two cohorts or more"):
        JoinedCohorts(name="both", readers={"a": PHANTOM})
    with pytest.raises(ConfigError, match="the name 'a-b'"):
        JoinedCohorts(name="both", readers={"a-b": PHANTOM, "c": PHANTOM})
