"""Offline augmentation: altered copies of the development cases, written beside the prepared cohort."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from synthtrial.cohorts.augment_settings import AugmentSettings
from synthtrial.cohorts.augment_transforms import Pair, altered
from synthtrial.cohorts.going_on import Done, map_unfinished
from synthtrial.cohorts.prepared import AUGMENTED_COLUMNS, INT16_SCALE
from synthtrial.cohorts.preparing_case import write_arrays
from synthtrial.errors import CohortError
from synthtrial.unfinished import Unfinished

logger = logging.getLogger(__name__)

TRIES = 10
"""Draws for a copy that still shows a lesion, before it is left out."""


def augment(
    unfinished: Unfinished, sources: Sequence[Mapping[str, Any]], *, settings: AugmentSettings, seed: int, workers: int
) -> None:
    """Write `augmented.csv` and `augmented/{images,masks}/` of a prepared cohort.

    Args:
        unfinished: the prepared cohort in the making.
        sources: rows of `cases.csv`, of the development cases alone.
        settings: which copies are made.
        seed: of the copies. A copy depends on it, its source, its kind and its number alone.
        workers: processes side by side.
    """
    folder = unfinished.files
    for name in {"images", "masks"} if any(row["mask"] for row in sources) else {"images"}:
        (folder / "augmented" / name).mkdir(parents=True, exist_ok=True)
    results = map_unfinished(
        partial(_done_copies, folder=folder, settings=settings, seed=seed),
        sources,
        name_of=lambda source: f"copies of {source['case_id']}",
        key_of=lambda source: f"{seed} {settings} {source} {unfinished.hashes('case ' + source['case_id'])}",
        workers=workers,
        unfinished=unfinished,
    )
    rows = [row for rows in track(results, "augmenting cases", total=len(sources)) for row in rows]
    pd.DataFrame(rows, columns=list(AUGMENTED_COLUMNS)).to_csv(folder / "augmented.csv", index=False)
    missing = len(sources) * len(settings.kinds) * settings.copies - len(rows)
    if missing:
        logger.warning(
            f"{missing} augmented copies were left out: in {TRIES} draws each they lost the lesion. "
            "Lower prepare.augment's translate, or leave more room around the lesion"
        )


def _done_copies(source: Mapping[str, Any], *, folder: Path, settings: AugmentSettings, seed: int) -> Done:
    rows = augment_case(source, folder=folder, settings=settings, seed=seed)
    return Done(rows, tuple(row[kind] for row in rows for kind in ("image", "mask") if row[kind]))


def augment_case(
    source: Mapping[str, Any], *, folder: Path, settings: AugmentSettings, seed: int
) -> list[dict[str, Any]]:
    """Write all copies of one case, and return their rows of `augmented.csv`."""
    image = np.load(folder / source["image"]).astype(np.float32) / INT16_SCALE
    mask = np.load(folder / source["mask"]) if source["mask"] else None
    rows = []
    with one_thread():
        for kind, number in product(settings.kinds, range(1, settings.copies + 1)):
            copy_id = f"{source['case_id']}-{kind}{number}"
            if (folder / "images" / f"{copy_id}.npy").exists():
                raise CohortError(
                    f"case {copy_id} has the id of an augmented copy of {source['case_id']}: "
                    "rename one of the two, or set prepare.augment=null"
                )
            copy = draw_copy((image, mask), copy_id, kind, settings, seed)
            if copy is None:
                continue
            files = write_arrays(folder, "augmented/", copy_id, *copy)
            known = {key: source[key] for key in ("patient_id", "label", "site")}
            known["image_sha256"] = hashlib.sha256((folder / files["image"]).read_bytes()).hexdigest()
            rows.append(
                {"case_id": copy_id, "source_case": source["case_id"], "kind": kind, "copy": number, **known, **files}
            )
    return rows


def draw_copy(pair: Pair, copy_id: str, kind: str, settings: AugmentSettings, seed: int) -> Pair | None:
    """Draw a copy until its mask shows something, if its source's does; None when that fails `TRIES` times."""
    words = np.frombuffer(hashlib.sha256(copy_id.encode()).digest(), "<u4").tolist()
    rng = np.random.default_rng([seed, *words])
    for _ in range(TRIES):
        copy = altered(pair, kind, settings, rng)
        if shows_lesion(copy) or not shows_lesion(pair):
            return copy
    return None


def shows_lesion(pair: Pair) -> bool:
    """Whether any voxel of the mask has a label."""
    return pair[1] is not None and bool(pair[1].any())


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute with one thread: workers share the cores, and the same bytes come from any number of them."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
