"""The feature extractors that a configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthtrial import params
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import AnyExtractor, LearnedExtractor


def build_extractors(features: Mapping[str, Mapping[str, Any]], spatial_dims: int, place: str) -> list[AnyExtractor]:
    """Build extractors; their networks are not read yet.

    Args:
        features: `_target_` and settings of each, by any name.
        spatial_dims: 2 or 3.
        place: where the settings stand, for messages.

    Raises:
        ConfigError: when there is none, two have one name, a setting can't be, or weights are not where they should be.
    """
    chosen = {key: config for key, config in features.items() if config}
    if not chosen:
        raise ConfigError(f"{place} names no feature extractor; there are random_conv, study_encoder, radiomics, ...")
    extractors: list[AnyExtractor] = []
    for key, config in chosen.items():
        extractor = params.build(dict(config), spatial_dims=spatial_dims)
        if extractor.name in [other.name for other in extractors]:
            raise ConfigError(f"{place}.{key}: a second extractor called {extractor.name}; metrics are named after it")
        extractors.append(extractor)
    return extractors


def learn_all(extractors: list[AnyExtractor], real: Cases, cache: Path) -> None:
    """Let those that learn from the real cases do so, or read what they have learned before from the folder `cache`."""
    for extractor in extractors:
        if isinstance(extractor, LearnedExtractor):
            extractor.learn(real, cache)


def learn_if_possible(
    extractors: list[AnyExtractor], real: Cases, cache: Path, left_out: dict[str, str]
) -> list[AnyExtractor]:
    """The extractors that have learned, and those that need not; `left_out` takes up the others, and why they can't.

    Raises:
        ConfigError: for a setting or weights that are wrong.
        SynthtrialError: when none is left.
    """
    able = []
    for extractor in extractors:
        try:
            learn_all([extractor], real, cache)
            able.append(extractor)
        except ConfigError:
            raise
        except SynthtrialError as error:
            left_out[f"all of {extractor.name}"] = str(error)
    if not able:
        raise SynthtrialError("; ".join(left_out.values()))
    return able
