"""Running an arm: its tables, its resume, and the guard on the way in."""

from __future__ import annotations

import os

import nibabel
import numpy as np
import pandas as pd
import pytest

from synthtrial.errors import CohortError, ConfigError, LeakError
from synthtrial.trial.arms import Arm, assemble
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.segment_arm import segment_arm
from synthtrial.trial.verdict import verdict

SETTINGS = {
    "network": {"_target_": "monai.networks.nets.UNet", "channels": [4, 8], "strides": [2], "norm": "instance"},
    "train": {
        "steps": 12,
        "batch_size": 2,
        "patch_shape": None,
        "lr": 0.02,
        "weight_decay": 1e-5,
        "warmup": 0.1,
        "validate_every": 6,
        "overlap": 0.5,
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
CPU = {"accelerator": "cpu", "devices": 1, "precision": "auto"}


def run(tmp_path, cohort, arm: str, settings=SETTINGS, seed=0):
    folder = tmp_path / "segment" / arm / "unet"
    segment_arm(
        tmp_path / "arms" / f"{arm}.csv",
        cohort,
        arm=arm,
        segmenter="unet",
        settings=settings,
        trainer=CPU,
        seed=seed,
        folder=folder,
        checkpoints=tmp_path / "checkpoints" / arm,
    )
    return folder


def assemble_two(tmp_path, cohort, drawn):
    arms = [Arm("real"), Arm("real+hagan", synthetic={"hagan": 1.0})]
    synthetic, models = {"hagan": {"development": drawn}}, {"hagan": {"development": {"weights_sha256": "w" * 64}}}
    assemble(arms, cohort, synthetic, models, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")


def test_two_arms_give_tables_that_a_verdict_can_be_made_of(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    assemble_two(tmp_path, cohort, make_synthetic(cohort))
    folders = [run(tmp_path, cohort, arm) for arm in ("real", "real+hagan")]

    cases = pd.concat([pd.read_csv(folder / "cases.csv", dtype={"fold": str}) for folder in folders])
    assert list(cases.columns) == ["arm", "segmenter", "fold", "case_id", "patient_id", "site", "dice", "dice/lesion"]
    assert len(cases) == 2 * 4 * 3  # arms, three folds and the ensemble, test cases
    assert set(cases["fold"]) == {"0", "1", "2", "ensemble"} and set(cases["case_id"]) == set(cohort.test)
    assert cases["dice"].between(0, 1).all()

    folds = pd.read_csv(folders[1] / "folds.csv")
    assert ",".join(folds.columns) == (
        "arm,segmenter,fold,train_real,train_synthetic,steps,final_loss,validation_dice,validation_dice/lesion,"
        "test_dice,seconds"
    )
    assert folds["train_real"].tolist() == folds["train_synthetic"].tolist() == [8, 8, 8]
    means = cases[(cases["arm"] == "real+hagan") & (cases["fold"] == "1")]["dice"].mean()
    assert folds["test_dice"][1] == pytest.approx(means)

    curves = pd.read_csv(folders[0] / "curves.csv")
    assert list(curves.columns) == ["fold", "step", "loss", "validation_dice"]
    assert curves.groupby("fold")["step"].max().tolist() == [12, 12, 12]
    assert curves["validation_dice"].notna().sum() == 2 * 3

    prediction = np.load(folders[0] / "predictions" / f"{cohort.test[0]}.npy")
    assert prediction.dtype == np.uint8 and prediction.shape == cohort.shape

    arms = verdict(cases)["models"]["unet"]["arms"]
    assert (arms["real+hagan"]["n_models"], arms["real+hagan"]["n_patients"]) == (3, 3)


def test_a_killed_arm_goes_on_with_the_folds_that_are_done(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    folder = run(tmp_path, cohort, "real")
    before = (folder / "cases.csv").read_bytes()
    kept = {path: os.stat(path).st_mtime_ns for path in (tmp_path / "checkpoints").rglob("*.safetensors")}
    assert len(kept) == 3
    lost = min(kept).parent
    lost.rename(tmp_path / "lost")

    again = run(tmp_path, cohort, "real")
    assert (again / "cases.csv").read_bytes() == before
    assert (lost / "weights.safetensors").read_bytes() == (tmp_path / "lost" / "weights.safetensors").read_bytes()
    untouched = [path for path in kept if path.parent != lost]
    assert all(os.stat(path).st_mtime_ns == kept[path] for path in untouched)


def test_a_fold_that_is_done_is_used_only_for_the_same_inputs(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    short = SETTINGS | {"train": SETTINGS["train"] | {"steps": 2}}
    run(tmp_path, cohort, "real", short)
    run(tmp_path, cohort, "real", short, seed=1)
    run(tmp_path, cohort, "real", SETTINGS | {"train": SETTINGS["train"] | {"steps": 3}})
    image = cohort.folder / "images" / f"{cohort.folds[0][0]}.npy"
    np.save(image, np.load(image) // 2)  # trains folds 1 and 2, draws the curve of fold 0
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    run(tmp_path, cohort, "real", short)
    assert len(list((tmp_path / "checkpoints" / "real").iterdir())) == 4 * 3


def test_dice_is_measured_on_the_original_grid(tmp_path, make_cohort):
    cohort = make_cohort(shape=(16, 16), n_cases=15)
    case_id = cohort.test[0]
    whole = np.zeros((40, 40), np.uint8)  # twice as large a field in half as large voxels, with a lesion outside
    whole[:4] = 1
    affine = np.diag([0.5, 0.5, 1.0, 1.0])
    affine[:2, 3] = -10
    nibabel.save(nibabel.Nifti1Image(whole, affine), cohort.folder / "reference" / f"{case_id}.nii.gz")
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    cases = pd.read_csv(run(tmp_path, cohort, "real") / "cases.csv").set_index("case_id")
    assert (cases.loc[case_id, "dice"] == 0).all()
    assert (cases.loc[cohort.test[1], "dice"] > 0).all()


def test_a_cohort_without_labels_is_refused(tmp_path, make_cohort):
    cohort = make_cohort(labels=())
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    with pytest.raises(ConfigError, match="balls has no mask labels"):
        run(tmp_path, cohort, "real")


def test_a_test_case_in_an_arm_is_refused(tmp_path, make_cohort):
    cohort = make_cohort()
    assemble([Arm("real")], cohort, {}, {}, protocol=protocol_of("holdout"), seed=0, folder=tmp_path / "arms")
    path = tmp_path / "arms" / "real.csv"
    path.write_text(path.read_text().replace(cohort.folds[0][0], cohort.test[0]))
    with pytest.raises(LeakError, match=r"arm 'real': 1 judged case\(s\) were seen in training: case00"):
        run(tmp_path, cohort, "real")


def test_a_synthetic_case_drawn_again_since_is_refused(tmp_path, make_cohort, make_synthetic):
    cohort = make_cohort()
    drawn = make_synthetic(cohort)
    assemble_two(tmp_path, cohort, drawn)
    manifest = drawn.folder / "manifest.csv"
    drawn.manifest.assign(image_sha256="other").to_csv(manifest, index=False)
    with pytest.raises(CohortError, match="assemble again"):
        run(tmp_path, cohort, "real+hagan")
