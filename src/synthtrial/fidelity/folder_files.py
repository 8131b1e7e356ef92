"""Which files of a plain folder are images, and which are their masks."""

from __future__ import annotations

from pathlib import Path

from synthtrial.errors import CohortError
from synthtrial.fidelity.folder_reading import ENDINGS, ending

MASK_FOLDERS = ("masks", "labels")


def image_folder(folder: Path) -> Path:
    """Where the images are: in `images/` if there is such a subfolder, else in the folder itself.

    Raises:
        CohortError: when there is no such folder.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise CohortError(f"{folder} {what}: expected a folder of images (PNG, JPEG or NIfTI)")
    return folder / "images" if (folder / "images").is_dir() else folder


def mask_folder(folder: Path) -> Path | None:
    """Where the masks are: the subfolder `masks/` or `labels/`; None without one."""
    return next((folder / name for name in MASK_FOLDERS if (folder / name).is_dir()), None)


def has_masks(folder: Path) -> bool:
    return mask_folder(folder) is not None


def files_by_case(folder: Path) -> dict[str, Path]:
    """Image files by their names without ending, sorted; hidden files and those of other kinds are passed over.

    Raises:
        CohortError: when there is none, or two differ in their ending alone.
    """
    found: dict[str, Path] = {}
    others = []
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if not (path.is_file() and ending(path)):
            others.append(path.name + "/" * path.is_dir())
            continue
        case_id = path.name[: -len(ending(path))]
        if case_id in found:
            raise CohortError(f"{found[case_id]} and {path} would be one case: keep one of them")
        found[case_id] = path
    if not found:
        inside = f"it holds {', '.join(others[:3])}{', ...' * (len(others) > 3)}" if others else "it is empty"
        raise CohortError(f"no image in {folder} ({inside}): expected files that end in {', '.join(ENDINGS)}")
    return dict(sorted(found.items()))


def masks_by_case(folder: Path, images: dict[str, Path]) -> dict[str, Path]:
    """The mask file of each image, by names without ending.

    Raises:
        CohortError: for an image without mask, a mask without image, or a mask in JPEG, which changes values.
    """
    masks = files_by_case(folder)
    for some, others, kind, other_kind in ((images, masks, "image", "mask"), (masks, images, "mask", "image")):
        alone = [str(path) for case_id, path in some.items() if case_id not in others]
        if alone:
            raise CohortError(
                f"{len(alone)} {kind}(s) have no {other_kind} of the same name: {', '.join(alone[:3])}"
                f"{', ...' * (len(alone) > 3)}. Add them, or take {folder} away to compare images alone"
            )
    lossy = [path for path in masks.values() if ending(path) in (".jpg", ".jpeg")]
    if lossy:
        raise CohortError(f"{lossy[0]}: JPEG changes values, so it can't hold labels: save masks as PNG or NIfTI")
    return masks
