"""The fidelity stage: how close a synthetic cohort is to the real one, and whether it copies it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.fidelity import figures
from synthtrial.fidelity.audit.report import Audit, AuditFeatures, audit
from synthtrial.fidelity.cases import Cases, real_cases
from synthtrial.fidelity.compared import Compared, compared_draw
from synthtrial.fidelity.feature_metrics import measure_features
from synthtrial.fidelity.features.building import build_extractors, learn_if_possible
from synthtrial.fidelity.features.extractor import AnyExtractor, Features, extract_features
from synthtrial.fidelity.features.lpips import PerceptualDistance
from synthtrial.fidelity.lesion_tests import compare_lesions
from synthtrial.fidelity.lesions import lesion_tables
from synthtrial.fidelity.measured import Measured, as_json, unless_impossible
from synthtrial.fidelity.metrics.diversity import diversity
from synthtrial.fidelity.metrics.pairs import paired_similarity, perceptual_distances
from synthtrial.fidelity.pairing import kinds_of_pairs
from synthtrial.fidelity.pictures.walk import latent_walk
from synthtrial.fidelity.scale import FeatureSets


def measure(
    *,
    cohort: PreparedCohort,
    split: list[str],
    synthetic: SyntheticCohort,
    model_folder: Path,
    settings: dict[str, Any],
    folder: Path,
    cache: Path,
    seed: int,
) -> None:
    """Measure the accepted cases of a synthetic cohort; write `fidelity.json`, tables, features and `figures/`.

    Test cases are looked at for one purpose: as real cases that the generator has not seen, whom the audit compares
    with those it has. Nothing that is measured here goes back into a training.

    Args:
        cohort: the prepared cohort.
        split: ids of the real cases of the generator's split, which extractors may learn from.
        synthetic: the drawn cohort.
        model_folder: `models/<generator>/<split>/`.
        settings: the `fidelity` part of params.yaml.
        folder: `fidelity/<generator>/<split>/`; replaced whole when all is written.
        cache: folder in which extractors that learn keep what they have learned.
        seed: seed of halves, pairs, noise, and the cases that are shown.

    Raises:
        SynthtrialError: for fewer than 4 real or 4 synthetic cases, or another shape.
    """
    draw = compared_draw(cohort, synthetic, model_folder)
    compared = draw.compared
    extractors = build_extractors(settings["features"], len(cohort.shape), "fidelity.features")
    weights = settings["perceptual_weights"]
    perceptual = None if weights is None else PerceptualDistance(weights)
    left_out: dict[str, str] = {}
    extractors = learn_if_possible(extractors, real_cases(cohort, split), cache, left_out)
    with atomic_folder(folder) as place:
        of_features = measure_features(compared, extractors, settings, seed, left_out)
        sets, measured = of_features.sets, of_features.measured
        if cohort.labels and not compared.real.source.labels:
            left_out["masks, pairs and lesions"] = "this generator makes images without masks"
        pairs = kinds_of_pairs(synthetic, cohort, draw.generator, draw.learned)
        measured |= measure_images(compared, pairs, settings["pairs"], perceptual, seed, left_out)
        found = audit_of(compared, extractors, sets, settings, seed)
        measured |= found.measurements()
        write_features(sets, compared, place / "features")
        of_features.amounts.to_csv(place / "amounts.csv", index=False)
        lesions = write_lesions(compared, place)
        walk = latent_walk(model_folder, cohort, seed=seed, snapshot=draw.snapshot)
        drawn = figures.draw(compared, found, lesions, walk, settings, seed, place / "figures")
        write_json(
            place / "fidelity.json",
            {
                **as_json(measured),
                "left_out": left_out,
                "images_seen": draw.model.get("images_seen", 0) if draw.snapshot is None else draw.snapshot,
                "features": [extractor.name for extractor in extractors],
                "n_real": len(compared.real),
                "n_synthetic": len(compared.synthetic),
                "n_rejected": len(synthetic.manifest) - len(compared.synthetic),
                "n_copies_rejected": synthetic.facts["copies"]["found"],
                "n_drawn": len(synthetic.manifest),
                "real": list(compared.real.case_ids),
                "held_out": list(compared.held_out.case_ids) if compared.held_out else [],
                "audit": found.as_json(),
                **drawn,
            },
        )


def measure_images(
    compared: Compared,
    pairs: dict[str, tuple[Cases, Cases]],
    count: int,
    perceptual: PerceptualDistance | None,
    seed: int,
    left_out: dict[str, str],
) -> dict[str, Measured]:
    """What is measured on images themselves: how diverse they are, and how alike those that belong together.

    Args:
        compared: the cases.
        pairs: cases that belong together, by kind; the kind becomes part of the metric's name.
        count: pairs of cases that tell the diversity.
        perceptual: measures those that belong together, too; None where no weights are given.
        seed: of the pairs and the bootstrap.
        left_out: takes up what could not be measured, and why.
    """

    def of_all() -> dict[str, Measured]:
        value = diversity(compared.real, compared.synthetic, count, np.random.default_rng(seed))
        return {f"ms_ssim/pixels_n{len(compared.synthetic)}": value}

    def of_pairs(kind: str) -> dict[str, Measured]:
        return paired_similarity(*pairs[kind], np.random.default_rng(seed), kind)

    def seen_by(network: PerceptualDistance, kind: str) -> dict[str, Measured]:
        return perceptual_distances(*pairs[kind], network, np.random.default_rng(seed), kind)

    measured = unless_impossible("ms_ssim/pixels", of_all, left_out)
    for kind in pairs:
        measured |= unless_impossible(f"psnr, ssim and ms_ssim {kind}", partial(of_pairs, kind), left_out)
        if perceptual is not None:
            name = f"lpips_like_{kind}/{perceptual.network}"
            measured |= unless_impossible(name, partial(seen_by, perceptual, kind), left_out)
    return measured


def audit_of(
    compared: Compared,
    extractors: list[AnyExtractor],
    sets: list[FeatureSets],
    settings: dict[str, Any],
    seed: int,
) -> Audit:
    """Look for copies among the synthetic cases, in pixels and by every extractor's features of the image."""

    def features(extractor: AnyExtractor, cases: Cases) -> Features:
        return extract_features(extractor, cases, settings["batch_size"])

    only_real = compared.training.case_ids == compared.real.case_ids
    of_image = {
        extractor.name: AuditFeatures(
            training=(known.real if only_real else features(extractor, compared.training))["image"],
            held_out=features(extractor, compared.held_out)["image"] if compared.held_out else None,
            synthetic=known.synthetic["image"],
        )
        for extractor, known in zip(extractors, sets, strict=True)
    }
    return audit(
        training=compared.training,
        held_out=compared.held_out,
        synthetic=compared.synthetic,
        features=of_image,
        rate=settings["copy_rate"],
        limit=settings["copy_limit"],
        rng=np.random.default_rng(seed),
        altered=compared.altered,
    )


def write_features(sets: list[FeatureSets], compared: Compared, folder: Path) -> None:
    """Keep the features of the images, for maps of several generators together: `<extractor>.npz`."""
    folder.mkdir()
    for features in sets:
        np.savez(
            folder / f"{features.name}.npz",
            real=features.real["image"],
            real_ids=np.array(compared.real.case_ids),
            synthetic=features.synthetic["image"],
            synthetic_ids=np.array(compared.synthetic.case_ids),
        )


def write_lesions(compared: Compared, folder: Path) -> figures.Lesions | None:
    """Write `lesions.csv`, the tests, and `lesion_cases.csv`, the values; None for a cohort without masks."""
    if not compared.real.source.labels:
        pd.DataFrame(columns=["label", "property", "verdict"]).to_csv(folder / "lesions.csv", index=False)
        return None
    real, synthetic = lesion_tables(compared.real, compared.synthetic)
    tests = compare_lesions(real, synthetic)
    tests.to_csv(folder / "lesions.csv", index=False)
    both = pd.concat([real.assign(kind="real"), synthetic.assign(kind="synthetic")])
    both.to_csv(folder / "lesion_cases.csv", index=False)
    return figures.Lesions(real, synthetic, tests)
