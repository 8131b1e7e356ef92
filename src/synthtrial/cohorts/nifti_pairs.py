"""A folder of 3D images with one mask each, in any layout that two patterns can tell."""

from __future__ import annotations

import re
from pathlib import Path

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.checks import LabelValues, check_labels
from synthtrial.cohorts.layout import find_files, require_fields, require_root
from synthtrial.cohorts.nifti import read_pair
from synthtrial.errors import CohortError, ConfigError


class NiftiPairs:
    """NIfTI images and label maps, paired by the case id in their paths.

    Args:
        name: of the cohort.
        root: folder of the cohort.
        image: pattern of the image files under `root`, with `{case}` in it, such as `images/{case}.nii.gz`.
        mask: pattern of the mask files, likewise.
        labels: label name -> its value in the masks (or a list of values that are taken together).
        unit: of the image values: "HU" or "MR".
        patient: regular expression searched in the case id; its first group (or all of it) is the patient.
            None: the case id.
        site: likewise for the site. None: one site.
        channels: image channels, the fourth dimension of the image files.
        where_to_get, layout: told when `root` is missing.
    """

    spatial_dims = 3
    patients_known = True

    def __init__(
        self,
        *,
        name: str,
        root: str,
        image: str,
        mask: str,
        labels: LabelValues,
        unit: str = "HU",
        patient: str | None = None,
        site: str | None = None,
        channels: int = 1,
        where_to_get: str = "",
        layout: str = "",
    ) -> None:
        check_labels(labels)
        require_fields(image, "case")
        require_fields(mask, "case")
        self.name, self.unit, self.channels = name, unit, channels
        self.root = Path(root)
        self.image, self.mask = image, mask
        self.label_values, self.labels = dict(labels), list(labels)
        self.patient, self.site = _expression(patient, "patient"), _expression(site, "site")
        self.where_to_get, self.layout = where_to_get, layout

    def find(self) -> list[CaseRef]:
        """List the pairs.

        Raises:
            CohortError: for an image without mask, a mask without image, and an id met twice.
        """
        root = require_root(self.root, self.where_to_get, self.layout)
        images, masks = self._by_case(root, self.image), self._by_case(root, self.mask)
        _check_partners(images, masks, "image", "mask", self.mask)
        _check_partners(masks, images, "mask", "image", self.image)
        refs = [
            CaseRef(
                case_id=case_id,
                patient_id=_extract(self.patient, case_id, "patient", default=case_id),
                site=_extract(self.site, case_id, "site", default="one"),
                label="",
                image=path,
                masks=(masks[case_id],),
                source=str(path),
            )
            for case_id, path in images.items()
        ]
        return check_refs(refs, f"{self.image} and {self.mask} in {root}")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one pair; see `read_pair`."""
        return read_pair(ref, self.label_values, self.channels)

    def _by_case(self, root: Path, pattern: str) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for fields, path in find_files(root, pattern):
            twin = found.setdefault(fields["case"], path)
            if twin is not path:
                raise CohortError(
                    f"two files have the case id {fields['case']!r}: {twin} and {path}. "
                    f"Make the pattern {pattern!r} more narrow, or rename one"
                )
        return found


def _check_partners(some: dict[str, Path], others: dict[str, Path], kind: str, other_kind: str, pattern: str) -> None:
    """Refuse files without a partner, naming the first few."""
    alone = [str(path) for case_id, path in some.items() if case_id not in others]
    if alone:
        more = f" and {len(alone) - 3} more" if len(alone) > 3 else ""
        raise CohortError(
            f"{len(alone)} {kind} file(s) have no {other_kind}: {', '.join(alone[:3])}{more}. "
            f"Expected {other_kind}s at {pattern!r} in the cohort's root: add them, or take the {kind}s away"
        )


def _expression(expression: str | None, key: str) -> re.Pattern[str] | None:
    try:
        return None if expression is None else re.compile(expression)
    except re.error as error:
        raise ConfigError(f"cohort.{key}: {expression!r} is not a regular expression: {error}") from error


def _extract(expression: re.Pattern[str] | None, case_id: str, key: str, default: str) -> str:
    """Return what the expression finds in the case id: its first group, or all of it."""
    if expression is None:
        return default
    match = expression.search(case_id)
    if not match:
        raise CohortError(f"case {case_id}: cohort.{key} ({expression.pattern!r}) does not match this id")
    return match[1] if expression.groups else match[0]
