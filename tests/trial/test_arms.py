"""Arms: who trains on what, with every case traced to its bytes."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest
from assembled import assemble_all, write_copies

from synthtrial.cohorts.augment_settings import AffineSettings, AugmentSettings
from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.trial.arm import Arm
from synthtrial.trial.arm_checks import check_arms
from synthtrial.trial.arm_rows import COLUMNS
from synthtrial.trial.arms import read_arm
from synthtrial.trial.choosing import real_subset
from synthtrial.trial.draw import Redraw
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.running.fold_cases import image_and_mask, training_set


def test_the_real_arm_holds_the_other_folds_and_their_bytes(tmp_path, make_cohort):
    cohort = make_cohort()
    table = assemble_all(tmp_path, cohort, [Arm("real")])["real"]
    assert tuple(table.columns) == COLUMNS
    for fold, validation in enumerate(cohort.folds):
        rows = table[table["fold"] == fold]
        assert sorted(rows["case_id"]) == sorted(set(cohort.development) - set(validation))
    row = table.iloc[0]
    image = tmp_path / row["path"]
    assert image == cohort.folder / "images" / f"{row['case_id']}.npy"
    assert hashlib.sha256(image.read_bytes()).hexdigest() == row["sha256"]


def test_synthetic_cases_are_accepted_ones_with_their_provenance(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    arms = [Arm("both", synthetic={"hagan": 1.0}), Arm("synthetic", real=0.0, synthetic={"hagan": 0.5})]
    tables = assemble_all(tmp_path, cohort, arms, drawn)
    assert set(tables["synthetic"]["source"]) == {"synthetic"}
    for fold in range(3):
        rows = tables["both"][tables["both"]["fold"] == fold]
        assert rows["source"].value_counts().to_dict() == {"real": 8, "synthetic": 8}
    synthetic = tables["both"].query("source == 'synthetic'")
    assert set(synthetic["case_id"]) <= set(drawn.accepted)
    assert set(synthetic["generator"]) == {"hagan"} and set(synthetic["weights_sha256"]) == {"w" * 64}
    row = synthetic.iloc[0]
    assert hashlib.sha256((tmp_path / row["path"]).read_bytes()).hexdigest() == row["sha256"]
    assert hashlib.sha256((tmp_path / row["mask_path"]).read_bytes()).hexdigest() == row["mask_sha256"]


def test_smaller_arms_are_within_larger_ones_and_folds_draw_anew(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort, n_accepted=30)
    tables = assemble_all(
        tmp_path, cohort, [Arm("less", synthetic={"hagan": 0.5}), Arm("more", synthetic={"hagan": 1.0})], drawn
    )
    chosen = {
        name: [set(table.query("fold == @fold and source == 'synthetic'")["case_id"]) for fold in range(3)]
        for name, table in tables.items()
    }
    assert all(less < more for less, more in zip(chosen["less"], chosen["more"], strict=True))
    assert chosen["more"][0] != chosen["more"][1]


def test_shares_of_the_real_cases_are_nested(make_cohort):
    cohort = make_cohort(n_cases=33)
    shares = [set(real_subset(cohort, 0, share, seed=0)) for share in (0.1, 0.25, 0.5, 1.0)]
    assert [len(share) for share in shares] == [2, 5, 10, 20]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert shares[1] != set(real_subset(cohort, 0, 0.25, seed=1))


def test_the_bytes_depend_on_the_seed_alone(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn, arms = make_synthetic(cohort, n_accepted=20), [Arm("both", synthetic={"hagan": 1.0})]
    contents = []
    for seed in (0, 0, 1):
        assemble_all(tmp_path, cohort, arms, drawn, seed=seed)
        contents.append((tmp_path / "arms" / "both.csv").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_too_few_synthetic_cases_say_how_many_and_what_to_raise(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    with pytest.raises(ConfigError, match=r"asks for 16 .* 12 accepted of 14 drawn\. Lower"):
        assemble_all(tmp_path, cohort, [Arm("real"), Arm("both", synthetic={"hagan": 2.0})], drawn)
    assert not (tmp_path / "arms").exists()


def test_an_unknown_generator_is_named(tmp_path, make_cohort):
    with pytest.raises(ConfigError, match=r"arms\.both\.synthetic names the generator 'gan'; there are: none"):
        assemble_all(tmp_path, make_cohort(), [Arm("both", synthetic={"gan": 1.0})])


@pytest.mark.parametrize("settings", [{"real": 1.5}, {"real": 0.0}, {"synthetic": {"hagan": -1.0}}])
def test_impossible_arms_are_refused(settings):
    with pytest.raises(ConfigError, match=r"arms\.odd"):
        Arm("odd", **settings)


def test_a_generator_that_saw_a_test_case_is_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort, seen=cohort.development + cohort.test[:1])
    with pytest.raises(LeakError, match=r"generator 'hagan': 1 judged case\(s\) .* case00"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], drawn)


def test_a_test_patient_among_the_training_cases_is_refused(tmp_path, make_cohort):
    cohort = make_cohort()
    cohort.cases.loc["case05", "patient_id"] = "p00"
    with pytest.raises(LeakError, match=r"1 patient\(s\) are both in the test set and in fold 2: p00"):
        assemble_all(tmp_path, cohort, [Arm("real")])


def test_synthetic_cases_of_another_shape_are_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    facts = json.loads((drawn.folder / "synthetic.json").read_text())
    drawn.facts.update(facts | {"shape": [8, 8, 8]})
    with pytest.raises(CohortError, match=r"shape \(8, 8, 8\)"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], drawn)


def test_synthetic_images_without_masks_train_no_segmenter(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    drawn.manifest["mask"] = ""
    with pytest.raises(CohortError, match="images without masks.*choose another representation than image_only"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 0.5})], drawn)


def test_a_missing_arm_says_what_to_run(tmp_path):
    with pytest.raises(ConfigError, match=r"pipelines/assemble\.py"):
        read_arm(tmp_path / "arms" / "real.csv")


def test_an_empty_cell_stays_empty(tmp_path, make_cohort):
    table = assemble_all(tmp_path, make_cohort(), [Arm("real")])["real"]
    assert (table["generator"] == "").all() and not pd.isna(table).to_numpy().any()


def of_fold(table: pd.DataFrame, fold: int, source: str = "synthetic") -> list[str]:
    """Ids of the cases of one fold that come from one source."""
    return list(table[(table["fold"] == fold) & (table["source"] == source)]["case_id"])


@pytest.fixture
def nested(make_cohort, make_synthetic):
    """A cohort, and for each of its folds what a generator drew that saw the fold's training part only."""
    cohort = make_cohort()
    splits = [f"fold{fold}" for fold in range(3)]
    return cohort, [make_synthetic(cohort, split=split, seen=cohort.split(split)) for split in splits]


