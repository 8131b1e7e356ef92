"""A procedural CT phantom in HU: needs no data, has the oracle sampler that no real cohort has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.phantom_chest import Chest
from synthtrial.cohorts.phantom_lesion import KINDS, Lesion
from synthtrial.cohorts.phantom_limb import Limb
from synthtrial.cohorts.phantom_shapes import Grid
from synthtrial.errors import ConfigError

ANATOMIES: dict[str, type[Chest] | type[Limb]] = {"lungs": Chest, "limb": Limb}

SMALLEST_MM = {"lungs": (250, 165), "limb": (170, 165)}
"""Field of view, right-left and back-front, in which the middle of every lesion lies."""

LESION_HU = {"lungs": {"benign": 25.0, "malignant": 45.0}, "limb": {"benign": 8.0, "malignant": 28.0}}
"""Density of the solid part: lung nodules stand out; soft-tissue tumours are barely darker than muscle."""


class PhantomCT:
    """Patients with one lesion each, in the chest or the thigh, scanned at several sites.

    Args:
        n_patients: number of patients; one case each.
        extent_mm: field of view, mm per axis.
        sites: per site `name, spacing_mm` (2 or 3 numbers), `noise_hu` (standard deviation), `blur_mm` (of the
            reconstruction kernel) and `share` of the patients.
        seed: of the patients. Case k depends on the seed and k alone.
        spatial_dims: 3; or 2 for the axial slice through the middle of the lesion.
        anatomy: "lungs" or "limb".
        lesion_mm: median diameter of the lesions of each class, mm.
        lesion_spread: standard deviation of the logarithm of their diameter.
        malignant: part of the malignant lesions.
        name: of the cohort.
    """

    unit = "HU"
    channels = 1
    patients_known = True

    def __init__(
        self,
        *,
        n_patients: int,
        extent_mm: Sequence[float],
        sites: Sequence[Mapping[str, Any]],
        lesion_mm: Mapping[str, float],
        lesion_spread: float = 0.35,
        malignant: float = 0.5,
        seed: int = 0,
        spatial_dims: int = 3,
        anatomy: str = "lungs",
        name: str = "phantom_ct",
    ) -> None:
        if anatomy not in ANATOMIES:
            raise ConfigError(f"cohort.anatomy: {anatomy!r} is unknown; there are {', '.join(ANATOMIES)}")
        if len(extent_mm) > 1 and any(np.less(extent_mm[:2], SMALLEST_MM[anatomy])):
            raise ConfigError(
                f"cohort.extent_mm is {list(extent_mm)} mm, too small for the anatomy {anatomy!r}: lesions would lie "
                f"outside. It must be at least {SMALLEST_MM[anatomy][0]} mm right to left and "
                f"{SMALLEST_MM[anatomy][1]} mm back to front"
            )
        if set(lesion_mm) != set(KINDS):
            raise ConfigError(f"cohort.lesion_mm must name {', '.join(KINDS)}, but names {', '.join(lesion_mm)}")
        lengths = {len(extent_mm), *(len(site["spacing_mm"]) for site in sites)}
        if spatial_dims not in (2, 3) or lengths != {spatial_dims}:
            raise ConfigError(
                f"cohort.spatial_dims is {spatial_dims}: it must be 2 or 3, "
                "and cohort.extent_mm and the spacing_mm of each site must have as many numbers"
            )
        self.name, self.labels, self.spatial_dims = name, ["lesion"], spatial_dims
        self.n_patients, self.extent_mm, self.seed, self.anatomy = n_patients, tuple(extent_mm), seed, anatomy
        self.sites = {str(site["name"]): dict(site) for site in sites}
        self.lesion_mm, self.lesion_spread, self.malignant = dict(lesion_mm), lesion_spread, malignant

    def find(self) -> list[CaseRef]:
        """List the patients with the site and the class of each."""
        refs = []
        for index in range(self.n_patients):
            rng = np.random.default_rng([self.seed, index, 1])
            refs.append(self._ref(f"phantom_{index:04d}", self._draw_site(rng), self._draw_label(rng)))
        return check_refs(refs, f"cohort.n_patients, which is {self.n_patients}")

    def read(self, ref: CaseRef) -> RawCase:
        """Make one case; the same one each time."""
        index = int(ref.case_id.rpartition("_")[2])
        return self.sample(np.random.default_rng([self.seed, index]), ref.site, ref.label, ref)

    def sample(
        self, rng: np.random.Generator, site: str | None = None, label: str | None = None, ref: CaseRef | None = None
    ) -> RawCase:
        """Draw a fresh patient: the perfect generator of this cohort, an oracle to calibrate trials with.

        Args:
            rng: where the patient comes from.
            site: name of the site; None draws one.
            label: "benign" or "malignant"; None draws one.
            ref: identity of the case; None calls it "oracle".
        """
        site = site or self._draw_site(rng)
        label = label or self._draw_label(rng)
        spacing = [float(step) for step in self.sites[site]["spacing_mm"]]
        shape = [max(1, round(extent / step)) for extent, step in zip(self.extent_mm, spacing, strict=True)]

        body = ANATOMIES[self.anatomy](rng)
        radius = 0.5 * self.lesion_mm[label] * float(np.exp(self.lesion_spread * np.clip(rng.normal(), -2, 2)))
        z_reach = max(0.1 * self.extent_mm[2], 0.5 * self.extent_mm[2] - radius) if self.spatial_dims == 3 else 40.0
        centre = body.place(rng, radius, (-z_reach, z_reach))
        lesion = Lesion(rng, label, centre, radius, LESION_HU[self.anatomy][label] + rng.normal(0, 8))
        if self.spatial_dims == 2:
            grid = Grid.centred([*shape, 1], [*spacing, spacing[0]], (0, 0, centre[2]))
        else:
            grid = Grid.centred(shape, spacing, (0, 0, 0))
        hu, host = body.draw(rng, grid)
        mask = lesion.draw(hu, grid, host, rng)
        hu = self._scan(hu, rng, site, grid)

        affine = np.diag([*grid.spacing, 1.0])
        affine[:3, 3] = grid.first
        if self.spatial_dims == 2:
            # As on a screen: rows run from front to back, columns from the patient's right to the left.
            hu, mask = hu[::-1, ::-1, 0].T, mask[::-1, ::-1, 0].T
            affine = np.diag([spacing[1], spacing[0], 1.0, 1.0])
        return RawCase(ref or self._ref("oracle", site, label), hu[None], mask, affine)

    def _scan(self, hu: np.ndarray, rng: np.random.Generator, site: str, grid: Grid) -> np.ndarray:
        """Blur by the site's kernel, add its noise, round to whole HU of 12 bits."""
        kernel = [self.sites[site].get("blur_mm", 0.0) / step for step in grid.spacing[:2]] + [0.0]
        noise = ndimage.gaussian_filter(rng.standard_normal(hu.shape, dtype=np.float32), [0.7, 0.7, 0.0])
        noise *= self.sites[site].get("noise_hu", 0.0) / noise.std()
        return np.clip(np.round(ndimage.gaussian_filter(hu, kernel) + noise), -1024, 3071).astype(np.float32)

    def _draw_site(self, rng: np.random.Generator) -> str:
        shares = np.array([site.get("share", 1.0) for site in self.sites.values()], dtype=float)
        return str(rng.choice(list(self.sites), p=shares / shares.sum()))

    def _draw_label(self, rng: np.random.Generator) -> str:
        return "malignant" if rng.random() < self.malignant else "benign"

    def _ref(self, case_id: str, site: str, label: str) -> CaseRef:
        return CaseRef(case_id, case_id, site, label, None, (), f"{self.name}, seed {self.seed}")
