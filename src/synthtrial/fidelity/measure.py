"""How close a synthetic cohort is to the real one: distances on one scale, distributions, sample pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synthtrial import params
from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.distances import distances
from synthtrial.fidelity.distributions import (
    Cases,
    intensity_figure,
    intensity_histograms,
    kolmogorov_smirnov,
    lesion_volumes,
    volume_figure,
)
from synthtrial.fidelity.features.extractor import FeatureExtractor
from synthtrial.fidelity.pages import sample_page
from synthtrial.fidelity.style import save
from synthtrial.synthesis.cohort import SyntheticCohort, voxel_ml


def measure(
    *,
    cohort: PreparedCohort,
    case_ids: list[str],
    synthetic: SyntheticCohort,
    features: dict[str, Any],
    settings: dict[str, Any],
    folder: Path,
    seed: int,
) -> None:
    """Measure the accepted cases of a synthetic cohort against real ones; write `fidelity.json` and `figures/`.

    Args:
        cohort: the prepared cohort.
        case_ids: the real cases to compare with: usually those that the generator has seen.
        synthetic: the drawn cohort.
        features: `_target_` and settings of the feature extractor.
        settings: `repeats`, `batch_size`, `bins`, `page_cases` of the `fidelity` part of params.yaml.
        folder: `fidelity/<generator>/<split>/`; replaced whole when all is written.
        seed: seed of the halves, the noise and the cases on the sample page.

    Raises:
        SynthtrialError: for fewer than 4 real or 2 synthetic cases, or another shape.
    """
    _check(cohort, case_ids, synthetic)
    rng = np.random.default_rng(seed)
    drawn = synthetic.accepted
    extractor: FeatureExtractor = params.build(features, spatial_dims=cohort.facts["spatial_dims"])
    measured = distances(
        (cohort, case_ids), (synthetic, drawn), extractor, settings["repeats"], settings["batch_size"], rng
    )
    with atomic_folder(folder) as partial:
        volumes = _draw_distributions((cohort, case_ids), (synthetic, drawn), settings["bins"], partial / "figures")
        shown = min(settings["page_cases"], len(case_ids), len(drawn))
        page = sample_page(
            (cohort, sorted(rng.choice(case_ids, shown, replace=False))),
            (synthetic, sorted(rng.choice(drawn, shown, replace=False))),
            cohort.labels,
            cohort.facts["spacing_mm"],
        )
        save(page, partial / "figures" / "samples.png")
        write_json(
            partial / "fidelity.json",
            {
                **measured,
                "features": extractor.name,
                "n_real": len(case_ids),
                "n_synthetic": len(drawn),
                "n_rejected": len(synthetic.manifest) - len(drawn),
                "real": case_ids,
                **volumes,
            },
        )


def _draw_distributions(real: Cases, synthetic: Cases, bins: int, figures: Path) -> dict[str, Any]:
    """Draw the figures of intensities and lesion volumes; return what `fidelity.json` says of the volumes."""
    cohort = real[0]
    assert isinstance(cohort, PreparedCohort)
    window, unit = display_window(cohort, list(real[1]))
    channels = [f"intensity of channel {k + 1}" for k in range(cohort.facts["channels"])]
    channels = ["intensity"] if len(channels) == 1 else channels
    histograms = intensity_histograms(real, bins), intensity_histograms(synthetic, bins)
    save(intensity_figure(*histograms, channels, window, unit), figures / "intensities.png")
    if not cohort.labels:
        return {"lesion_volume_ml": {"real": [], "synthetic": []}}
    spacing = cohort.facts["spacing_mm"]
    of_real, of_synthetic = (lesion_volumes(cases, cohort.labels, voxel_ml(spacing)) for cases in (real, synthetic))
    save(volume_figure(of_real, of_synthetic, "ml" if len(spacing) == 3 else "cm2"), figures / "lesion_volumes.png")
    return {
        "lesion_volume_ml": {"real": of_real["all"].tolist(), "synthetic": of_synthetic["all"].tolist()},
        "lesion_volume_test": kolmogorov_smirnov(of_real["all"], of_synthetic["all"]),
    }


def display_window(cohort: PreparedCohort, case_ids: list[str]) -> tuple[tuple[float, float], str]:
    """The intensity axis: in the cohort's unit where all cases share one window, else as scaled to [-1, 1]."""
    windows = cohort.cases.loc[case_ids, ["intensity_low", "intensity_high"]].drop_duplicates()
    if len(windows) == 1:
        return (float(windows.iloc[0, 0]), float(windows.iloc[0, 1])), cohort.facts["unit"]
    return (-1.0, 1.0), "scaled to [-1, 1] case by case"


def _check(cohort: PreparedCohort, case_ids: list[str], synthetic: SyntheticCohort) -> None:
    if len(case_ids) < 4 or len(synthetic.accepted) < 2:
        raise SynthtrialError(
            f"{synthetic.folder}: fidelity compares at least 4 real and 2 accepted synthetic cases, "
            f"here are {len(case_ids)} and {len(synthetic.accepted)}; draw more (synthesis.per_real)"
        )
    if synthetic.shape != cohort.shape or synthetic.labels != cohort.labels:
        raise SynthtrialError(
            f"{synthetic.folder} holds cases of shape {synthetic.shape} with labels {synthetic.labels}, the cohort in "
            f"{cohort.folder} has {cohort.shape} and {cohort.labels}; draw the synthetic cohort again"
        )
