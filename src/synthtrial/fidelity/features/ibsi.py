"""Standardised radiomic features of one region of one image, computed by mirp."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

SIZE = ("morph_volume", "morph_area_mesh", "morph_diam", "morph_pca_maj_axis")
"""Volume (mm3), surface (mm2), largest diameter and major axis (mm): 0 where there is no region."""

SHAPE = {
    3: ("morph_sphericity", "morph_vol_dens_conv_hull", "morph_pca_elongation", "morph_pca_flatness"),
    2: ("morph_vol_dens_conv_hull", "morph_pca_elongation"),
}
"""Features that don't depend on size, by number of dimensions: undefined where there is no region."""

TEXTURE = {
    "statistics": ("stat_mean", "stat_p10", "stat_p90", "stat_iqr", "stat_skew", "stat_kurt"),
    "intensity_histogram": ("ih_entropy", "ih_uniformity"),
    "glcm": ("cm_joint_entr", "cm_contrast", "cm_inv_diff", "cm_corr"),
    "glrlm": ("rlm_sre", "rlm_lre", "rlm_glnu_norm", "rlm_rlnu_norm"),
    "glszm": ("szm_sze", "szm_z_perc", "szm_glnu_norm", "szm_zsnu_norm"),
    "ngldm": ("ngl_lde", "ngl_hde", "ngl_dcnu_norm", "ngl_dc_entr"),
}
"""Features of intensity and texture by family: those that hardly depend on the region's size, and have no pole."""


def morphology(region: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
    """Size and shape `(d,)` of a region `(*spatial)`, in the order of `SIZE` and `SHAPE`; NaN where undefined.

    IBSI defines morphology in 3D alone. A 2D region is measured as a slab, one mean pixel edge thick.
    """
    names = (*SIZE, *SHAPE[region.ndim])
    if not region.any():
        return np.array([0.0 if name in SIZE else np.nan for name in names])
    # mirp also correlates the intensities of all pairs of voxels, which takes minutes for a large region. It skips
    # this where only one voxel has an intensity in range, and no feature that we keep depends on intensity.
    marker = np.zeros(region.shape, np.float32)
    marker[tuple(np.argwhere(region)[0])] = 1
    return _mirp(
        marker, region, spacing_mm, names, base_feature_families=["morphological"],
        resegmentation_intensity_range=[0.5, 1.5],
    )  # fmt: skip


def texture(
    image: np.ndarray, region: np.ndarray, spacing_mm: Sequence[float], families: Sequence[str], bins: int
) -> np.ndarray:
    """Intensity and texture `(d,)` of an image `(*spatial)` inside a region, family by family as in `TEXTURE`.

    Intensities are discretised into `bins` bins between the region's lowest and highest. NaN where undefined: all of
    them without a region, co-occurrences in a single voxel.
    """
    names = [name for family in families for name in TEXTURE[family]]
    if not region.any():
        return np.full(len(names), np.nan)
    return _mirp(
        image, region, spacing_mm, names, base_feature_families=list(families),
        base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=bins,
    )  # fmt: skip


def _mirp(
    image: np.ndarray, region: np.ndarray, spacing_mm: Sequence[float], names: Sequence[str], **settings
) -> np.ndarray:
    with _quiet():
        from mirp import extract_features
        from mirp.data_import.import_image import import_image
        from mirp.data_import.import_mask import import_mask

        flat = image.ndim == 2
        if flat:
            image, region, spacing_mm = image[None], region[None], (float(np.mean(spacing_mm)), *spacing_mm)
        whole = import_image(np.asarray(image, np.float32), stack_images="no")[0]
        inside = import_mask(np.asarray(region, np.uint8), stack_masks="no")[0]
        whole.image_spacing = inside.image_spacing = tuple(float(edge) for edge in spacing_mm)
        table = extract_features(
            image=whole, mask=inside, by_slice=flat, stack_images="no", stack_masks="no", **settings
        )[0]  # fmt: skip
    return np.array([float(table[_column(name, table.columns)].iloc[0]) for name in names])


def _column(name: str, columns: Sequence[str]) -> str:
    """The column of a feature; mirp appends how it was computed: distance, dimension, merging, discretisation."""
    (column,) = (c for c in columns if re.fullmatch(rf"{name}((_d1|_a0|_3d|_2d|_fbn).*)?", c))
    return column


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep mirp from telling every step, from setting the root logger up for that, and from numerical warnings."""
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    logging.disable(max(disabled, logging.INFO))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
