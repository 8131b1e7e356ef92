"""A folder of 2D pictures with a class each: from the folder's name, or from a CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.case_table import CaseTable
from synthtrial.cohorts.checks import check_finite
from synthtrial.cohorts.layout import FIELD, find_files, require_fields, require_root
from synthtrial.cohorts.pictures import CHANNELS, ENDINGS, check_colour, load_picture, picture_affine
from synthtrial.errors import CohortError, ConfigError


class ImageFolder:
    """Pictures for classification; no masks.

    Args:
        name: of the cohort.
        root: folder of the cohort.
        image: pattern of the pictures under `root`, with `{case}` in it, its ending left out for all
            usual ones. `{class}/{case}` takes the class from the folder, a field `{patient}` the patient.
        colour: "grey" or "RGB": what the generator is to see.
        csv: None, or a CSV file under `root` that tells the classes.
        id_column: column of the file name, with or without its ending.
        target_column: column of the class.
        patient_column: column of the patient; None: each picture is a patient of its own.
        classes: value in the CSV -> name of the class; None: the values are the names.
        pixel_mm: size of a pixel, mm; 1 where it is unknown.
        where_to_get, layout: told when `root` is missing.
    """

    spatial_dims = 2

    def __init__(
        self,
        *,
        name: str,
        root: str,
        image: str = "{class}/{case}",
        colour: str = "grey",
        csv: str | None = None,
        id_column: str = "id",
        target_column: str = "target",
        patient_column: str | None = None,
        classes: Mapping[str | int, str] | None = None,
        pixel_mm: float = 1.0,
        where_to_get: str = "",
        layout: str = "",
    ) -> None:
        check_colour(colour)
        require_fields(image, "case")
        if (csv is None) != ("class" in FIELD.findall(image)):
            raise ConfigError(
                "the class must come from one place: "
                f"{{class}} in cohort.image (now {image!r}) or cohort.csv (now {csv})"
            )
        self.name, self.unit, self.channels = name, colour, CHANNELS[colour]
        self.labels: list[str] = []
        self.root, self.image, self.csv, self.pixel_mm = Path(root), image, csv, pixel_mm
        self.table_settings: dict[str, Any] = {
            "id_columns": [id_column],
            "target_column": target_column,
            "patient_column": patient_column,
            "classes": classes,
        }
        self.where_to_get, self.layout = where_to_get, layout

    def find(self) -> list[CaseRef]:
        """List the pictures with their classes.

        Raises:
            CohortError: for a picture without a row in the CSV, or a row without a picture.
        """
        root = require_root(self.root, self.where_to_get, self.layout)
        found = [(fields, path) for fields, path in find_files(root, self.image) if path.suffix.lower() in ENDINGS]
        if self.csv is None:
            refs = [self._ref(fields, path, fields["class"], None) for fields, path in found]
        else:
            refs = self._refs_from_table(root / self.csv, found)
        return check_refs(refs, f"{self.image} in {root} (pictures end in {', '.join(sorted(ENDINGS))})")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one picture."""
        assert ref.image is not None
        image = load_picture(ref.image, self.unit)
        check_finite(image, ref.image)
        return RawCase(ref, image, None, picture_affine(self.pixel_mm))

    def _refs_from_table(self, path: Path, found: list[tuple[dict[str, str], Path]]) -> list[CaseRef]:
        table = CaseTable(path, **self.table_settings)
        refs, used = [], set()
        for fields, picture in found:
            key = (picture.name,) if (picture.name,) in table.labels else (picture.stem,)
            used.add(key)
            refs.append(self._ref(fields, picture, table.label(key, picture), table.patient(key, picture)))
        missing = [key[0] for key in table.labels if key not in used]
        if missing and found:
            raise CohortError(
                f"{path} names {len(missing)} picture(s) that {self.image!r} does not find in {self.root}, "
                f"the first is {missing[0]}: add them, or remove their rows"
            )
        return refs

    def _ref(self, fields: dict[str, str], path: Path, label: str, patient: str | None) -> CaseRef:
        """Name a picture by its fields, so that equal file names in two folders stay apart."""
        case_id = "_".join({**fields, "case": fields["case"].removesuffix(path.suffix)}.values())
        return CaseRef(case_id, patient or fields.get("patient", case_id), "one", label, path, (), str(path))
