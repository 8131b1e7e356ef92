"""What the reader of a comparison should know of the two folders: it forbids nothing, but changes the numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from synthtrial.fidelity.folder import ImageFolder
from synthtrial.fidelity.folder_files import has_masks
from synthtrial.fidelity.folder_reading import ending
from synthtrial.fidelity.folder_values import NARROW, off_scale
from synthtrial.hashing import file_sha256


def warnings_of(real: ImageFolder, synthetic: ImageFolder) -> tuple[str, ...]:
    """One sentence each; none for folders that are as they should be."""
    candidates = (
        _overlap(real, synthetic),
        _masks_of_one(real, synthetic),
        _jpeg_of_one(real, synthetic),
        _off_scale(real),
        _off_scale(synthetic),
    )
    return tuple(sentence for sentence in candidates if sentence)


def same_files(real: Sequence[Path], synthetic: Sequence[Path]) -> list[Path]:
    """The synthetic files that equal a real one byte by byte; only files of equal size are read."""
    by_size = defaultdict(list)
    for path in real:
        by_size[path.stat().st_size].append(path)
    maybe = [path for path in synthetic if path.stat().st_size in by_size]
    sizes = {path.stat().st_size for path in maybe}
    known = {file_sha256(path) for size in sizes for path in by_size[size]}
    return [path for path in maybe if file_sha256(path) in known]


def _overlap(real: ImageFolder, synthetic: ImageFolder) -> str | None:
    if real.folder.resolve() == synthetic.folder.resolve():
        return (
            "both folders are the same: a set is compared with itself, and halves of it that share images come out "
            "closer than the floor"
        )
    twins = same_files(real.files, synthetic.files)
    if not twins:
        return None
    return (
        f"{len(twins)} of {len(synthetic)} synthetic files equal a real one byte by byte, such as {twins[0]}: "
        "the sets overlap, and all numbers look better than they are"
    )


def _masks_of_one(real: ImageFolder, synthetic: ImageFolder) -> str | None:
    having = [folder.folder for folder in (real, synthetic) if has_masks(folder.folder)]
    return f"only {having[0]} has masks: images alone are compared" if len(having) == 1 else None


def _jpeg_of_one(real: ImageFolder, synthetic: ImageFolder) -> str | None:
    lossy = [any(ending(path) in (".jpg", ".jpeg") for path in folder.files) for folder in (real, synthetic)]
    return "only one set is in JPEG: the marks of its compression are measured, too" if lossy[0] != lossy[1] else None


def _off_scale(folder: ImageFolder) -> str | None:
    odd = off_scale(folder.intensities, folder.intensity_window)
    if not len(odd):
        return None
    low, high = folder.intensities.of_case[odd[0]]
    window = "{:g} to {:g}".format(*folder.intensity_window)
    return (
        f"{len(odd)} of {len(folder)} images in {folder.folder} use less than {NARROW:.0%} of the intensity window "
        f"{window}, such as {folder.files[odd[0]].name} ({low:g} to {high:g}): bring all images to one intensity "
        "scale, or little else is measured"
    )
