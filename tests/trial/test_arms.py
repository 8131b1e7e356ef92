"""Arms: who trains on what, with every case traced to its bytes."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.trial.arms import COLUMNS, Arm, assemble, read_arm
from synthtrial.trial.choosing import real_subset
from synthtrial.trial.protocol import protocol_of


def assemble_all(tmp_path, cohort, arms, drawn=None, seed=0):
    synthetic = {drawn.facts["generator"]: {drawn.facts["split"]: drawn}} if drawn else {}
    models = {draw: dict.fromkeys(of_draw, {"weights_sha256": "w" * 64}) for draw, of_draw in synthetic.items()}
    protocol = protocol_of("holdout")
    assemble(arms, cohort, synthetic, models, protocol=protocol, seed=seed, folder=tmp_path / "arms")
    return {arm.name: read_arm(tmp_path / "arms" / f"{arm.name}.csv") for arm in arms}


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
        assemble_all(tmp_path, cohort, arms, drawn, seed)
        contents.append((tmp_path / "arms" / "both.csv").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_too_few_synthetic_cases_say_how_many_and_what_to_raise(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    with pytest.raises(ConfigError, match=r"asks for 16 .* 12 accepted of 14 drawn: raise synthesis\.per_real"):
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
    with pytest.raises(LeakError, match=r"arm 'real', fold 0, real cases: 1 judged patient\(s\) .*: p00"):
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
