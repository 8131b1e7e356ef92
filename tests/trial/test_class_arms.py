"""Arms of a two-class study: numbers of one class, balance, shares by class, and the guard's look at the classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from assembled import assemble_all, write_copies

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.trial import guard
from synthtrial.trial.arm import Arm
from synthtrial.trial.choosing import oversampled, real_subset
from synthtrial.trial.protocol import protocol_of

CLASSES = ("benign", "benign", "benign", "malignant")
"""Of the cases in turn: a quarter is malignant."""


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    """27 cases, of whom 3 are for the test; a third of the 24 others in each fold."""
    return make_cohort(shape=(16, 16), n_cases=27, classes=CLASSES)


def counts(table: pd.DataFrame, fold: int = 0) -> dict[tuple[str, str], int]:
    """Rows of a fold by source and class."""
    return table[table["fold"] == fold].groupby(["source", "label"]).size().to_dict()


def test_every_row_says_the_class_of_its_case(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant", n_accepted=20)
    table = assemble_all(tmp_path, cohort, [Arm("all", synthetic={"hagan": 0.5})], drawn, by_class=True)["all"]
    real = table[table["source"] == "real"]
    assert (real["label"] == cohort.cases.loc[real["case_id"], "label"].to_numpy()).all()
    assert set(table.query("source == 'synthetic'")["label"]) == {"malignant"}


def test_numbers_of_a_class_count_its_cases_and_copy_no_other(tmp_path, cohort, make_synthetic):
    cohort = write_copies(cohort, copies=1)
    drawn = make_synthetic(cohort, label="malignant", n_accepted=20)
    plain = counts(assemble_all(tmp_path, cohort, [Arm("real")])["real"])
    n = plain["real", "malignant"]
    arm = Arm("more", synthetic={"hagan": 2.0}, duplicated=1.0, augmented=1.0, of="malignant")
    found = counts(assemble_all(tmp_path, cohort, [arm], drawn, by_class=True)["more"])
    assert found == {
        ("real", "benign"): plain["real", "benign"],
        ("real", "malignant"): 2 * n,
        ("augmented", "malignant"): n,
        ("synthetic", "malignant"): 2 * n,
    }


def test_oversampling_ends_with_as_many_of_both(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant")
    arms = [Arm("over", balance="oversampling"), Arm("mixed", synthetic={"hagan": 0.25}, balance="oversampling")]
    for table in assemble_all(tmp_path, cohort, arms, drawn, by_class=True).values():
        for fold in range(3):
            rows = table[table["fold"] == fold]
            assert rows["label"].value_counts().nunique() == 1
            assert set(rows[rows.duplicated("case_id")]["label"]) == {"malignant"}


def test_oversampling_leaves_the_pretraining_out(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant", n_accepted=20)
    labels = drawn.manifest["label"].where(drawn.manifest["index"] % 2 == 0, "benign")
    drawn.manifest.assign(label=labels).to_csv(drawn.folder / "manifest.csv", index=False)
    arm = Arm("first", synthetic={"hagan": 1.0}, pretrain=0.5, balance="oversampling")
    table = assemble_all(tmp_path, cohort, [arm], SyntheticCohort(drawn.folder), by_class=True)["first"]
    for _, rows in table[table["source"] == "real"].groupby("fold"):
        assert rows["label"].value_counts().nunique() == 1


def test_oversampling_without_a_case_to_repeat_is_refused(cohort):
    rows = [{"label": "benign"}, {"label": "benign"}, {"label": "malignant"}]
    benign = [case_id for case_id in cohort.development if cohort.cases.at[case_id, "label"] == "benign"]
    with pytest.raises(
        ConfigError, match="oversampling repeats real cases, and fold 0 .* none of the class 'malignant'"
    ):
        oversampled(rows, benign[:2], cohort, 0, seed=0)


def test_an_arm_of_one_class_is_refused(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="malignant", n_accepted=20)
    for arm in (
        Arm("alone", real=0.0, synthetic={"hagan": 0.5}),
        Arm("first", synthetic={"hagan": 0.5}, pretrain=0.5),
        Arm("few", real=0.1),  # of 4 malignant cases none
    ):
        with pytest.raises(ConfigError, match=rf"arm '{arm.name}', fold 0: .* none of them is of the class"):
            assemble_all(tmp_path, cohort, [arm], drawn, by_class=True)


def test_shares_are_of_each_class_and_nested(cohort):
    shares = [set(real_subset(cohort, 0, share, seed=0, by_class=True)) for share in (0.25, 0.5, 1.0)]
    assert shares[0] < shares[1] < shares[2]
    for share, chosen in zip((0.25, 0.5), shares[:2], strict=True):
        whole = cohort.cases.loc[sorted(shares[2]), "label"].value_counts()
        part = cohort.cases.loc[sorted(chosen), "label"].value_counts()
        assert all(part[name] == round(share * whole[name]) for name in whole.index)


@pytest.mark.parametrize("label", ["", "unheard of"])
def test_drawn_cases_without_a_class_of_the_cohort_are_refused(tmp_path, cohort, make_synthetic, label):
    drawn = make_synthetic(cohort, label=label)
    with pytest.raises(CohortError, match="benign, malignant: give the generator 'hagan' the classes"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 0.5})], drawn, by_class=True)


def test_numbers_of_one_class_need_a_draw_of_that_class(tmp_path, cohort, make_synthetic):
    drawn = make_synthetic(cohort, label="benign")
    with pytest.raises(ConfigError, match=r"classes: \[malignant\]"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 0.5}, of="malignant")], drawn, by_class=True)


def test_a_class_that_no_case_has_is_named(tmp_path, cohort):
    with pytest.raises(ConfigError, match="'cystic', but no real case of a fold has that class: benign, malignant"):
        assemble_all(tmp_path, cohort, [Arm("more", duplicated=1.0, of="cystic")], by_class=True)


@pytest.mark.parametrize("classes", [("benign",), ("benign", "malignant", "normal"), ("benign", "")])
def test_a_classifier_needs_two_classes(make_cohort, classes):
    cohort = make_cohort(shape=(16, 16), classes=classes)
    with pytest.raises(CohortError, match=r"two classes, but those found are: .*cohort\.keep or cohort\.classes"):
        guard.check_classes(cohort, protocol_of("holdout"), "malignant")


def test_the_positive_class_must_be_one_of_them(cohort):
    with pytest.raises(ConfigError, match="protocol.positive is 'cancer', but the classes .* benign and malignant"):
        guard.check_classes(cohort, protocol_of("holdout"), "cancer")
    assert guard.class_names(cohort, "benign") == ("malignant", "benign")


def test_a_part_without_a_class_is_refused(cohort):
    with pytest.raises(CohortError, match=r"the test set has 0 patient\(s\) of the class 'malignant'"):
        guard.check_classes(cohort, protocol_of("holdout"), "malignant")
    labels = cohort.cases.loc[cohort.folds[1], "label"]
    cohort.cases.loc[cohort.test, "label"] = "malignant"
    cohort.cases.loc[labels.index, "label"] = "benign"
    with pytest.raises(CohortError, match=r"fold 1 has 0 patient\(s\)|the test set has 0 patient\(s\) of .*'benign'"):
        guard.check_classes(cohort, protocol_of("holdout"), "malignant")
    guard_by_site = protocol_of("site_out")
    with pytest.raises(CohortError, match="fold 1 has 0"):
        guard.check_classes(cohort, guard_by_site, "malignant")


def test_arms_of_a_study_of_masks_are_as_they_were(tmp_path: Path, cohort, make_synthetic):
    drawn = make_synthetic(cohort)
    table = assemble_all(tmp_path, cohort, [Arm("both", real=0.5, synthetic={"hagan": 0.5})], drawn)["both"]
    assert set(table.query("source == 'synthetic'")["label"]) == {""}
    assert set(table.query("fold == 0 and source == 'real'")["case_id"]) == set(real_subset(cohort, 0, 0.5, 0))
