"""Running an arm: its tables, its resume, and the guard on the way in."""

from __future__ import annotations

import json
import os

import nibabel
import numpy as np
import pandas as pd
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.tracking import StageRun
from synthtrial.trial.arm import Arm
from synthtrial.trial.arms import assemble, read_arm
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.running.arm_plan import ArmPlan, fold_seed
from synthtrial.trial.running.planning import plan_arm
from synthtrial.trial.segmenting.fold_model import Networks
from synthtrial.trial.segmenting.segment_arm import segment_arm
from synthtrial.trial.verdict import verdict

SETTINGS = {
    "network": {"_target_": "monai.networks.nets.UNet", "channels": [4, 8], "strides": [2], "norm": "instance"},
    "train": {
        "steps": 12,
        "epochs": None,
        "batch_size": 2,
        "patch_shape": None,
        "lr": 0.02,
        "weight_decay": 1e-5,
        "warmup": 0.1,
        "validate_every": 6,
        "overlap": 0.5,
        "flips": [],
        "augmentation": {
            "flip_axes": [0],
            "affine_probability": 0.0,
            "rotate_degrees": 0.0,
            "scale": 0.0,
            "intensity_probability": 0.0,
            "intensity_scale": 0.0,
            "intensity_shift": 0.0,
            "noise": 0.0,
        },
    },
}
CPU = {"accelerator": "cpu", "devices": 1, "precision": "auto", "threads": 1, "fold_workers": 1}


REAL = Arm("real")
MIXED = Arm("real+hagan", synthetic={"hagan": 1.0})


def segmented(
    tmp_path,
    cohort,
    arm=REAL,
    settings=SETTINGS,
    seed=0,
    protocol="holdout",
    repeats=1,
    to="segment",
    run=None,
    **trainer,
):
    folder = tmp_path / to / arm.name / "unet"
    plan = plan_arm(
        tmp_path / "arms" / f"{arm.name}.csv",
        cohort,
        arm=arm,
        settings=settings,
        trainer=CPU | trainer,
        seed=seed,
        checkpoints=tmp_path / "checkpoints" / to,
        protocol=protocol_of(protocol),
        repeats=repeats,
    )
    segment_arm(plan, segmenter="unet", folder=folder, run=run)
    return folder


def assemble_real(tmp_path, cohort, protocol="holdout"):
    assemble([REAL], cohort, {}, {}, protocol=protocol_of(protocol), seed=0, folder=tmp_path / "arms")


def assemble_two(tmp_path, cohort, drawn):
    model = {"weights_sha256": "w" * 64, "seen_cases": [], "seen_patients": []}
    synthetic, models = {"hagan": {"development": drawn}}, {"hagan": {"development": model}}
    assemble(
        [REAL, MIXED], cohort, synthetic, models, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms"
    )


