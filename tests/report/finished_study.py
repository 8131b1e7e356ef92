"""A finished study made up for tests: every file of docs/architecture.md, with small plausible numbers."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import yaml
from matplotlib.figure import Figure

from synthtrial.cohorts.prepared import INT16_SCALE, PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS
from synthtrial.fidelity.measured import Measured, as_json
from synthtrial.segmentation.metrics import score_case
from written_cohort import REPOSITORY, write_prepared_cohort

ARMS = {"real": 0.0, "synthetic_dcgan": -0.15, "real+synthetic_dcgan": 0.004}
"""Arms, and how far their true Dice is from that of `real`."""

FOLDS = 3
TEST_CASES = 6
GENERATOR, SPLIT, SEGMENTER = "dcgan", "development", "unet"
LOSS_TERMS = ("discriminator/real", "discriminator/fake", "generator/adversarial")

PROVENANCE = {
    "git_revision": "0123456789",
    "params_hash": "89abcdef89abcdef",
    "data_hash": "7654321076543210",
    "versions": {"python": "3.13.1", "torch": "2.13.0", "monai": "1.6.1"},
}


def study_params(protocol: str = "holdout") -> dict:
    """The report's view of params.yaml; the report's own settings are the defaults."""
    return {
        "study": {"name": "made_up", "title": "Bright balls in noise", "seed": 0},
        "generator_names": [GENERATOR],
        "draw_names": [GENERATOR],
        "draws": {GENERATOR: {"generator": GENERATOR}},
        "splits": [SPLIT],
        "task": "segment",
        "arm_names": list(ARMS),
        "segmenter_names": [SEGMENTER],
        "classifier_names": [],
        "arms": {
            arm: {"real": float("real" in arm.split("+")), "synthetic": {GENERATOR: 1.0} if "synthetic" in arm else {}}
            for arm in ARMS
        },
        "protocol": {"name": protocol, "reference": "real", "metric": "dice", "alpha": 0.05, "repeats": 1}
        | {"nsd_tolerance_mm": 2.0},
        "report": yaml.safe_load((REPOSITORY / "conf/report/default.yaml").read_text(encoding="utf-8")),
    }


def write_finished_study(
    folder: Path, shape: tuple[int, ...] = (16, 16, 16), labels: tuple[str, ...] = ("lesion",)
) -> Path:
    """Write `out/<study>/` as if every stage had run, but the report. Returns the folder."""
    rng = np.random.default_rng(1)
    cohort = write_cohort(folder / "prepared", shape, labels)
    write_model(folder / "models" / GENERATOR / SPLIT, cohort, rng)
    write_synthetic(folder / "synthetic" / GENERATOR / SPLIT, cohort, rng)
    write_fidelity(folder / "fidelity" / GENERATOR / SPLIT, cohort)
    for arm, effect in ARMS.items():
        write_arm_list(folder / "arms", arm, cohort)
        write_arm(folder / "segment" / arm / SEGMENTER, arm, effect, cohort, np.random.default_rng(len(arm)))
    write_stages(folder / "stages")
    return folder


def write_cohort(
    folder: Path,
    shape: tuple[int, ...],
    labels: tuple[str, ...],
    n_cases: int = 18,
    classes: tuple[str, ...] = ("",),
) -> PreparedCohort:
    """A cohort with six test cases and three folds, its profile and a figure; classes in turn."""
    cohort = write_prepared_cohort(folder, shape, n_cases=n_cases, labels=labels, classes=classes)
    ids = list(cohort.cases.index)
    rest = ids[TEST_CASES:]
    splits = {"seed": 0, "test": ids[:TEST_CASES], "folds": [rest[k::FOLDS] for k in range(FOLDS)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    (folder / "profile.json").write_text(json.dumps(profile(shape, labels)))
    write_figure(folder / "figures" / "lesion_volumes.png")
    return PreparedCohort(folder)


def profile(shape: tuple[int, ...], labels: tuple[str, ...]) -> dict:
    """What `prepare` says of the cohort."""

    def block(cases: int) -> dict:
        sizes = {"min": 0.11, "median": 0.21, "mean": 0.22, "max": 0.33}
        extreme = {
            "min": -1024.0,
            "median": -1000.0,
            "mean": -1003.2,
            "max": -990.0,
            "most_frequent": [[-1000.0, cases]],
        }
        return {
            "cases": cases,
            "patients": cases,
            "classes": {},
            "empty_masks": 0,
            "dropped_for_empty_mask": 0,
            "lesions_cut_by_the_crop": 0,
            "shape": [dict.fromkeys(("min", "median", "mean", "max"), float(n)) for n in shape],
            "spacing_mm": [{"min": 0.9, "median": 1.0, "mean": 1.0, "max": 1.25} for _ in shape],
            "lowest_intensity": extreme,
            "highest_intensity": extreme,
            "lesion_volume": dict.fromkeys(labels, sizes),
        }

    return {
        "name": "balls",
        "unit": "HU",
        "volume_unit": "ml" if len(shape) == 3 else "cm2",
        "overall": block(18),
        "sites": {"A": block(9), "B": block(9)},
        "warnings": ["case03: image is one voxel longer than its mask along z; the last slice was dropped"],
    }


def write_model(folder: Path, cohort: PreparedCohort, rng: np.random.Generator) -> None:
    """A trained generator without weights that could be loaded."""
    folder.mkdir(parents=True)
    (folder / "generator.safetensors").write_bytes(b"")
    model = {
        "generator": GENERATOR,
        "config": {},
        "representation": {"name": "channels"},
        "split": SPLIT,
        "seen_cases": cohort.development,
        "seen_patients": sorted(cohort.patients(cohort.development)),
        "images_seen": 4000,
        "seed": 0,
        "collapsed": False,
        "reason": "",
        "weights_sha256": "ab" * 32,
        "parameters": {"generator": 1234567, "discriminator": 654321},
    }
    (folder / "model.json").write_text(json.dumps(model))
    write_losses(folder, rng)
    for name in ("samples", "reconstructions"):
        write_figure(folder / f"{name}.png")


def write_losses(folder: Path, rng: np.random.Generator) -> None:
    """Falling, noisy losses, their averages and their summary."""
    images = np.arange(20, 4001, 20)
    smooth = pd.DataFrame({"images": images} | {term: 0.7 + 0.6 * np.exp(-images / 700) for term in LOSS_TERMS})
    noisy = smooth + (rng.normal(0, 0.12, smooth.shape) * (smooth.columns != "images"))
    smooth.to_csv(folder / "losses_smooth.csv", index=False)
    noisy.to_csv(folder / "losses.csv", index=False)
    values = noisy[list(LOSS_TERMS)]
    summary = {"min": values.min(), "max": values.max(), "mean": values.mean(), "average": smooth.iloc[-1]}
    pd.DataFrame(summary).loc[list(LOSS_TERMS)].rename_axis("term").to_csv(folder / "losses_summary.csv")


def write_synthetic(folder: Path, cohort: PreparedCohort, rng: np.random.Generator) -> None:
    """Eight drawn cases, one of them rejected."""
    three_d = len(cohort.shape) == 3
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = []
    for index, source in enumerate(cohort.development[:8]):
        case_id, accepted = f"{GENERATOR}_{index:03d}", index != 7
        image = np.clip(cohort.image(source)[0] + rng.normal(0, 0.05, cohort.shape), -1, 1)
        paths = {kind: f"{kind}s/{case_id}.{'nii' if three_d else 'png'}" for kind in ("image", "mask")}
        if accepted:
            write_case(folder, paths, image, np.asarray(cohort.mask(source)))
        voxels = int((cohort.mask(source) > 0).sum())
        record = dict.fromkeys(MANIFEST_COLUMNS, "") | {"case_id": case_id, "generator": GENERATOR, "split": SPLIT}
        record |= {"weights_sha256": "ab" * 32, "seed": 0, "index": index, "threshold": 0.0, "lesion_voxels": voxels}
        record |= {"lesion_ml": voxels / 1000, "nearest_case": source, "nearest_distance": 0.05, "accepted": accepted}
        rows.append(record | (paths if accepted else {"reason": "mask is empty"}))
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    facts = {
        "generator": GENERATOR,
        "split": SPLIT,
        "weights_sha256": "ab" * 32,
        "seen_cases": cohort.development,
        "seen_patients": sorted(cohort.patients(cohort.development)),
        "labels": cohort.labels,
        "shape": list(cohort.shape),
        "conditions_on": "",
        "settings": {"masks": "real"},
        "copies": {"found": 1, "rate": 0.01, "stated_rate": 0.08, "threshold": 0.42},
    }
    (folder / "synthetic.json").write_text(json.dumps(facts))


def write_case(folder: Path, paths: dict[str, str], image: np.ndarray, mask: np.ndarray) -> None:
    """One image and mask, as NIfTI in 3D and as PNG in 2D."""
    if mask.ndim == 3:
        voxels = np.round(image * INT16_SCALE).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), folder / paths["image"])
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), folder / paths["mask"])
    else:
        from PIL import Image

        Image.fromarray(np.round((image + 1) * 127.5).astype(np.uint8)).save(folder / paths["image"])
        Image.fromarray(mask).save(folder / paths["mask"])


def write_fidelity(folder: Path, cohort: PreparedCohort) -> None:
    """Metrics on their scales, the audit, the tables, the features and a few figures."""
    measured = {
        "frechet/random_conv_n7": Measured(3.21, 2.9, 3.6, 0.87, 61.4, "lower"),
        "precision/random_conv_n7": Measured(0.31, 0.1, 0.5, 0.93, 0.0, "higher"),
        "ms_ssim/pixels_n7": Measured(0.22, 0.15, 0.3, 0.11, None, "like real"),
        "copies/pixels_n7": Measured(1 / 7, 0.03, 0.51, 0.0, None, "lower"),
        "membership_auc/pixels_n7": Measured(0.81, 0.62, 0.94, 0.5, None, "lower"),
    }
    pixels = {"flagged": [f"{GENERATOR}_003"], "held_out_flagged": 0.0, "stated_rate": 0.08, "threshold": 0.42}
    content = {
        **as_json(measured),
        "left_out": {"coverage/random_conv": "needs 12 real and 12 synthetic cases, here are 12 and 7"},
        "features": ["random_conv"],
        "n_real": len(cohort.development),
        "n_synthetic": 7,
        "n_drawn": 8,
        "n_rejected": 1,
        "n_copies_rejected": 1,
        "real": cohort.development,
        "held_out": cohort.test,
        "audit": {"spaces": {"pixels": pixels}, "without_membership": ""},
        "spectra": {"blur": 0.4, "checkerboard": 1.9},
    }
    for name in ("intensities", "samples", "spectra", "closest_pairs", "nearest_distances"):
        write_figure(folder / "figures" / f"{name}.png")
    (folder / "fidelity.json").write_text(json.dumps(content))
    write_fidelity_tables(folder, cohort)


def write_fidelity_tables(folder: Path, cohort: PreparedCohort) -> None:
    """`lesions.csv`, `amounts.csv` and the features of one extractor."""
    lesion = {"property": "volume_ml", "n_real": 12, "n_synthetic": 7, "median_real": 0.2}
    lesion |= {"median_synthetic": 0.31, "ks": 0.58, "p": 0.01, "p_adjusted": 0.01, "auc": 0.8, "verdict": "differs"}
    rows = [{"label": label} | lesion for label in cohort.labels]
    pd.DataFrame(rows, columns=["label", *lesion]).to_csv(folder / "lesions.csv", index=False)
    amount = {"method": "progressive", "share": 0.5, "n_synthetic": 6, "n_real": 12, "value": 3.9}
    pd.DataFrame([amount | {"metric": "frechet/random_conv_n6"}]).to_csv(folder / "amounts.csv", index=False)
    rng = np.random.default_rng(1)
    (folder / "features").mkdir()
    np.savez(
        folder / "features" / "random_conv.npz",
        real=rng.normal(size=(len(cohort.development), 6)),
        real_ids=np.array(cohort.development),
        synthetic=rng.normal(1, 1, (7, 6)),
        synthetic_ids=np.array([f"{GENERATOR}_{index:03d}" for index in range(7)]),
    )


def write_arm_list(folder: Path, arm: str, cohort: PreparedCohort) -> None:
    """The training cases of every fold."""
    folder.mkdir(exist_ok=True)
    rows = [
        {"fold": fold, "case_id": case_id, "source": "real", "path": cohort.cases.at[case_id, "image"]}
        | {"mask_path": cohort.cases.at[case_id, "mask"], "sha256": "", "generator": "", "split": ""}
        | {"weights_sha256": "", "seed": ""}
        for fold, held_out in enumerate(cohort.folds)
        for case_id in cohort.development
        if case_id not in held_out
    ]
    pd.DataFrame(rows).to_csv(folder / f"{arm}.csv", index=False)


def write_arm(folder: Path, arm: str, effect: float, cohort: PreparedCohort, rng: np.random.Generator) -> None:
    """Scores, curves and predictions of one arm; the patients' own Dice is the same in every arm."""
    (folder / "predictions").mkdir(parents=True)
    patients = dict(zip(cohort.test, np.linspace(0.72, 0.87, TEST_CASES), strict=True))
    fold_rows, case_rows, curve_rows = [], [], []
    predicted = {
        case_id: np.roll(np.asarray(cohort.mask(case_id)), 1 + int(20 * abs(effect)), axis=0) for case_id in patients
    }
    for fold in range(FOLDS):
        level = effect + rng.normal(0, 0.01)
        for case_id, base in patients.items():
            dice = base + level + rng.normal(0, 0.015)
            case_rows.append(case_row(cohort, arm, str(fold), case_id, dice, predicted[case_id], rng))
        record = {"arm": arm, "segmenter": SEGMENTER, "fold": fold, "repeat": 0, "train_real": 8, "train_synthetic": 0}
        record |= {"train_augmented": 0, "steps": 300, "convergence": "", "remark": ""}
        record |= {"final_loss": 0.21, "validation_dice": 0.8 + level, "test_dice": 0.8 + level, "seconds": 12.5}
        fold_rows.append(record | {f"validation_dice/{label}": 0.8 + level for label in cohort.labels})
        for step in range(25, 301, 25):
            score = (0.8 + level) * (1 - np.exp(-step / 80)) if step % 100 == 0 else np.nan
            curve = {"fold": fold, "repeat": 0, "step": step, "loss": 0.2 + np.exp(-step / 60) + rng.normal(0, 0.02)}
            curve_rows.append(curve | {"validation_dice": score})
    for case_id, base in patients.items():
        dice = base + effect + 0.01
        case_rows.append(case_row(cohort, arm, "ensemble", case_id, dice, predicted[case_id], rng))
        np.save(folder / "predictions" / f"{case_id}.npy", predicted[case_id])
    pd.DataFrame(fold_rows).to_csv(folder / "folds.csv", index=False)
    pd.DataFrame(case_rows).to_csv(folder / "cases.csv", index=False)
    pd.DataFrame(curve_rows).to_csv(folder / "curves.csv", index=False)


