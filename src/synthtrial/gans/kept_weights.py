"""Which weights a trained generator has, as its `model.json` tells; asked by stages that do without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthtrial.errors import TrainingError


def weights_of(model: Mapping[str, Any], snapshot: int | None = None) -> str:
    """SHA-256 of the weights that a model ended with, or of those that it had after so many images.

    Args:
        model: content of `model.json`.
        snapshot: images, one of the training's `train.snapshots`; None for the end.

    Raises:
        TrainingError: when no weights were kept there.
    """
    if snapshot is None:
        return str(model["weights_sha256"])
    kept = model.get("snapshots", {})
    if str(snapshot) not in kept:
        stopped = f", which stopped after {model['images_seen']} ({model['reason']})" if model.get("collapsed") else ""
        raise TrainingError(
            f"generator {model['generator']!r}, split {model['split']!r}: no weights were kept after {snapshot} images "
            f"of its training{stopped}; there are: {', '.join(kept) or 'none'}. Draw from one of these, or change "
            f"generators.{model['generator']}.train"
        )
    return str(kept[str(snapshot)])