def test_two_arms_give_tables_that_a_verdict_can_be_made_of(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    assemble_two(tmp_path, cohort, make_synthetic(cohort))
    folders = [segmented(tmp_path, cohort, arm) for arm in (REAL, MIXED)]

    cases = pd.concat([pd.read_csv(folder / "cases.csv", dtype={"fold": str}) for folder in folders])
    places = ["arm", "segmenter", "fold", "repeat", "case_id", "patient_id", "site"]
    assert list(cases.columns)[: len(places)] == places and {"dice", "dice/lesion"} <= {*cases.columns}
    assert len(cases) == 2 * 4 * 3  # arms, three folds and the ensemble, test cases
    assert set(cases["fold"]) == {"0", "1", "2", "ensemble"} and set(cases["case_id"]) == set(cohort.test)
    assert cases["dice"].between(0, 1).all()

    folds = pd.read_csv(folders[1] / "folds.csv")
    assert ",".join(folds.columns) == (
        "arm,segmenter,fold,repeat,train_real,train_synthetic,train_augmented,steps,final_loss,convergence,remark,"
        "validation_dice,validation_dice/lesion,test_dice,seconds"
    )
    assert folds["train_real"].tolist() == folds["train_synthetic"].tolist() == [8, 8, 8]
    means = cases[(cases["arm"] == "real+hagan") & (cases["fold"] == "1")]["dice"].mean()
    assert folds["test_dice"][1] == pytest.approx(means)

    curves = pd.read_csv(folders[0] / "curves.csv")
    assert list(curves.columns) == ["fold", "repeat", "step", "loss", "validation_dice"]
    assert curves.groupby("fold")["step"].max().tolist() == [12, 12, 12]
    assert curves["validation_dice"].notna().sum() == 2 * 3

    prediction = np.load(folders[0] / "predictions" / f"{cohort.test[0]}.npy")
    assert prediction.dtype == np.uint8 and prediction.shape == cohort.shape

    arms = verdict(cases)["models"]["unet"]["arms"]
    assert arms["real+hagan"]["mean"] == pytest.approx(folds["test_dice"].mean())


def test_a_killed_arm_goes_on_with_the_folds_that_are_done(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble_real(tmp_path, cohort)
    folder = segmented(tmp_path, cohort)
    before = (folder / "cases.csv").read_bytes()
    kept = {path: os.stat(path).st_mtime_ns for path in (tmp_path / "checkpoints").rglob("*.safetensors")}
    assert len(kept) == 3
    lost = min(kept).parent
    lost.rename(tmp_path / "lost")

    again = segmented(tmp_path, cohort)
    assert (again / "cases.csv").read_bytes() == before
    assert (lost / "weights.safetensors").read_bytes() == (tmp_path / "lost" / "weights.safetensors").read_bytes()
    untouched = [path for path in kept if path.parent != lost]
    assert all(os.stat(path).st_mtime_ns == kept[path] for path in untouched)


def test_a_fold_that_is_done_is_used_only_for_the_same_inputs(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble_real(tmp_path, cohort)
    short = SETTINGS | {"train": SETTINGS["train"] | {"steps": 2}}
    segmented(tmp_path, cohort, REAL, short)
    segmented(tmp_path, cohort, REAL, short, seed=1)
    segmented(tmp_path, cohort, REAL, SETTINGS | {"train": SETTINGS["train"] | {"steps": 3}})
    image = cohort.folder / "images" / f"{cohort.folds[0][0]}.npy"
    np.save(image, np.load(image) // 2)  # trains folds 1 and 2, draws the curve of fold 0
    assemble_real(tmp_path, cohort)
    segmented(tmp_path, cohort, REAL, short)
    assert len(list((tmp_path / "checkpoints" / "segment").iterdir())) == 4 * 3


def test_dice_is_measured_on_the_original_grid(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16), n_cases=15)
    case_id = cohort.test[0]
    whole = np.zeros((40, 40), np.uint8)  # twice as large a field in half as large voxels, with a lesion outside
    whole[:4] = 1
    affine = np.diag([0.5, 0.5, 1.0, 1.0])
    affine[:2, 3] = -10
    nibabel.save(nibabel.Nifti1Image(whole, affine), cohort.folder / "reference" / f"{case_id}.nii.gz")
    assemble_real(tmp_path, cohort)
    cases = pd.read_csv(segmented(tmp_path, cohort) / "cases.csv").set_index("case_id")
    assert (cases.loc[case_id, "dice"] == 0).all()
    assert (cases.loc[cohort.test[1], "dice"] > 0).all()


def test_a_cohort_without_labels_is_refused(tmp_path, make_cohort):
    cohort = make_cohort(labels=())
    assemble_real(tmp_path, cohort)
    with pytest.raises(ConfigError, match="balls has no mask labels"):
        segmented(tmp_path, cohort)


def test_a_test_case_in_an_arm_is_refused(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble_real(tmp_path, cohort)
    path = tmp_path / "arms" / "real.csv"
    path.write_text(path.read_text().replace(cohort.folds[0][0], cohort.test[0]))
    with pytest.raises(LeakError, match=r"arm 'real', fold 1: 1 judged case\(s\) were seen in training: case00"):
        segmented(tmp_path, cohort)


def test_a_synthetic_case_drawn_again_since_is_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    assemble_two(tmp_path, cohort, drawn)
    manifest = drawn.folder / "manifest.csv"
    for kind in ("image", "mask"):
        drawn.manifest.assign(**{f"{kind}_sha256": "other"}).to_csv(manifest, index=False)
        with pytest.raises(CohortError, match="assemble again"):
            segmented(tmp_path, cohort, MIXED)


def test_an_arm_of_another_protocol_is_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    assemble_two(tmp_path, cohort, make_synthetic(cohort))
    message = "drawn from the split development for fold 0, where the protocol nested has fold0: assemble again"
    with pytest.raises(CohortError, match=message):
        segmented(tmp_path, cohort, MIXED, protocol="nested")


def test_models_side_by_side_give_the_same_as_one_after_another(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    assemble_real(tmp_path, cohort)
    one, two = (segmented(tmp_path, cohort, to=f"workers{n}", fold_workers=n) for n in (1, 2))
    for name in ("cases.csv", "curves.csv", *(f"predictions/{case_id}.npy" for case_id in cohort.test)):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    folds = [pd.read_csv(folder / "folds.csv").drop(columns="seconds") for folder in (one, two)]
    pd.testing.assert_frame_equal(*folds)


def test_an_error_in_another_process_is_the_error_of_the_arm(tmp_path, make_cohort):
    cohort = make_cohort(shape=(18, 18))
    assemble_real(tmp_path, cohort)
    deep = SETTINGS | {"network": SETTINGS["network"] | {"channels": [4, 8, 8, 8], "strides": [2, 2, 2]}}
    with pytest.raises(ConfigError, match="UNet can't work on 18x18 voxels"):
        segmented(tmp_path, cohort, REAL, deep, fold_workers=2)


def test_a_further_repeat_is_another_training_of_the_same_folds(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    assemble_real(tmp_path, cohort)
    once, twice = (pd.read_csv(segmented(tmp_path, cohort, repeats=n, to=f"{n}") / "cases.csv") for n in (1, 2))
    models = twice[twice["fold"] != "ensemble"]
    assert models.groupby(["fold", "repeat"]).size().to_dict() == {(f, r): 3 for f in "012" for r in (0, 1)}
    assert (twice["fold"] == "ensemble").sum() == len(cohort.test)
    first = models[models["repeat"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, once[once["fold"] != "ensemble"], check_index_type=False)
    assert not np.allclose(models.loc[models["repeat"] == 1, "dice"], first["dice"])


def test_seeds_are_shared_by_arms_and_differ_by_fold_repeat_and_reseed():
    assert fold_seed(7, 2) == int(np.random.SeedSequence([7, 2]).generate_state(1)[0])
    assert len({fold_seed(*place) for place in np.ndindex(2, 3, 3, 3)}) == 2 * 3 * 3 * 3


def test_a_reseeded_arm_is_the_same_data_trained_with_other_seeds(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    arms = [REAL, Arm("again", reseed=1)]
    assemble(arms, cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    lists = [(tmp_path / "arms" / f"{arm.name}.csv").read_bytes() for arm in arms]
    assert lists[0] == lists[1]
    real, again = (pd.read_csv(segmented(tmp_path, cohort, arm) / "curves.csv")["loss"] for arm in arms)
    assert not np.isclose(real, again).any()


def test_left_out_sites_are_judged_by_the_models_that_left_them_out(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    folds = [*cohort.folds[:2], [*cohort.folds[2], *cohort.test]]
    (cohort.folder / "splits.json").write_text(json.dumps({"seed": 0, "test": [], "folds": folds}))
    cohort = PreparedCohort(cohort.folder)
    assemble_real(tmp_path, cohort, "site_out")
    folder = segmented(tmp_path, cohort, protocol="site_out", repeats=2)
    cases = pd.read_csv(folder / "cases.csv")
    for fold, ids in enumerate(folds):
        for repeat in range(2):
            own = cases[(cases["fold"] == str(fold)) & (cases["repeat"] == repeat)]
            assert own["case_id"].tolist() == ids
    together = cases[cases["fold"] == "ensemble"]
    assert sorted(together["case_id"]) == sorted(cohort.development) == sorted(p.stem for p in folder.glob("*/*.npy"))
    table = pd.read_csv(folder / "folds.csv")
    assert table["test_dice"].to_numpy() == pytest.approx(table["validation_dice"].to_numpy())
    assert table["validation_dice/lesion"].notna().all()


def test_networks_beyond_the_memory_allowed_are_read_again(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    assemble_real(tmp_path, cohort)
    segmented(tmp_path, cohort)
    plan = ArmPlan(
        arm=REAL,
        rows=read_arm(tmp_path / "arms" / "real.csv"),
        cohort=cohort,
        study=tmp_path,
        protocol=protocol_of("holdout"),
        repeats=1,
        settings=SETTINGS,
        trainer=CPU,
        seed=0,
        checkpoints=tmp_path / "checkpoints" / "segment",
    )
    first, second, _ = plan.places
    size = sum(weights.nbytes for weights in Networks(plan)[first].parameters())
    networks = Networks(plan, most_kept=size)
    kept, again = ([networks[place], networks[place]] for place in (first, second))
    assert kept[0] is kept[1]
    assert again[0] is not again[1]
    for one, two in zip(again[0].parameters(), again[1].parameters(), strict=True):
        assert one.equal(two)


def test_a_case_of_the_site_that_is_left_out_is_refused(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    assemble_real(tmp_path, cohort, "site_out")
    path = tmp_path / "arms" / "real.csv"
    table = pd.read_csv(path)
    table.loc[table["fold"] == 1, "fold"] = 0
    table.to_csv(path, index=False)
    with pytest.raises(LeakError, match=r"fold 0: 4 judged case\(s\)"):
        segmented(tmp_path, cohort, protocol="site_out")


def test_pretraining_learns_from_the_synthetic_cases_first(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    assemble_two(tmp_path, cohort, make_synthetic(cohort))
    arm = Arm("real+hagan", synthetic={"hagan": 1.0}, pretrain=0.5)
    all_real = pd.read_csv(segmented(tmp_path, cohort, arm) / "curves.csv")
    path = tmp_path / "arms" / "real+hagan.csv"
    table = pd.read_csv(path)
    table[(table["source"] == "synthetic") | (table.index % 2 == 0)].to_csv(path, index=False)
    half_real = pd.read_csv(segmented(tmp_path, cohort, arm) / "curves.csv")
    assert all_real["step"].tolist() == half_real["step"].tolist() == 3 * list(range(1, 13))
    same = np.isclose(all_real["loss"], half_real["loss"])
    assert same[all_real["step"] <= 6].all() and not same[all_real["step"] > 6].any()


def test_the_run_is_told_when_models_were_trained(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16))
    assemble_real(tmp_path, cohort)
    stretches = []
    for _ in range(2):
        kept = StageRun()
        segmented(tmp_path, cohort, fold_workers=2, run=kept)
        stretches.append(kept.trained)
        assert kept.peak_rss_mb > 100
    assert len(stretches[0]) == 3 and all(start < end for start, end in stretches[0])
    assert stretches[1] == []  # all found finished


def test_a_case_that_stands_twice_is_counted_once(tmp_path, make_cohort):
    cohort = make_cohort()
    twice = Arm("real_duplicated", duplicated=1.0)
    assemble([twice], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    folds = pd.read_csv(segmented(tmp_path, cohort, twice) / "folds.csv")
    assert folds["train_real"].tolist() == [8, 8, 8]
