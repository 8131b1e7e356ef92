"""Compare two plain folders of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.audit.report import Audit, AuditFeatures, audit
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.class_scores import Classifier, class_probabilities, class_score
from synthtrial.fidelity.comparison import Comparison
from synthtrial.fidelity.features.building import build_extractors, learn_all
from synthtrial.fidelity.features.extractor import AnyExtractor
from synthtrial.fidelity.folder import ImageFolder
from synthtrial.fidelity.folder_files import has_masks
from synthtrial.fidelity.folder_warnings import warnings_of
from synthtrial.fidelity.lesion_tests import compare_lesions
from synthtrial.fidelity.lesions import lesion_tables
from synthtrial.fidelity.measured import Measured, unless_impossible
from synthtrial.fidelity.metrics.diversity import diversity
from synthtrial.fidelity.scale import SET_METRICS, FeatureSets, extract_sets, measure_sets

OFFLINE_FEATURES = {
    "random_conv": "synthtrial.fidelity.features.random_conv.RandomConv",
    "study_encoder": "synthtrial.fidelity.features.study_encoder.StudyEncoder",
    "radiomics": "synthtrial.fidelity.features.radiomics.Radiomics",
}
"""Extractors that need no weights, by the names that `compare_folders` takes."""

AnyFeatures = str | Mapping[str, Any] | AnyExtractor
"""An extractor, the name of one that needs no weights, or the settings (`_target_`, ...) of any."""


def compare_folders(
    real: Path | str,
    synthetic: Path | str,
    *,
    features: Sequence[AnyFeatures] = ("random_conv",),
    window: tuple[float, float] | None = None,
    repeats: int = 20,
    seed: int = 0,
    batch_size: int = 8,
    pairs: int = 100,
    copy_rate: float | None = 0.01,
    cache: Path | str | None = None,
) -> Comparison:
    """Measure how close the images of one folder are to those of another; see `ImageFolder` for what a folder holds.

    Where both have masks, masks and pairs are compared, too. Images are streamed, a batch in memory at a time. Every
    file counts as a patient of its own: several images of one patient make the real-against-real floor too low.

    Args:
        real, synthetic: the folders.
        features: extractors: `random_conv`, `study_encoder` or `radiomics` by name, others by their settings as in
            `conf/fidelity/features/`, or objects.
        window: intensities (low, high), as stored, that become -1 and 1 in both folders. None: 0 and 255 for 8-bit
            pictures, else the percentiles 0.5 and 99.5 of the real images.
        repeats: random halves of the cases that each value is a mean over.
        seed: draws the halves, and the noise of the ceiling.
        batch_size: images in memory at a time.
        pairs: pairs of images whose structural similarity tells how diverse a set is.
        copy_rate: a synthetic image looks like a copy when it is as near to a real one as this share of the real ones
            are to each other; None: don't look for copies.
        cache: folder in which an extractor that is trained on the real images keeps its weights; None: nowhere.

    Returns:
        The metrics on their scales.

    Raises:
        SynthtrialError: with one message for anything that is wrong with the folders or the settings.
    """
    if repeats < 1 or batch_size < 1 or pairs < 1 or seed < 0:
        raise ConfigError(
            f"repeats {repeats}, batch size {batch_size} and pairs {pairs} must be at least 1, and the seed {seed} 0"
        )
    if copy_rate is not None and not 0 < copy_rate < 1:
        raise ConfigError(f"the copy rate must be above 0 and below 1, or None, not {copy_rate}")
    first, second = open_both(Path(real), Path(synthetic), window)
    _check_enough(len(first), len(second))
    extractors = _extractors(features, len(first.shape))
    for folder in (first, second):
        folder.check_values()
    with TemporaryDirectory() as nowhere:
        learn_all(extractors, first.cases, Path(cache or nowhere))
    left_out: dict[str, str] = {}
    sets = [extract_sets(first.cases, second.cases, one, batch_size, np.random.default_rng(seed)) for one in extractors]
    measurements = _measure(sets, repeats, seed, left_out)
    for one in extractors:
        if isinstance(one, Classifier):
            rng = np.random.default_rng(seed)
            measurements |= class_score(class_probabilities(first.cases, second.cases, one, rng), repeats, rng)
    measurements |= unless_impossible(
        "ms_ssim/pixels", partial(_diversity, first.cases, second.cases, pairs, seed), left_out
    )
    found = None if copy_rate is None else _audit(first.cases, second.cases, sets, copy_rate, seed, left_out)
    return Comparison(
        real=first.folder,
        synthetic=second.folder,
        n_real=len(first),
        n_synthetic=len(second),
        images=first.in_words,
        labels=tuple(first.labels),
        window=first.intensity_window,
        unit=first.unit,
        features=tuple(one.name for one in extractors),
        repeats=repeats,
        seed=seed,
        measurements=measurements | (found.measurements() if found else {}),
        left_out=left_out,
        lesions=compare_lesions(*lesion_tables(first.cases, second.cases)) if first.labels else None,
        audit=found,
        warnings=warnings_of(first, second),
    )


def open_both(real: Path, synthetic: Path, window: tuple[float, float] | None) -> tuple[ImageFolder, ImageFolder]:
    """Open two folders for comparison and check all that headers tell; masks only where both have them.

    Raises:
        CohortError: when a folder or a file is not what it should be, or the two don't fit together.
    """
    masks = has_masks(real) and has_masks(synthetic)
    first = ImageFolder(real, window=window, masks=masks)
    return first, ImageFolder(synthetic, like=first, masks=masks)


def _extractors(features: Sequence[AnyFeatures], spatial_dims: int) -> list[AnyExtractor]:
    extractors: list[AnyExtractor] = []
    for one in features:
        if isinstance(one, str):
            if one not in OFFLINE_FEATURES:
                raise ConfigError(
                    f"unknown features {one!r}: by name there are {', '.join(OFFLINE_FEATURES)}; others need weights: "
                    "give their settings, such as conf/fidelity/features/medicalnet50.yaml"
                )
            one = {"_target_": OFFLINE_FEATURES[one]}
        if isinstance(one, Mapping):
            one = build_extractors({"features": one}, spatial_dims, "compare_folders")[0]
        if one.spatial_dims != spatial_dims:
            raise ConfigError(f"the features {one.name} are for {one.spatial_dims}D images, these are {spatial_dims}D")
        if one.name in [other.name for other in extractors]:
            raise ConfigError(f"two extractors are called {one.name}, and metrics are named after it: give one of them")
        extractors.append(one)
    if not extractors:
        raise ConfigError(f"features names no extractor; there are {', '.join(OFFLINE_FEATURES)}")
    return extractors


def _check_enough(n_real: int, n_synthetic: int) -> None:
    least = 2 * min(metric.least for metric in SET_METRICS)
    if min(n_real, n_synthetic) < least:
        all_need = 2 * max(metric.least for metric in SET_METRICS)
        raise SynthtrialError(
            f"{n_real} real and {n_synthetic} synthetic image(s) are too few: at least {least} of each are needed, and "
            f"{all_need} for all metrics"
        )


def _measure(sets: Sequence[FeatureSets], repeats: int, seed: int, left_out: dict[str, str]) -> dict[str, Measured]:
    """Metrics of all extractors; each sees the same halves, so that none depends on which others there are."""
    measurements: dict[str, Measured] = {}
    for features in sets:
        found, missing = measure_sets(features, repeats=repeats, rng=np.random.default_rng(seed))
        measurements |= found
        left_out |= missing
    return measurements


def _diversity(real: Cases, synthetic: Cases, pairs: int, seed: int) -> dict[str, Measured]:
    return {f"ms_ssim/pixels_n{len(synthetic)}": diversity(real, synthetic, pairs, np.random.default_rng(seed))}


def _audit(
    real: Cases,
    synthetic: Cases,
    sets: Sequence[FeatureSets],
    rate: float,
    seed: int,
    left_out: dict[str, str],
) -> Audit | None:
    """Look for copies of the real images, in pixels and by each extractor's features of the image."""
    features = {one.name: AuditFeatures(one.real["image"], None, one.synthetic["image"]) for one in sets}
    rng = np.random.default_rng(seed)
    try:
        return audit(training=real, held_out=None, synthetic=synthetic, features=features, rate=rate, rng=rng)
    except SynthtrialError as error:
        left_out["copies"] = str(error)
        return None
