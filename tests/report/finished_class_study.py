"""A finished two-class study made up for tests: probabilities whose quality is known, a baseline, phases, a grid."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from report.finished_study import (
    GENERATOR,
    SPLIT,
    study_params,
    write_cohort,
    write_fidelity,
    write_model,
    write_stages,
    write_synthetic,
)
from synthtrial.classification.metrics import scores
from synthtrial.cohorts.prepared import PreparedCohort

CLASSES = ("benign", "malignant")
CLASS_ARMS = {
    "real": {},
    "real+dcgan_1": {"of": "malignant", "synthetic": {GENERATOR: 1.0}},
    "real+dcgan_2": {"of": "malignant", "synthetic": {GENERATOR: 2.0}},
    "class_weights": {"balance": "class_weights"},
    "focal_loss": {"balance": "focal"},
}
SEPARATION = {"real": 1.3, "real+dcgan_1": 1.5, "real+dcgan_2": 1.6, "class_weights": 1.3, "focal_loss": 1.35}
"""By arm, how far the scores of malignant cases lie above those of benign ones, in standard deviations."""
CLASSIFIERS = ("cnn", "logistic", "size_only")
FOLDS = 3
N_CASES, TEST_CASES = 120, 48
EARLY = "dcgan_early"
"""A draw from a snapshot of the same training."""


def class_study_params(protocol: str = "holdout") -> dict:
    """The report's view of params.yaml of the study."""
    places = {
        f"two_class-{arm}-{name}": {"arm": arm, "classifier": name}
        for arm in CLASS_ARMS
        for name in CLASSIFIERS
        if trains(arm, name)
    }
    params = study_params(protocol)
    params["protocol"] |= {"metric": "auroc", "positive": "malignant", "threshold": "youden"}
    return params | {
        "study": {"name": "two_class", "title": "Malignant balls in noise", "seed": 0},
        "task": "classify",
        "draw_names": [GENERATOR, EARLY],
        "draws": {GENERATOR: {"generator": GENERATOR}, EARLY: {"generator": GENERATOR}},
        "arm_names": list(CLASS_ARMS),
        "arms": CLASS_ARMS,
        "segmenter_names": [],
        "classifier_names": list(CLASSIFIERS),
        "classify_places": places,
    }


def trains(arm: str, classifier: str) -> bool:
    """Whether a classifier is trained on an arm: logistic regression knows no focal loss, size alone is a baseline."""
    return classifier == "cnn" or (arm != "focal_loss" if classifier == "logistic" else arm == "real")


def write_class_study(folder: Path, *, size_alone: float = 1.2) -> Path:
    """Write `out/<study>/` as if every stage had run, but the report.

    Args:
        folder: of the study.
        size_alone: separation of the classes by size alone, in standard deviations.
    """
    rng = np.random.default_rng(1)
    cohort = write_classes(folder / "prepared")
    write_model(folder / "models" / GENERATOR / SPLIT, cohort, rng)
    write_draws(folder, cohort, rng)
    for arm in CLASS_ARMS:
        for name in CLASSIFIERS:
            if trains(arm, name):
                separation = size_alone if name == "size_only" else SEPARATION[arm] - 0.2 * (name == "logistic")
                seed = [len(arm), len(name)]
                write_class_arm(folder / "classify" / arm / name, separation, cohort, np.random.default_rng(seed))
    write_stages(folder / "stages")
    return folder


def write_draws(folder: Path, cohort: PreparedCohort, rng: np.random.Generator) -> None:
    """Two draws of one training, early and at its end, with distances of several amounts."""
    last, early = (folder / "fidelity" / draw / SPLIT for draw in (GENERATOR, EARLY))
    write_synthetic(folder / "synthetic" / GENERATOR / SPLIT, cohort, rng)
    shutil.copytree(folder / "synthetic" / GENERATOR, folder / "synthetic" / EARLY)
    for place, images in ((last, 4000), (early, 1000)):
        write_fidelity(place, cohort)
        facts = json.loads((place / "fidelity.json").read_text()) | {"images_seen": images}
        (place / "fidelity.json").write_text(json.dumps(facts))
        write_amounts(place / "amounts.csv", images)


