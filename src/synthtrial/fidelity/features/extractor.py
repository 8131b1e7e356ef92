"""What a feature extractor is, and how cases stream through it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from synthtrial.fidelity.cases import Cases

Views = dict[str, np.ndarray]
"""What is looked at separately of a case: tensors `(channels, *spatial)` in [-1, 1], by name."""

Features = dict[str, np.ndarray]
"""Features `(n, d)` float64 of n cases by view: `image`, and where there are masks also `mask` and `pair`."""


@runtime_checkable
class FeatureExtractor(Protocol):
    """Turns images into feature vectors; which one was used is part of every metric's name.

    Attributes:
        name: how metrics are named after it, e.g. `random_conv`.
        spatial_dims: 2 or 3.
    """

    name: str
    spatial_dims: int

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features `(n, d)` float64 of images `(n, C, *spatial)` float32 in [-1, 1]."""
        ...


@runtime_checkable
class CaseExtractor(Protocol):
    """An extractor that looks at image, mask, voxel size and unit together, such as radiomics.

    Attributes:
        name: how metrics are named after it.
        spatial_dims: 2 or 3.
    """

    name: str
    spatial_dims: int

    def of_cases(self, cases: Cases) -> Features:
        """Features of all cases, read one at a time."""
        ...


@runtime_checkable
class LearnedExtractor(Protocol):
    """An extractor that is trained on the real cases of the split before it is used."""

    def learn(self, real: Cases, cache: Path) -> None:
        """Train on the real cases, or read the weights that an equal training left in the folder `cache`."""
        ...


ALL_VIEWS = ("image", "mask", "pair")
AnyExtractor = FeatureExtractor | CaseExtractor


def views_of_case(image: np.ndarray, mask: np.ndarray, labels: int) -> Views:
    """The views of one case: `image`, and where there are labels also `mask` and `pair`.

    `mask` has one channel of -1 and 1 per label. `pair` shows how image and mask belong together: the image inside
    each label, and -1 outside. Masks that miss the lesions of their images change this view, and no other.

    Args:
        image: `(C, *spatial)` in [-1, 1].
        mask: label map `(*spatial)`; value k + 1 for the k-th label.
        labels: number of labels, L.

    Returns:
        Float32 `image (C, *spatial)`, `mask (L, *spatial)`, `pair (L * C, *spatial)`.
    """
    image = image.astype(np.float32)
    if labels == 0:
        return {"image": image}
    inside = np.stack([mask == k + 1 for k in range(labels)])
    outlined = np.concatenate([np.where(region, image, -1) for region in inside])
    return {"image": image, "mask": np.where(inside, 1, -1).astype(np.float32), "pair": outlined.astype(np.float32)}


def extract_features(
    extractor: AnyExtractor, cases: Cases, batch_size: int, wanted: Collection[str] = ALL_VIEWS
) -> Features:
    """Features of all cases, of each wanted view that they have; only one batch of images is in memory at a time."""
    if isinstance(extractor, CaseExtractor):
        return {view: found for view, found in extractor.of_cases(cases).items() if view in wanted}
    labels = len(cases.source.labels)
    views = (views_of_case(image, mask, labels) for image, mask in zip(cases.images(), cases.masks(), strict=True))
    features: dict[str, list[np.ndarray]] = {}
    for batch in _batches(views, batch_size):
        for view in (view for view in batch[0] if view in wanted):
            features.setdefault(view, []).append(extractor(np.stack([case[view] for case in batch])))
    return {view: np.concatenate(parts) for view, parts in features.items()}


def _batches(cases: Iterable[Views], batch_size: int) -> Iterator[list[Views]]:
    iterator = iter(cases)
    while batch := list(islice(iterator, batch_size)):
        yield batch