@pytest.mark.parametrize("protocol", ["nested", "site_out"])
def test_each_fold_takes_the_cases_of_its_own_generator_with_their_provenance(tmp_path, nested, protocol):
    cohort, drawn = nested
    table = assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], *drawn, protocol=protocol)["both"]
    synthetic = table.query("source == 'synthetic'")
    assert list(synthetic["split"]) == [f"fold{fold}" for fold in synthetic["fold"]]
    assert all(row.path.startswith(f"synthetic/hagan/fold{row.fold}/images/") for row in synthetic.itertuples())
    assert set(synthetic["weights_sha256"]) == {"w" * 64} and set(synthetic["seed"]) == {"0"}
    assert set(synthetic["generator"]) == {"hagan"}


@pytest.mark.parametrize("protocol", ["nested", "site_out"])
@pytest.mark.parametrize("key", ["seen_cases", "seen_patients"])
def test_a_generator_that_saw_the_fold_s_validation_cases_is_refused(tmp_path, nested, protocol, key):
    cohort, drawn = nested
    seen = cohort.folds[1][0] if key == "seen_cases" else cohort.cases.at[cohort.folds[1][0], "patient_id"]
    drawn[1].facts[key] = [*drawn[1].facts[key], seen]
    with pytest.raises(LeakError, match=rf"fold 1, generator 'hagan': 1 judged (case|patient)\(s\) .*: {seen}"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], *drawn, protocol=protocol)
    assert not (tmp_path / "arms").exists()


def test_under_holdout_a_generator_may_see_all_folds_and_under_pooled_all_cases(tmp_path, make_cohort, make_synthetic):
    cohort, arms = make_cohort(), [Arm("both", synthetic={"hagan": 1.0})]
    for protocol, split in (("holdout", "development"), ("pooled", "all")):
        drawn = make_synthetic(cohort, split=split, seen=cohort.split(split))
        table = assemble_all(tmp_path, cohort, arms, drawn, protocol=protocol)["both"]
        assert set(table.query("source == 'synthetic'")["split"]) == {split}