def write_amounts(path: Path, images: int) -> None:
    """Inception Scores and distances of four amounts, made in two ways."""
    rows = [
        {"method": method, "share": share, "n_synthetic": round(12 * share), "n_real": 12}
        | {"metric": f"{metric}/random_conv_n{round(12 * share)}", "value": value}
        for method in ("progressive", "independent")
        for share in (0.25, 0.5, 0.75, 1.0)
        for metric, value in (("frechet", 40 - images / 200 - 5 * share), ("inception_score", 2 + share + images / 1e4))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def write_classes(folder: Path) -> PreparedCohort:
    """A cohort of small pictures without masks to speak of, one case in three malignant, one or two per patient."""
    cohort = write_cohort(folder, (16, 16), (), n_cases=N_CASES, classes=("benign", "benign", "malignant"))
    cases = pd.read_csv(folder / "cases.csv")
    cases["patient_id"] = [f"p{index - (index % 8 == 3) * 3:03d}" for index in range(len(cases))]
    cases.to_csv(folder / "cases.csv", index=False)
    ids = list(cohort.cases.index)
    rest = ids[TEST_CASES:]
    splits = {"seed": 0, "test": ids[:TEST_CASES], "folds": [rest[24 * k : 24 * (k + 1)] for k in range(FOLDS)]}
    (folder / "splits.json").write_text(json.dumps(splits))
    profile = json.loads((folder / "profile.json").read_text())
    counts = cohort.cases["label"].value_counts().to_dict()
    profile["overall"]["classes"] = counts
    sizes = {"benign": {"min": 90.0, "median": 100.0, "mean": 100.0, "max": 110.0}}
    sizes["malignant"] = dict(sizes["benign"], max=300.0)
    profile["classes"] = {
        name: {"cases": n, "patients": n - 5, "picture_size": sizes[name]} for name, n in counts.items()
    }
    profile["size_alone"] = {"picture_size": {"auroc": 0.81, "larger": "malignant"}}
    profile["patients_known"] = False
    (folder / "profile.json").write_text(json.dumps(profile))
    return PreparedCohort(folder)


def write_class_arm(folder: Path, separation: float, cohort: PreparedCohort, rng: np.random.Generator) -> None:
    """Probabilities of every fold model and of the ensemble; the cases' own difficulty is the same in every arm."""
    folder.mkdir(parents=True)
    arm, classifier = folder.parent.name, folder.name
    difficulty = np.random.default_rng(0).normal(0, 0.8, len(cohort.cases))
    malignant = (cohort.cases["label"] == CLASSES[1]).to_numpy()
    cases, validation, folds, curves = [], [], [], []
    for fold in range(FOLDS):
        score = separation * malignant + difficulty + rng.normal(0, 0.5, len(malignant)) - 1
        judged = judge(cohort, 1 / (1 + np.exp(-1.5 * score)), 0.4 + 0.05 * fold, str(fold))
        cases.append(judged.loc[judged["case_id"].isin(cohort.test)])
        validation.append(judged.loc[judged["case_id"].isin(cohort.folds[fold])])
        folds.append(fold_row(arm, fold, cases[-1], validation[-1]))
        for step in range(20, 201, 20) if classifier == "cnn" else []:
            loss = 0.3 + 0.5 * np.exp(-step / 60)
            curves.append({"fold": fold, "repeat": 0, "step": step, "loss": loss, "validation_loss": loss + step / 1e3})
    mean = pd.concat(cases).groupby("case_id")["probability"].mean()
    ensemble = judge(cohort, mean.reindex(cohort.cases.index).to_numpy(), 0.45, "ensemble")
    cases.append(ensemble[ensemble["case_id"].isin(cohort.test)])
    named = {"arm": arm, "classifier": classifier}
    for name, rows in (
        ("cases", pd.concat(cases)),
        ("validation", pd.concat(validation)),
        ("folds", pd.DataFrame(folds)),
    ):
        rows.assign(**named).to_csv(folder / f"{name}.csv", index=False)
    columns = ["fold", "repeat", "step", "loss", "validation_loss"]
    pd.DataFrame(curves, columns=columns).to_csv(folder / "curves.csv", index=False)


def judge(cohort: PreparedCohort, probability: np.ndarray, threshold: float, fold: str) -> pd.DataFrame:
    """Rows of `cases.csv` of one model for all cases."""
    table = cohort.cases.reset_index(drop=True)[["case_id", "patient_id", "site", "label"]]
    called = np.where(probability >= threshold, CLASSES[1], CLASSES[0])
    said = {"probability": probability, "threshold": threshold, "predicted": called}
    return table.assign(fold=fold, repeat=0, positive=CLASSES[1], **said)


def fold_row(arm: str, fold: int, cases: pd.DataFrame, validation: pd.DataFrame) -> dict[str, object]:
    """One row of `folds.csv`; synthetic cases are counted per malignant one, of which a fold has 16."""
    drawn = round(16 * sum(CLASS_ARMS[arm].get("synthetic", {}).values()))
    row = {"fold": fold, "repeat": 0, "train_real": 48, "train_synthetic": drawn, "train_augmented": 0}
    row |= {"train_positive": 16 + drawn, "steps": 200, "final_loss": 0.3, "convergence": "", "remark": ""}
    row |= {"threshold": cases["threshold"].iloc[0], "seconds": 3.5}
    row |= {f"validation_{name}": value for name, value in scores(validation).items()}
    return row | {f"test_{name}": value for name, value in scores(cases).items()}
