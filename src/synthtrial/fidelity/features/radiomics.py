"""Radiomic features after IBSI: no weights, each one with a name and a meaning."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import track

from synthtrial.atomic import atomic_file
from synthtrial.cohorts.workers import map_bounded
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import Features
from synthtrial.fidelity.features.ibsi import SHAPE, SIZE, TEXTURE, morphology, texture

log = logging.getLogger(__name__)


class Radiomics:
    """Features of the Image Biomarker Standardisation Initiative (Zwanenburg et al. 2020, Radiology 295:328).

    View `image`: intensity and texture of each channel of the whole image. View `mask`: size and shape of each label.
    View `pair`: intensity and texture of each channel inside each label. Sizes are in mm. Intensities are in the
    cohort's unit where the real cases share one window, else as scaled to [-1, 1].

    Each feature is standardised by its mean and standard deviation over the real cases that it learned from, as raw
    ones differ in scale by orders of magnitude. Those that don't vary among the real cases are left out, for they have
    no scale: see `dropped`. Metrics of these features are in squared standard deviations, not those of any FID.
    Noise need not be farther than a bad generator in `pair`: the noise ceiling is no upper limit there.

    A case without a lesion has size 0. Its shape and texture don't exist; nor does all of a lesion of one voxel. Such
    features take the mean of the real cases, so that they add nothing to a distance, and a warning tells how many
    cases this concerns. Look at the count of lesions, too: `lesion_table`.

    Args:
        spatial_dims: 2 or 3.
        families: families of intensity and texture features.
        bins: intensity bins between the lowest and the highest value of each region.
        workers: processes side by side.

    Attributes:
        name: `radiomics`.
        feature_names: names of the features of each view, in order; known after `learn`.
        dropped: names of those that are left out, by view; known after `learn`.

    Raises:
        ConfigError: for a setting out of range, or where the package mirp is missing.
    """

    def __init__(
        self,
        *,
        spatial_dims: int,
        families: list[str] = ["statistics", "glcm", "glrlm", "glszm"],  # noqa: B006
        bins: int = 32,
        workers: int = 1,
    ) -> None:
        unknown = [family for family in families if family not in TEXTURE]
        if unknown or not families or len({*families}) < len(families):
            raise ConfigError(
                f"fidelity.features.families: expected some of {', '.join(TEXTURE)}, once each, not {families}"
            )
        if bins < 2 or workers < 1:
            raise ConfigError(f"Radiomics takes at least 2 bins and 1 worker, not {bins} and {workers}")
        try:
            import mirp  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                "radiomic features need the package mirp: run `pip install 'synthtrial[radiomics]'`, "
                "or leave them out (fidelity.features.radiomics=null)"
            ) from error
        self.name = "radiomics"
        self.spatial_dims = spatial_dims
        self.families = list(families)
        self.bins = bins
        self.workers = workers
        self.feature_names: dict[str, list[str]] = {}
        self.dropped: dict[str, list[str]] = {}
        self._in_unit = True
        self._scales: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._known: dict[str, dict[str, np.ndarray]] = {}

    def learn(self, real: Cases, cache: Path) -> None:
        """Learn the mean and standard deviation of each feature; raw features of the real cases are kept in `cache`.

        Raises:
            SynthtrialError: for fewer than two cases, or images that are all the same.
        """
        if len(real) < 2:
            raise SynthtrialError(f"radiomics learns its scale from at least 2 real cases, here are {len(real)}")
        self._in_unit = len({real.source.window(case_id) for case_id in real.case_ids}) == 1
        path = cache / "radiomics.npz"
        self._known = _read(path) if path.is_file() else {}
        raw = self.raw(real)
        _write(path, {key: self._known[key] for key in self._keys(real)})
        for view, names in self._all_names(real).items():
            self._learn_view(view, names, raw[view])
        if "image" not in self._scales:
            raise SynthtrialError("radiomics: all real images have the same features: are they constant, or one image?")

    def of_cases(self, cases: Cases) -> Features:
        """Standardised features `(n, d)` of each view.

        Raises:
            SynthtrialError: before `learn`.
        """
        if not self._scales:
            raise SynthtrialError("radiomics has no scale yet: call learn(real, cache) with the real cases first")
        features = {}
        for view, values in self.raw(cases).items():
            if view not in self._scales:
                continue
            kept, mean, deviation = self._scales[view]
            standardised = (values[:, kept] - mean) / deviation
            undefined = np.isnan(standardised)
            if undefined.any():
                log.warning(
                    "radiomics (%s): %d of %d cases have no lesion, or one of a single voxel; "
                    "what is undefined there counts as the mean of the real cases",
                    view, undefined.any(axis=1).sum(), len(cases),
                )  # fmt: skip
            features[view] = np.where(undefined, 0.0, standardised)
        return features

    def raw(self, cases: Cases) -> Features:
        """Features as mirp gives them, `(n, d)` of each view, before any is dropped; NaN where undefined."""
        keys = self._keys(cases)
        missing = {key: case_id for key, case_id in zip(keys, cases.case_ids, strict=True) if key not in self._known}
        work = partial(case_features, spacing_mm=cases.source.spacing_mm, families=self.families, bins=self.bins)
        inputs = (self._arrays(cases, case_id) for case_id in missing.values())
        found: Iterable = map_bounded(work, inputs, self.workers)
        if missing:
            found = track(found, "radiomic features", total=len(missing), transient=True)
        self._known |= dict(zip(missing, found, strict=True))
        return {view: np.stack([self._known[key][view] for key in keys]) for view in self._known[keys[0]]}

    def _arrays(self, cases: Cases, case_id: str) -> tuple[np.ndarray, list[np.ndarray]]:
        """The image, in the unit that features are told in, and the region of each label."""
        image, mask = cases.source.image(case_id), np.asarray(cases.source.mask(case_id))
        if not np.isfinite(image).all():
            raise SynthtrialError(f"case {case_id}: the image holds NaN or infinite values, which have no features")
        low, high = cases.source.window(case_id) if self._in_unit else (-1.0, 1.0)
        return image * ((high - low) / 2) + (high + low) / 2, [mask == k + 1 for k in range(len(cases.source.labels))]

    def _keys(self, cases: Cases) -> list[str]:
        """A hash of all that a case's features depend on, for each case."""
        keys = []
        for case_id in cases.case_ids:
            image, regions = self._arrays(cases, case_id)
            told = f"{self.families} {self.bins} {cases.source.spacing_mm} {image.shape} {len(regions)}".encode()
            content = b"".join([told, image.tobytes(), *[region.tobytes() for region in regions]])
            keys.append(hashlib.sha256(content).hexdigest())
        return keys

    def _all_names(self, cases: Cases) -> dict[str, list[str]]:
        """Names of all features of each view, in the order of `case_features`."""
        textures = [name for family in self.families for name in TEXTURE[family]]
        channels = len(cases.source.image(cases.case_ids[0]))
        image = [name if channels == 1 else f"channel {c + 1}/{name}" for c in range(channels) for name in textures]
        shapes = (*SIZE, *SHAPE[self.spatial_dims])
        labels = cases.source.labels
        if not labels:
            return {"image": image}
        mask = [f"{label}/{name}" for label in labels for name in shapes]
        return {"image": image, "mask": mask, "pair": [f"{label}/{name}" for label in labels for name in image]}

    def _learn_view(self, view: str, names: list[str], raw: np.ndarray) -> None:
        defined = ~np.isnan(raw)
        n = np.maximum(defined.sum(axis=0), 1)
        mean = np.where(defined, raw, 0).sum(axis=0) / n
        deviation = np.sqrt((np.where(defined, raw - mean, 0) ** 2).sum(axis=0) / n)
        kept = deviation > 1e-6 * np.maximum(np.abs(mean), 1e-6)
        self.dropped[view] = [name for name, keep in zip(names, kept, strict=True) if not keep]
        if self.dropped[view]:
            log.warning("radiomics (%s): the same in all real cases, left out: %s", view, ", ".join(self.dropped[view]))
        if kept.any():
            self.feature_names[view] = [name for name, keep in zip(names, kept, strict=True) if keep]
            self._scales[view] = kept, mean[kept], deviation[kept]


