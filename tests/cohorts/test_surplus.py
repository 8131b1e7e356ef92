"""A test set of exact class counts: surplus cases of test patients are in no part of the cohort, and are listed."""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from class_cases import cases_of, lesions
from PIL import Image

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.class_limit import limited
from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.cohorts.phantom_ct import PhantomCT
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.splitting import split_cases
from synthtrial.cohorts.surplus import exact_test_cases
from synthtrial.errors import CohortError, ConfigError

WANTED = {"b": 20, "m": 20}
FLAT = {"shape": [8, 8], "window": {"low": 0, "high": 255}, "fit": "resize", "folds": 2, "test_fraction": 0}


def patients(cases) -> set[str]:
    return {case.patient_id for case in cases}


def split(cases, seed: int, surplus: str = "drop", wanted=WANTED, folds: int = 3) -> dict:
    known = {"test_fraction": 0, "folds": folds, "seed": seed, "positive": "m"}
    return split_cases(cases, test_cases=wanted, test_surplus=surplus, **known)


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_met_where_whole_patients_cannot_meet_them(seed: int) -> None:
    cases = lesions(seed)
    by_id = {case.case_id: case for case in cases}
    counts = {kind: Counter(by_id[i].label for i in split(cases, seed, kind)["test"]) for kind in ("keep", "drop")}
    assert counts["drop"] == WANTED != counts["keep"]


@pytest.mark.parametrize("seed", range(6))
def test_test_patients_are_in_no_fold_and_only_their_cases_are_left_out(seed: int) -> None:
    cases = lesions(seed)
    splits = split(cases, seed)
    parts = [splits["test"], *splits["folds"]]
    by_id = {case.case_id: case for case in cases}
    of_parts = [patients(by_id[case_id] for case_id in part) for part in parts]
    assert sum(map(len, of_parts)) == len(set.union(*of_parts)) == 300, "every patient is in one part"
    left_out = by_id.keys() - set(sum(parts, []))
    assert left_out and patients(by_id[case_id] for case_id in left_out) <= of_parts[0]


def test_nothing_is_left_out_where_patients_have_one_case_each() -> None:
    cases = cases_of({f"p{k}": "bm"[k % 3 == 0] for k in range(90)})
    splits = split(cases, 1)
    assert len(splits["test"]) == 40 and sum(map(len, splits["folds"])) == 50


def test_patients_with_many_cases_are_as_likely_as_others() -> None:
    cases = cases_of({f"p{k}": "b" * (1 if k % 2 else 30) + "m" for k in range(200)})
    chosen = [patients(exact_test_cases(cases, {"b": 40, "m": 40}, seed)) for seed in range(10)]
    large = np.mean([int(patient[1:]) % 2 == 0 for group in chosen for patient in group])
    assert 0.4 < large < 0.6


def test_a_patient_without_a_chosen_case_goes_to_a_fold() -> None:
    """Five benign cases are chosen of the many patients that twenty malignant ones need."""
    cases = cases_of({f"p{k:02d}": "bm" if k % 2 else "b" for k in range(80)})
    for seed in range(6):
        splits = split(cases, seed, wanted={"b": 5, "m": 20})
        in_parts = {case_id.split("_")[0] for part in (splits["test"], *splits["folds"]) for case_id in part}
        assert in_parts == patients(cases)


def test_the_seed_decides() -> None:
    cases = limited(lesions(), {"b": 900}, 0)
    assert split(cases, 1) == split(cases, 1)
    assert set(split(cases, 1)["test"]) != set(split(cases, 2)["test"])


def test_too_few_patients_are_left() -> None:
    cases = cases_of({"p1": "bbbbm", "p2": "bbbbm", "p3": "bm"})
    with pytest.raises(CohortError, match=r"1 patient\(s\) can't be split into 2 folds"):
        split(cases, 0, wanted={"b": 1, "m": 2}, folds=2)


def test_a_surplus_needs_numbers() -> None:
    with pytest.raises(ConfigError, match="prepare.test_surplus is drop, but prepare.test_cases is null"):
        PrepareSettings(**{**FLAT, "test_fraction": 0.2}, test_surplus="drop")
    with pytest.raises(ConfigError, match="prepare.test_surplus: 'all' is unknown; there are keep, drop"):
        PrepareSettings(**FLAT, test_cases=WANTED, test_surplus="all")


