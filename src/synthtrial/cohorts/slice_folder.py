"""A folder of 2D slices, each outlined by one or several human readers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.case_table import CaseTable
from synthtrial.cohorts.checks import check_finite
from synthtrial.cohorts.layout import FIELD, find_files, require_fields, require_root
from synthtrial.cohorts.pictures import CHANNELS, check_colour, load_marks, load_picture, picture_affine
from synthtrial.cohorts.surplus_plane import drop_surplus_plane
from synthtrial.errors import CohortError, ConfigError
from synthtrial.params import construct


class SliceFolder:
    """2D slices with a mask per human reader; a pixel is lesion when enough readers marked it.

    The fields of the patterns name a case: `{patient}/{nodule}/images/{slice}.png` yields `PATIENT_NODULE_SLICE`.
    Slices that differ in `{slice}` alone belong to one group (here a nodule).

    Args:
        name: of the cohort.
        root: folder of the cohort.
        image: pattern of the images, with `{patient}` and `{slice}` in it.
        mask: pattern of the masks with the same fields; a `*` matches the human readers.
        readers: a pixel counts when at least so many of them marked it. An empty mask is a reader who marked nothing.
        label: name of what they marked.
        slices: "all", or "largest": of each group the slice where the most pixels count.
        colour: "grey" or "RGB".
        other_colours: "refuse", or "convert": a coloured slice to grey, and a grey one to three equal channels.
        pixel_mm: size of a pixel, mm; 1 where it is unknown.
        classes: None, or the settings of a `CaseTable`: its `file` under `root`, `id_columns` (named as fields of the
            patterns), `target_column`; its own `classes` may name them.
        keep: classes to keep; None: all.
        where_to_get, layout: told when `root` is missing.
    """

    spatial_dims = 2
    patients_known = True

    def __init__(
        self,
        *,
        name: str,
        root: str,
        image: str,
        mask: str,
        readers: int = 1,
        label: str = "lesion",
        slices: str = "all",
        colour: str = "grey",
        other_colours: str = "refuse",
        pixel_mm: float = 1.0,
        classes: dict | None = None,
        keep: Sequence[str] | None = None,
        where_to_get: str = "",
        layout: str = "",
    ) -> None:
        check_colour(colour, other_colours)
        for pattern in (image, mask):
            require_fields(pattern, "patient", "slice")
        if set(FIELD.findall(image)) != set(FIELD.findall(mask)):
            raise ConfigError(f"cohort.image {image!r} and cohort.mask {mask!r} must have the same fields in {{}}")
        if slices not in ("all", "largest"):
            raise ConfigError(f"cohort.slices: {slices!r} is unknown; there are all, largest")
        if classes is not None and not (
            isinstance(classes.get("file"), str) and set(classes.get("id_columns") or ()) <= set(FIELD.findall(image))
        ):
            raise ConfigError("cohort.classes needs a file, and id_columns that are fields of cohort.image")
        if readers < 1:
            raise ConfigError(f"cohort.readers is {readers}; at least 1 reader must agree")
        self.name, self.unit, self.channels, self.labels = name, colour, CHANNELS[colour], [label]
        self.root = Path(root)
        self.image, self.mask, self.other_colours = image, mask, other_colours
        self.readers, self.slices, self.pixel_mm = readers, slices, pixel_mm
        self.classes, self.keep = classes, keep
        self.where_to_get, self.layout = where_to_get, layout

    def find(self) -> list[CaseRef]:
        """List the slices.

        Raises:
            CohortError: for an image without mask, a mask without image, or a mask that a slice of a group lacks.
        """
        root = require_root(self.root, self.where_to_get, self.layout)
        masks = defaultdict(list)
        for fields, path in find_files(root, self.mask):
            masks[self._key(fields)].append(path)
        table = self._table(root)
        groups = defaultdict(list)
        for fields, path in find_files(root, self.image):
            key = self._key(fields)
            label = table.label(tuple(fields[c] for c in table.id_columns), path) if table else ""
            if label is None:
                masks.pop(key, None)
                continue
            ref = CaseRef(
                case_id="_".join(key),
                patient_id=fields["patient"],
                site="one",
                label=label,
                image=path,
                masks=tuple(masks.pop(key, ())),
                source=str(path),
            )
            groups[tuple(value for name, value in fields.items() if name != "slice")].append(ref)
        self._check_no_mask_left(masks)
        for group in groups.values():
            self._check_readers(group)
        kept = [[ref for ref in group if self.keep is None or ref.label in self.keep] for group in groups.values()]
        if groups and not any(kept):
            known = sorted({ref.label for group in groups.values() for ref in group})
            raise ConfigError(f"cohort.keep {list(self.keep or [])} leaves no case; the classes are {', '.join(known)}")
        if self.slices == "largest":
            kept = [[max(group, key=self._area)] for group in kept if group]
        return check_refs([ref for group in kept for ref in group], f"{self.image} and {self.mask} in {root}")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one slice and the consensus of its readers."""
        assert ref.image is not None
        image = load_picture(ref.image, self.unit, self.other_colours)
        check_finite(image, ref.image)
        image, mask, warnings = drop_surplus_plane(image, self._consensus(ref), ref)
        return RawCase(ref, image, mask, picture_affine(self.pixel_mm), warnings)

    def _consensus(self, ref: CaseRef) -> np.ndarray:
        """Uint8 `(rows, columns)`: 1 where at least `self.readers` readers marked."""
        marks = [load_marks(path) for path in ref.masks]
        for path, mark in zip(ref.masks, marks, strict=True):
            if mark.shape != marks[0].shape:
                raise CohortError(f"{path} is {mark.shape} pixels, but {ref.masks[0]} is {marks[0].shape}")
        return (np.sum(marks, axis=0) >= self.readers).astype(np.uint8)

    def _area(self, ref: CaseRef) -> int:
        return int(self._consensus(ref).sum())

    def _key(self, fields: dict[str, str]) -> tuple[str, ...]:
        return tuple(fields[name] for name in dict.fromkeys(FIELD.findall(self.image)))

    def _table(self, root: Path) -> CaseTable | None:
        if self.classes is None:
            return None
        settings = {key: value for key, value in self.classes.items() if key != "file"}
        return construct(CaseTable, {"path": root / self.classes["file"], **settings}, "cohort.classes")

    def _check_no_mask_left(self, masks: dict[tuple[str, ...], list[Path]]) -> None:
        if masks:
            path = next(iter(masks.values()))[0]
            raise CohortError(
                f"{len(masks)} slice(s) have a mask but no image, the first is {path}. "
                f"Expected the image at {self.image!r} in the cohort's root"
            )

    def _check_readers(self, group: list[CaseRef]) -> None:
        most = max(len(ref.masks) for ref in group)
        for ref in group:
            if not ref.masks:
                raise CohortError(f"{ref.image} has no mask. Expected one at {self.mask!r} in the cohort's root")
            if len(ref.masks) < most:
                raise CohortError(
                    f"{ref.image} has {len(ref.masks)} masks, but other slices of the same group have {most}: "
                    "a mask is missing (a reader who marked nothing has an all-zero mask)"
                )
        if most < self.readers:
            raise CohortError(
                f"{group[0].image}: cohort.readers asks for {self.readers} readers who agree, but there are only {most}"
            )
