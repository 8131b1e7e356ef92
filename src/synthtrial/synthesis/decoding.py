"""From the tensor a generator drew to a case: image and label map, accepted or rejected with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.synthesis.postprocessing import keep_largest_components, label_map


class Representation(Protocol):
    """How an (image, mask) case becomes the tensor a GAN sees, and back; see `synthtrial.cohorts.representations`."""

    def decode(self, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the image `(C, *spatial)` and one mask score per label `(L, *spatial)`, in [-1, 1]."""
        ...


@dataclass(frozen=True)
class SyntheticCase:
    """One decoded and post-processed draw.

    Attributes:
        image: float32 `(C, *spatial)`, clipped to [-1, 1].
        mask: uint8 label map `(*spatial)`; None when the cohort has no labels.
        reason: why the case is rejected; empty when it is accepted.
    """

    image: np.ndarray
    mask: np.ndarray | None
    reason: str

    @property
    def accepted(self) -> bool:
        return not self.reason

    @property
    def lesion_voxels(self) -> int:
        """Voxels of any label."""
        return 0 if self.mask is None else int(np.count_nonzero(self.mask))


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Decode draws by their representation and post-process the masks.

    Args:
        representation: takes the generator's tensor apart.
        threshold: mask scores above it, in [-1, 1], are lesion.
        components: connected components kept per label, the largest first; None keeps all.
        min_lesion_voxels: a mask with fewer voxels, after post-processing, rejects the case.
    """

    representation: Representation
    threshold: float
    components: int | None
    min_lesion_voxels: int

    def __call__(self, drawn: np.ndarray) -> SyntheticCase:
        """Decode one draw `(channels, *padded)`.

        Raises:
            SynthtrialError: when values are not finite.
        """
        if not np.isfinite(drawn).all():
            raise SynthtrialError(
                "the generator drew values that are not finite: its weights are broken, train it again"
            )
        image, scores = self.representation.decode(drawn)
        image = np.clip(image, -1, 1).astype(np.float32)
        if len(scores) == 0:
            return SyntheticCase(image, None, "")
        mask = keep_largest_components(label_map(scores, self.threshold), self.components)
        voxels = np.count_nonzero(mask)
        reason = "" if voxels >= max(self.min_lesion_voxels, 1) else f"lesion of {voxels} voxels"
        return SyntheticCase(image, mask, reason)