def write_patients(root: Path) -> ImageFolder:
    """Twelve patients with four benign pictures and a malignant one each."""
    rng = np.random.default_rng(0)
    for patient in range(12):
        for label, count in (("benign", 4), ("malignant", 1)):
            for k in range(count):
                path = root / label / f"p{patient}" / f"{k}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 255, (9, 9)).astype(np.uint8)).save(path)
    return ImageFolder(name="test", root=str(root), image="{class}/{patient}/{case}")


def test_no_trace_of_them_is_in_the_prepared_cohort_but_their_names(tmp_path: Path, caplog) -> None:
    reader = write_patients(tmp_path / "raw")
    settings = PrepareSettings(
        **FLAT, test_cases={"benign": 3, "malignant": 3}, test_surplus="drop",
        augment={"copies": 1, "beyond": "border", "affine": {"translate": [1, 1], "rotate": [0], "scale": [1, 1]}},
    )  # fmt: skip
    with caplog.at_level(logging.WARNING):
        prepare(reader, tmp_path / "out", settings=settings, seed=0, workers=1, positive="malignant")
    cohort, profile = PreparedCohort(tmp_path / "out"), json.loads((tmp_path / "out/profile.json").read_text())
    surplus = set(profile["surplus_test_cases"])
    test_patients = cohort.patients(cohort.test)
    assert len(test_patients) == 3 and len(surplus) == 3 * 4 - 3
    assert {case_id.split("_")[1] for case_id in surplus} == test_patients
    assert cohort.cases.loc[cohort.test, "label"].value_counts().to_dict() == {"benign": 3, "malignant": 3}
    assert surplus.isdisjoint(cohort.cases.index) and set(cohort.split("all")) == set(cohort.cases.index)
    assert {path.stem for path in (tmp_path / "out/images").iterdir()} == set(cohort.cases.index)
    assert set(cohort.augmented["source_case"]) == set(cohort.development)
    assert profile["overall"]["cases"] == len(cohort.cases) == 60 - 9
    assert profile["parts"]["test"] == {"cases": 6, "patients": 3, "classes": {"benign": 3, "malignant": 3}}
    (warning,) = profile["warnings"]
    assert warning.startswith("9 surplus case(s) of 3 test patient(s) are in no part of the cohort (9 benign)")
    assert warning in caplog.text


class PairedPhantom(PhantomCT):
    """A phantom whose patients have two cases each, of one class."""

    def find(self) -> list[CaseRef]:
        refs = sorted(super().find(), key=lambda ref: ref.label)
        return [replace(ref, patient_id=f"p{k // 2}") for k, ref in enumerate(refs)]


def test_masks_and_references_go_with_them(tmp_path: Path) -> None:
    lesions_mm = {"benign": 40, "malignant": 50}
    sites = [{"name": "one", "spacing_mm": [8.0, 8.0]}]
    reader = PairedPhantom(n_patients=24, extent_mm=[256, 192], spatial_dims=2, sites=sites, lesion_mm=lesions_mm)
    settings = PrepareSettings(
        shape=[24, 32], window={"low": -1000, "high": 600}, folds=2, test_fraction=0,
        test_cases={"benign": 1, "malignant": 1}, test_surplus="drop",
    )  # fmt: skip
    prepare(reader, tmp_path / "out", settings=settings, seed=0, workers=1)
    surplus = json.loads((tmp_path / "out/profile.json").read_text())["surplus_test_cases"]
    kept = set(PreparedCohort(tmp_path / "out").cases.index)
    assert surplus and len(kept) == 24 - len(surplus)
    for name in ("images", "masks", "reference"):
        assert {path.name.split(".")[0] for path in (tmp_path / "out" / name).iterdir()} == kept


def test_whole_patients_are_all_kept(tmp_path: Path) -> None:
    settings = PrepareSettings(**FLAT, test_cases={"benign": 3, "malignant": 3})
    reader = write_patients(tmp_path / "raw")
    prepare(reader, tmp_path / "out", settings=settings, seed=0, workers=1, positive="malignant")
    profile = json.loads((tmp_path / "out/profile.json").read_text())
    assert profile["surplus_test_cases"] == [] and profile["overall"]["cases"] == 60
    assert "prepare.test_surplus=drop meets the numbers" in profile["warnings"][0]