def case_row(
    cohort: PreparedCohort,
    arm: str,
    fold: str,
    case_id: str,
    dice: float,
    prediction: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, object]:
    """One line of `cases.csv`: the scores of the prediction, but for Dice, whose mean over the labels is `dice`."""
    case = cohort.cases.loc[case_id]
    spread = rng.normal(0, 0.01, len(cohort.labels))
    per_label = dice + spread - spread.sum() / max(len(spread), 1)
    row = {"arm": arm, "segmenter": SEGMENTER, "fold": fold, "repeat": 0, "case_id": case_id}
    row |= {"patient_id": case["patient_id"], "site": case["site"]}
    row |= score_case(prediction, np.asarray(cohort.mask(case_id)), cohort.labels, cohort.spacing_mm)
    row |= {f"dice/{label}": value for label, value in zip(cohort.labels, per_label, strict=True)}
    return row | {"dice": dice}


def write_stages(folder: Path) -> None:
    """What each stage run cost."""
    folder.mkdir()
    place = {"generator": GENERATOR, "split": SPLIT}
    runs: list[tuple[str, dict[str, str]]] = [("prepare", {}), ("train_gan", place), ("synthesize", place)]
    runs += [("fidelity", place), ("assemble", {})]
    runs += [("segment", {"arm": arm, "segmenter": SEGMENTER}) for arm in ARMS]
    for minute, (stage, item) in enumerate(runs):
        record = {
            "stage": stage,
            "item": item,
            "started": f"2026-11-20T20:{minute:02d}:00+00:00",
            "wall_s": 12.25 * (minute + 1),
            "training_s": 11.0 * (minute + 1) if stage in ("train_gan", "segment") else 0.0,
            "peak_rss_mb": 640 + 90 * minute,
            "git_revision": PROVENANCE["git_revision"],
            "versions": PROVENANCE["versions"],
            "machine": {"system": "Linux-6.1-x86_64", "cores": 2, "accelerator": "none"},
        }
        (folder / f"{'-'.join([stage, *item.values()])}.json").write_text(json.dumps(record))


def write_figure(path: Path) -> None:
    """A small PNG where a stage would leave a figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([0, 1, 2], [0, 1, 0.5])
    figure.savefig(path, dpi=60)