def test_cases_that_the_start_of_a_training_had_seen_count_as_seen(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    start = {"seen_cases": cohort.test[2:], "seen_patients": []}
    with pytest.raises(LeakError, match="generator 'hagan': 1 judged case.*: case02"):
        assemble_all(
            tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], make_synthetic(cohort), start_from=start
        )


def test_a_manifest_of_other_weights_than_the_model_s_is_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    with pytest.raises(CohortError, match=r"manifest\.csv: case gan-000 was drawn from other weights.* wwwwwwwwwwww,"):
        assemble_all(
            tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], make_synthetic(cohort), weights_sha256="v" * 64
        )


def test_a_manifest_of_another_split_is_refused(tmp_path, nested):
    cohort, drawn = nested
    drawn[2].manifest["split"] = "fold1"
    with pytest.raises(CohortError, match="the generator of the split fold1, and the study's .* has fold2"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 1.0})], *drawn, protocol="nested")


@pytest.mark.parametrize("change", ["same ids", "same images"])
def test_two_draws_with_the_same_cases_in_one_arm_are_refused(tmp_path, make_cohort, make_synthetic, change):
    """Drawn twice from one generator, or copied: each case would count twice."""
    cohort = make_cohort()
    first, second = (make_synthetic(cohort, name, n_accepted=8) for name in ("hagan", "hagan_gated"))
    message = r"'hagan' and 'hagan_gated' both have a case gan-002"
    if change == "same images":
        second.manifest["case_id"] = "gated-" + second.manifest["case_id"]
        second.manifest.index = second.manifest["case_id"]
        message = r"'hagan' and 'hagan_gated' hold the same image \(gan-\d+ and gated-gan-\d+\)"
    arm = Arm("mixed", synthetic={"hagan": 1.0, "hagan_gated": 1.0})
    with pytest.raises(CohortError, match=message):
        assemble_all(tmp_path, cohort, [arm], first, second)


