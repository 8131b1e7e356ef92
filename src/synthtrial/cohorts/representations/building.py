"""Making a representation from a generator's settings and the facts of the cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.cohorts.representations.padding import Padded
from synthtrial.params import build


def build_representation(settings: Mapping[str, Any]) -> Padded:
    """Build what `model.json` describes.

    Args:
        settings: `_target_`, `labels`, `image_channels`, `shape`, `padded_shape`, and the representation's own keys.

    Raises:
        ConfigError: for an unknown representation or key, or when the padded shape can't hold a case.
    """
    own = {key: value for key, value in settings.items() if key != "padded_shape"}
    return Padded(build(own), settings["padded_shape"])


def grid_of(
    settings: Mapping[str, Any], labels: Sequence[str], image_channels: int, shape: Sequence[int]
) -> tuple[int, int, tuple[int, ...]]:
    """What a generator's `representation` subtree makes of cases, before padding.

    Args:
        settings: `_target_` and the representation's own keys.
        labels: names of the cohort's mask labels.
        image_channels: channels of the cohort's images.
        shape: spatial shape of a case, voxels.

    Returns:
        `channels`, `mask_channels` and `grid` of its arrays.

    Raises:
        ConfigError: for an unknown representation or key, or a cohort that doesn't suit it.
    """
    facts = {"labels": list(labels), "image_channels": image_channels, "shape": list(shape)}
    made = build({**settings, **facts})
    return made.channels, made.mask_channels, made.grid
