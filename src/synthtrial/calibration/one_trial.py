"""One small trial of a calibration: every stage of a study, in a folder of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.calibration.procedures import rows_of_trial
from synthtrial.cohorts.case import build_reader
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.fidelity.audit.report import audit
from synthtrial.fidelity.cases import Cases, real_cases
from synthtrial.gans.training import train
from synthtrial.params import construct
from synthtrial.synthesis.drawing import synthesize
from synthtrial.trial.arm import Arm, read_arms
from synthtrial.trial.arms import assemble
from synthtrial.trial.draw import taken_apart
from synthtrial.trial.protocol import Protocol, protocol_of, split_seed
from synthtrial.trial.running.planning import plan_arm
from synthtrial.trial.segmenting.segment_arm import segment_arm
from synthtrial.trial.verdict import verdict


def run_trial(number: int, params: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run trial `number`: another phantom, another split, other seeds; the same stages as a study's.

    Args:
        number: of the trial, from 0.
        params: the study's parameters as plain dicts and lists.
        folder: an empty folder to work in; it may be deleted afterwards.

    Returns:
        `trial, seed, seconds, design, reference_mean`, `rows` (of `rows_of_trial`, as records), and `audit` (see
        `audited`).
    """
    started = time.perf_counter()
    seed = trial_seed(params["study"]["seed"], number)
    cohort = prepared_phantom(params, seed, folder / "prepared")
    protocol = protocol_of(params["protocol"]["name"])
    drawn, models = drawn_cohorts(params, cohort, protocol, seed, folder)
    arms = read_arms(params["arms"])
    assemble(arms, cohort, drawn, models, protocol=protocol, seed=seed, folder=folder / "arms")
    cases = judged_cases(params, arms, cohort, protocol, seed, folder)
    keys = ("reference", "metric", "alpha")
    found = verdict(cases, **{key: params["protocol"][key] for key in keys}, protocol=protocol.name)
    (block,) = found["models"].values()
    return {
        "trial": number,
        "seed": seed,
        "design": {
            "real_cases": len(cohort.development),
            "folds": len(cohort.folds),
            "test_patients": len(cohort.patients(cohort.test)),
        },
        "reference_mean": block["arms"][found["reference"]]["mean"],
        "rows": rows_of_trial(cases, found).astype(object).where(pd.notna, None).to_dict("records"),
        "audit": audited(params, cohort, drawn, seed),
        "seconds": round(time.perf_counter() - started, 2),
    }


def trial_seed(seed: int, number: int) -> int:
    """Seed of everything that is random in a trial."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def prepared_phantom(params: Mapping[str, Any], seed: int, folder: Path) -> PreparedCohort:
    """The real cases of a trial: patients that no other trial has."""
    reader = build_reader({**params["cohort"], "seed": seed})
    settings = construct(PrepareSettings, params["prepare"], "prepare")
    prepare(reader, folder, settings=settings, seed=seed, workers=1)
    return PreparedCohort(folder)


def drawn_cohorts(
    params: Mapping[str, Any], cohort: PreparedCohort, protocol: Protocol, seed: int, folder: Path
) -> tuple[dict[str, dict[str, SyntheticCohort]], dict[str, dict[str, Any]]]:
    """Train every generator on every split, and draw from it; the cohorts and `model.json` by draw and split."""
    drawn: dict[str, dict[str, SyntheticCohort]] = {name: {} for name in params["draws"]}
    models: dict[str, dict[str, Any]] = {name: {} for name in params["draws"]}
    for split in protocol.splits(len(cohort.folds)):
        facts = {
            name: train(
                config,
                name=name,
                cohort=cohort,
                split=split,
                case_ids=cohort.split(split),
                folder=folder / "models" / name / split,
                checkpoints=folder / "checkpoints" / name / split,
                trainer={**params["trainer"], **params["runtime"]},
                seed=split_seed(seed, split),
            )
            for name, config in params["generators"].items()
        }
        for name, draw in params["draws"].items():
            generator, count, settings = taken_apart(draw, len(cohort.split(split)))
            place = folder / "synthetic" / name / split
            synthesize(
                name=name,
                model_folder=folder / "models" / generator / split,
                cohort=cohort,
                folder=place,
                count=count,
                settings=settings,
                seed=split_seed(seed, split),
                cache=folder / "checkpoints" / "features",
                progress=False,
            )
            drawn[name][split], models[name][split] = SyntheticCohort(place), facts[generator]
    return drawn, models


def judged_cases(
    params: Mapping[str, Any], arms: list[Arm], cohort: PreparedCohort, protocol: Protocol, seed: int, folder: Path
) -> pd.DataFrame:
    """Train the fold models of every arm and judge them: all rows of `cases.csv`."""
    ((segmenter, settings),) = params["segmenters"].items()
    for arm in arms:
        plan = plan_arm(
            folder / "arms" / f"{arm.name}.csv",
            cohort,
            arm=arm,
            settings=settings,
            trainer={**params["trainer"], **params["runtime"]},
            seed=seed,
            checkpoints=folder / "checkpoints" / arm.name,
            protocol=protocol,
            repeats=params["protocol"]["repeats"],
        )
        tolerance_mm = params["protocol"]["nsd_tolerance_mm"]
        segment_arm(plan, segmenter=segmenter, folder=folder / "segment" / arm.name, tolerance_mm=tolerance_mm)
    return pd.concat([pd.read_csv(folder / "segment" / arm.name / "cases.csv") for arm in arms], ignore_index=True)


def audited(
    params: Mapping[str, Any], cohort: PreparedCohort, drawn: Mapping[str, Mapping[str, SyntheticCohort]], seed: int
) -> dict[str, Any]:
    """The memorisation audit of each draw of the first split, in pixels.

    The copier is caught when more of its cases are flagged than the stated rate explains: the whole 95 % interval of
    their share lies above it.

    Returns:
        `flagged` (share of cases, by draw), `held_out_flagged`, `stated_rate`, and whether the copier was `caught`.
    """
    found: dict[str, Any] = {"flagged": {}}
    for name, splits in drawn.items():
        split, synthetic = next(iter(splits.items()))
        space = audit(
            training=real_cases(cohort, cohort.split(split)),
            held_out=real_cases(cohort, cohort.test),
            synthetic=Cases(synthetic, tuple(synthetic.accepted)),
            features={},
            rate=params["fidelity"]["copy_rate"],
            limit=params["fidelity"]["copy_limit"],
            rng=np.random.default_rng(seed),
        ).spaces["pixels"]
        found["flagged"][name] = space.share.value
        found |= {"held_out_flagged": space.held_out_flagged, "stated_rate": space.stated_rate}
        if name == params["calibration"]["copier"]:
            found["caught"] = space.share.low > space.stated_rate
    return found