def case_features(
    arrays: tuple[np.ndarray, list[np.ndarray]], spacing_mm: tuple[float, ...], families: list[str], bins: int
) -> dict[str, np.ndarray]:
    """Raw features `(d,)` of each view of one case.

    Args:
        arrays: the image `(C, *spatial)`, and the region `(*spatial)` of each label.
        spacing_mm: voxel size, mm, per axis.
        families: keys of `TEXTURE`.
        bins: intensity bins.
    """
    image, regions = arrays
    whole = np.ones(image.shape[1:], bool)
    inside = partial(texture, spacing_mm=spacing_mm, families=families, bins=bins)
    features = {"image": np.concatenate([inside(channel, whole) for channel in image])}
    if regions:
        features["mask"] = np.concatenate([morphology(region, spacing_mm) for region in regions])
        features["pair"] = np.concatenate([inside(channel, region) for region in regions for channel in image])
    return features


def _read(path: Path) -> dict[str, dict[str, np.ndarray]]:
    with np.load(path) as stored:
        arrays = dict(stored)
    keys = arrays.pop("keys")
    return {key: {view: values[k] for view, values in arrays.items()} for k, key in enumerate(keys.tolist())}


def _write(path: Path, known: dict[str, dict[str, np.ndarray]]) -> None:
    views = next(iter(known.values()))
    arrays = {view: np.stack([features[view] for features in known.values()]) for view in views}
    with atomic_file(path) as partial_path:
        np.savez(partial_path, allow_pickle=False, keys=np.array([*known]), **arrays)
