"""Pictures of the memorisation audit: the closest pairs side by side, and how distances are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.fidelity.audit.copies import Nearest
from synthtrial.fidelity.audit.report import Audit, SpaceAudit
from synthtrial.fidelity.cases import Cases, common_window
from synthtrial.fidelity.pictures.pages import Cut, cut_plane
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

AXIAL = 2


def closest_pairs_page(pairs: Sequence[tuple[str, Nearest]], training: Cases, synthetic: Cases) -> Figure:
    """Synthetic cases beside their nearest training cases, and the difference; two pairs in a row.

    The training case is mirrored and shifted as it matched. Of a volume the axial slice is shown that holds most
    of the synthetic lesion, or without one most of the difference.

    Args:
        pairs: id of the synthetic case, and its nearest training case: `Audit.closest`.
        training: holds the training cases.
        synthetic: holds the synthetic ones.
    """
    from matplotlib.figure import Figure

    (low, high), unit = common_window(training)
    rows = -(-len(pairs) // 2)
    figure = Figure(figsize=(10.4, 2.15 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, 7, squeeze=False, width_ratios=(1, 1, 1, 0.05, 1, 1, 1))
    for axes in grid.flat:
        axes.set_axis_off()
    shown: AxesImage | None = None
    for index, (case_id, nearest) in enumerate(pairs):
        row = grid[index // 2, :3] if index % 2 == 0 else grid[index // 2, 4:]
        shown = _draw_pair(row, case_id, nearest, training, synthetic, (high - low) / 2)
    if shown is not None:
        label = f"synthetic less training, {unit}" if unit else "synthetic less training"
        figure.colorbar(shown, ax=grid, location="bottom", shrink=0.4, aspect=40, label=label, extend="both")
    return figure


def _draw_pair(
    row: np.ndarray, case_id: str, nearest: Nearest, training: Cases, synthetic: Cases, half_window: float
) -> AxesImage:
    image = synthetic.source.image(case_id)
    original = training.source.image(nearest.case_id)
    moved = nearest.alignment.onto(original) if nearest.alignment else original
    cuts = [_cut(one, image - moved, synthetic, case_id) for one in (image, moved, image - moved)]
    for axes, cut in zip(row[:2], cuts, strict=False):
        grey = len(cut.image) != 3
        pixels = cut.image[0] if grey else np.clip((cut.image.transpose(1, 2, 0) + 1) / 2, 0, 1)
        axes.imshow(pixels, cmap="gray", vmin=-1, vmax=1, aspect=cut.aspect, interpolation="nearest")
    difference = cuts[2].image.mean(axis=0) * half_window
    shown = row[2].imshow(
        difference, cmap="RdBu_r", vmin=-half_window, vmax=half_window, aspect=cuts[2].aspect, interpolation="nearest"
    )
    how = f"\n{_moves(nearest)}" if nearest.alignment and str(nearest.alignment) else "\n"
    row[0].set_title(f"{case_id}\n", fontsize="x-small", color=COLOURS["synthetic"])
    row[1].set_title(f"{nearest.case_id}{how}", fontsize="x-small", color=COLOURS["real"])
    numbers = f"distance {nearest.distance:.3f}\nscore {nearest.score:.2f}, limit {nearest.threshold:.2f}"
    row[2].set_title(numbers, fontsize="x-small")
    if nearest.copy:
        box = {"facecolor": "black", "linewidth": 0, "pad": 2}
        row[2].text(
            0.5, 0.06, "COPY", transform=row[2].transAxes, color="white", fontweight="bold", ha="center", bbox=box
        )
    return shown


def _moves(nearest: Nearest) -> str:
    """How the training case is shown, in few words."""
    assert nearest.alignment is not None
    mirrored = "mirrored" if any(nearest.alignment.mirrored) else ""
    shifted = "shifted " + ", ".join(map(str, nearest.alignment.shift)) if any(nearest.alignment.shift) else ""
    return ", ".join(filter(None, (mirrored, shifted)))


def _cut(image: np.ndarray, difference: np.ndarray, synthetic: Cases, case_id: str) -> Cut:
    spacing_mm = synthetic.source.spacing_mm
    mask = np.asarray(synthetic.source.mask(case_id))
    if len(spacing_mm) == 2:
        return Cut(image, mask, spacing_mm[0] / spacing_mm[1])
    if not mask.any():
        mask = np.zeros(image.shape[1:], np.uint8)
        mask[:, :, np.square(difference).sum(axis=(0, 1, 2)).argmax()] = 1
    return cut_plane(image, mask, AXIAL, spacing_mm)


def distance_figure(audit: Audit) -> Figure:
    """How near cases are to training cases: synthetic, real to other patients, and held-out; one row per space.

    At the left the distances, at the right the scores, with the limit below which a case is flagged.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 3.1 * len(audit.spaces) + 0.3), layout="constrained")
    grid = figure.subplots(len(audit.spaces), 2, squeeze=False, sharey=True)
    for row, (name, space) in zip(grid, audit.spaces.items(), strict=True):
        of_pixels = name == "pixels"
        where = "voxels" if of_pixels else f"features {name}"
        of_held_out = space.held_out or ()
        _draw_shares(
            row[0],
            np.array([one.distance for one in space.synthetic]),
            space.real_distances,
            np.array([one.distance for one in of_held_out]),
        )
        _draw_shares(
            row[1],
            np.array([one.score for one in space.synthetic]),
            space.real_scores,
            np.array([one.score for one in of_held_out]),
        )
        unit = "units of [-1, 1]" if of_pixels else "standard deviations"
        row[0].set(xlabel=f"distance to the nearest training case, {unit}", ylabel="share of cases up to it")
        row[1].set(xlabel="score: share of the usual distance")
        row[0].set_title(f"{where}: distance", fontsize="medium")
        _draw_limit(row[1], space)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _draw_shares(axes: Axes, synthetic: np.ndarray, real: np.ndarray, held_out: np.ndarray) -> None:
    """Cumulative distributions from the left edge, 0, on."""
    axes.ecdf(real, color=COLOURS["real"], label=f"real, to other patients (n = {len(real)})")
    if len(held_out):
        axes.ecdf(held_out, color=COLOURS["real"], linestyle=(0, (2, 1)), label=f"held-out real (n = {len(held_out)})")
    axes.ecdf(synthetic, color=COLOURS["synthetic"], label=f"synthetic (n = {len(synthetic)})")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.03)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_limit(axes: Axes, space: SpaceAudit) -> None:
    flagged = sum(one.copy for one in space.synthetic)
    axes.axvspan(0, space.threshold, color="0.92", zorder=0)
    axes.axvline(space.threshold, color="black", linewidth=1, linestyle="--")
    axes.text(
        space.threshold,
        0.98,
        f" limit {space.threshold:.2f} ",
        transform=axes.get_xaxis_transform(),
        ha="right" if space.threshold > 0.25 * axes.get_xlim()[1] else "left",
        va="top",
        fontsize="small",
    )
    held_out = "" if space.held_out_flagged is None else f", {100 * space.held_out_flagged:.0f} % of held-out patients"
    title = f"flagged: {flagged} of {len(space.synthetic)} synthetic cases{held_out}"
    axes.set_title(title, fontsize="medium")