def test_an_arm_mixes_generators_each_at_its_own_ratio(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = [make_synthetic(cohort, name, seed=seed, prefix=name) for seed, name in enumerate(("hagan", "dcgan"))]
    table = assemble_all(tmp_path, cohort, [Arm("mixed", synthetic={"hagan": 0.25, "dcgan": 1.0})], *drawn)["mixed"]
    for fold in range(3):
        counts = table[table["fold"] == fold]["generator"].value_counts()
        assert counts.to_dict() == {"": 8, "dcgan": 8, "hagan": 2}


def test_arms_of_generated_cases_alone_grow_by_their_ratio_and_hold_each_other(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort, n_accepted=32)
    arms = [Arm(f"synthetic_{n}x", real=0.0, synthetic={"hagan": n}) for n in (1.0, 2.0, 4.0)]
    tables = list(assemble_all(tmp_path, cohort, arms, drawn).values())
    chosen = [set(of_fold(table, 0)) for table in tables]
    assert [len(ids) for ids in chosen] == [8, 16, 32] and chosen[0] < chosen[1] < chosen[2]
    assert all(set(table["source"]) == {"synthetic"} for table in tables)


def test_duplicates_are_the_arm_s_own_cases_again_each_once_before_any_twice(tmp_path, make_cohort):
    cohort = make_cohort()
    arms = [Arm("half", duplicated=0.5), Arm("whole", duplicated=1.0), Arm("scarce", real=0.5, duplicated=1.25)]
    tables = assemble_all(tmp_path, cohort, arms)
    for fold in range(3):
        half, whole, scarce = (pd.Series(of_fold(table, fold, "real")).value_counts() for table in tables.values())
        assert half.sum() == 12 and set(half) == {1, 2}
        assert set(whole) == {2} and set(half[half == 2].index) < set(whole.index)
        assert set(scarce.index) == set(real_subset(cohort, fold, 0.5, seed=0)) and sorted(scarce) == [3, 3, 4, 4]
    again = assemble_all(tmp_path, cohort, arms)
    assert again["half"].equals(tables["half"])


def test_augmented_cases_are_copies_of_the_arm_s_real_cases_and_of_none_left_out(tmp_path, make_cohort):
    cohort = write_copies(make_cohort(), copies=2)
    arms = [Arm("some", augmented=0.5), Arm("all", augmented=2.0), Arm("scarce", real=0.25, augmented=0.5)]
    tables = assemble_all(tmp_path, cohort, arms)
    for fold in range(3):
        some, every, scarce = (set(of_fold(table, fold, "augmented")) for table in tables.values())
        assert (len(some), len(every), len(scarce)) == (4, 16, 4) and some < every
        assert {cohort.source_of(copy) for copy in every} == set(of_fold(tables["all"], fold, "real"))
        assert {cohort.source_of(copy) for copy in scarce} == set(of_fold(tables["scarce"], fold, "real"))
    row = tables["some"].query("source == 'augmented'").iloc[0]
    assert row["path"] == f"prepared/augmented/images/{row['case_id']}.npy"
    assert hashlib.sha256((tmp_path / row["path"]).read_bytes()).hexdigest() == row["sha256"]


def test_a_fold_s_training_set_loads_real_cases_copies_and_synthetic_ones(tmp_path, make_cohort, make_synthetic):
    cohort = write_copies(make_cohort(), copies=1)
    arm = Arm("all", synthetic={"hagan": 0.5}, augmented=1.0, duplicated=0.25)
    table = assemble_all(tmp_path, cohort, [arm], make_synthetic(cohort))["all"]
    cases = training_set(table[table["fold"] == 0], cohort, tmp_path, image_and_mask)
    assert pd.Series([case.source for case in cases]).value_counts().to_dict() == {
        "real": 10,
        "augmented": 8,
        "synthetic": 4,
    }
    for case in cases:
        image, mask = case.loader().values()
        assert image.shape == (1, *cohort.shape) and mask.shape == (1, *cohort.shape)
        if case.source == "augmented":
            assert image.min() == image.max()
    first = next(case for case in cases if case.source == "augmented")
    cohort.augmented.loc[first.case_id, "image_sha256"] = "other"
    with pytest.raises(CohortError, match=f"{first.case_id}.npy is not the case .* assemble again"):
        training_set(table[table["fold"] == 0], cohort, tmp_path, image_and_mask)


def test_more_copies_than_there_are_say_how_many_and_which_setting_makes_more(tmp_path, make_cohort):
    cohort = write_copies(make_cohort(), copies=1)
    with pytest.raises(ConfigError, match=r"asks for 16 altered copies .* has 8 of the 8 .* prepare\.augment\.copies"):
        assemble_all(tmp_path, cohort, [Arm("many", augmented=2.0)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"duplicated": -1.0}, "duplicated is -1; it is a number of copies"),
        ({"real": 0.0, "synthetic": {"gan": 1.0}, "duplicated": 1.0}, "duplicated asks for copies of real cases"),
        ({"real": 0.0, "synthetic": {"gan": 1.0}, "augmented": 1.0}, "augmented asks for copies of real cases"),
        ({"pretrain": 1.0, "synthetic": {"gan": 1.0}}, "pretrain is 1; it is the share of the steps"),
        ({"pretrain": -0.5, "synthetic": {"gan": 1.0}}, "pretrain is -0.5"),
        ({"pretrain": 0.5}, "pretrain trains on .*: give the arm both"),
        ({"pretrain": 0.5, "real": 0.0, "synthetic": {"gan": 1.0}}, "pretrain trains on .*: give the arm both"),
        ({"reseed": -1}, "reseed is -1"),
    ],
)
def test_impossible_schedules_and_copies_are_refused(settings, message):
    with pytest.raises(ConfigError, match=rf"arms\.odd\.{message}"):
        Arm("odd", **settings)


def draws_of(**per_real: float) -> dict[str, dict[str, float]]:
    """Complete draws by the number that they draw."""
    return {name: {"per_real": number} for name, number in per_real.items()}


AFFINE = AugmentSettings(copies=3, affine=AffineSettings(translate=[1], rotate=[1], scale=[1, 1]))


