"""How drawn cases change with training and with number: one table of what `fidelity.amounts` has measured."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from synthtrial.fidelity.amounts import COLUMNS as AMOUNT_COLUMNS

COLUMNS = ("draw", "split", "images", "epochs", *AMOUNT_COLUMNS)


def read_grid(folders: Iterable[Path]) -> pd.DataFrame:
    """Read the parts of several draws of one generator, each from other weights of its training.

    Values of other `n_synthetic` are not to be compared as they are: the Frechet distance of few cases is too large by
    its bias, their Inception Score too low. Compare down the training at one share, or the kernel distance, which has
    no such bias.

    Args:
        folders: `fidelity/<draw>/<split>/` of each draw, measured with `fidelity.amounts`.

    Returns:
        One row per draw, method, share and metric, the shortest training first. Columns `draw, split, images, epochs,
        method, share, n_synthetic, n_real, metric, value`. `images`: real images that the weights have learned from
        (the draw's `snapshot`, or all of the training); `epochs`: the same per real case that the generator learned to
        make. Without folders or amounts there are columns and no rows.
    """
    parts = [_of_draw(Path(folder)) for folder in folders]
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(filled).sort_values(["images", "draw"], kind="stable", ignore_index=True)


def _of_draw(folder: Path) -> pd.DataFrame:
    facts = json.loads((folder / "fidelity.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "amounts.csv")
    images = facts["images_seen"]
    table = table.assign(draw=folder.parent.name, split=folder.name, images=images, epochs=images / facts["n_real"])
    return table[list(COLUMNS)]