@pytest.mark.parametrize(
    ("arm", "protocol", "message"),
    [
        (
            Arm("a", synthetic={"gan": 2.5}),
            "nested",
            r"at most 2 are .* study=x synthesis\.per_real=2\.5 && dvc repro`",
        ),
        (Arm("a", synthetic={"gan": 4.0}), "holdout", r"at most 2\.5 are .* study=x synthesis\.per_real=3\.2 && dvc"),
        (Arm("a", synthetic={"gated": 2.0}), "nested", r"=2 \+\+draws\.gated\.per_real=2 && dvc repro`"),
        (Arm("a", augmented=4.0), "nested", r"makes 3 of each .* set prepare\.augment\.copies=4"),
        (Arm("a", real=0.5, augmented=2.0), "nested", r"has 0\.5 of the .*copies=4, .*learning_curve\.shares"),
    ],
)
def test_what_can_not_be_filled_is_told_with_the_command_that_makes_more(arm, protocol, message):
    redraw = Redraw(["study=x", "synthesis.per_real=2"], draws_of(gan=2.0, gated=1.0), 2.0)
    settings = {"protocol": protocol_of(protocol), "folds": 5, "test_fraction": 0.2, "redraw": redraw}
    with pytest.raises(ConfigError, match=message):
        check_arms([arm], **settings, augmentation=AFFINE)


def test_copies_that_prepare_does_not_make_are_refused_before_anything_runs():
    settings = {"protocol": protocol_of("holdout"), "folds": 5, "test_fraction": 0.2, "redraw": Redraw()}
    with pytest.raises(ConfigError, match=r"arms\.a\.augmented .* prepare\.augment is null"):
        check_arms([Arm("a", augmented=1.0)], **settings, augmentation=None)
    check_arms([Arm("a", augmented=3.0)], **settings, augmentation=AFFINE)


def test_a_pooled_generator_sees_more_cases_so_that_more_are_drawn():
    redraw = Redraw(["study=x"], draws_of(gan=1.0), 1.0)
    settings = {"folds": 5, "test_fraction": 0.2, "redraw": redraw, "augmentation": None}
    check_arms([Arm("a", synthetic={"gan": 1.5})], protocol=protocol_of("pooled"), **settings)
    with pytest.raises(ConfigError, match="at most 1.25 are drawn"):
        check_arms([Arm("a", synthetic={"gan": 1.5})], protocol=protocol_of("holdout"), **settings)


@pytest.mark.parametrize(
    ("own", "says"),
    [(1.0, r"study=x synthesis\.per_real=1\.34 && dvc"), (1.5, r"study=x \+\+draws\.hagan\.per_real=2 && dvc")],
)
def test_too_few_accepted_cases_are_told_with_the_command_that_draws_enough(
    tmp_path, make_cohort, make_synthetic, own, says
):
    """12 development cases, 12 accepted; a draw that asks for more is scaled up by what its gates let pass."""
    cohort, redraw = make_cohort(), Redraw(["study=x"], draws_of(hagan=own), 1.0)
    with pytest.raises(ConfigError, match=says):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 2.0})], make_synthetic(cohort), redraw=redraw)


@pytest.mark.parametrize("settings", [{"real": 0.05}, {"synthetic": {"hagan": 0.05}}, {"duplicated": 0.05}])
def test_an_amount_that_is_no_case_at_all_is_refused(tmp_path, make_cohort, make_synthetic, settings):
    cohort = make_cohort()
    with pytest.raises(ConfigError, match=r"is 0\.05, which is no case at all of the 8 .* raise it above 0\.062"):
        assemble_all(tmp_path, cohort, [Arm("few", **settings)], make_synthetic(cohort))


@pytest.mark.parametrize("source", ["case00", "case00.nii.gz"])
def test_a_case_that_was_made_from_a_judged_case_or_its_mask_is_refused(tmp_path, make_cohort, make_synthetic, source):
    """Such as with `synthesis.masks` being the prepared cohort's own folder of masks."""
    cohort = make_cohort()
    drawn, arms = make_synthetic(cohort), [Arm("both", synthetic={"hagan": 1.0})]
    drawn.manifest.loc[drawn.accepted[0], "source_case"] = cohort.development[0]
    drawn.manifest.loc[drawn.accepted[1], "source_case"] = "my_own_mask.png"
    assemble_all(tmp_path, cohort, arms, drawn)
    drawn.manifest.loc[drawn.accepted[2], "source_case"] = source
    with pytest.raises(LeakError, match=r"generator 'hagan': 1 judged case\(s\) were seen in training: case00"):
        assemble_all(tmp_path, cohort, arms, drawn)


def test_a_translator_makes_no_more_cases_than_it_has_sources(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    drawn.facts["conditions_on"] = "source"
    with pytest.raises(ConfigError, match="one case of each of its sources: lower the arm's ratio"):
        assemble_all(tmp_path, cohort, [Arm("both", synthetic={"hagan": 2.0})], drawn)
