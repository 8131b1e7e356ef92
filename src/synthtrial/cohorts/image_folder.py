"""A folder of 2D pictures with a class each: from the folder's name, or from a CSV."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.case_table import CaseTable
from synthtrial.cohorts.checks import check_finite
from synthtrial.cohorts.class_names import ClassNames, Names
from synthtrial.cohorts.layout import FIELD, find_files, require_fields, require_root
from synthtrial.cohorts.pictures import CHANNELS, ENDINGS, check_colour, load_picture, picture_affine
from synthtrial.errors import ConfigError


class ImageFolder:
    """Pictures for classification; no masks.

    Args:
        name: of the cohort.
        root: folder of the cohort.
        image: pattern of the pictures under `root`, with `{case}` in it, its ending left out for all
            usual ones. `{class}/{case}` takes the class from the folder, a field `{patient}` the patient.
        colour: "grey" or "RGB": what the generator is to see.
        other_colours: "refuse", or "convert": a coloured picture to grey, and a grey one to three equal channels.
        csv: None, or a CSV file under `root` that tells the classes.
        id_column: column of the file name, with or without its ending.
        target_column: column of the class.
        patient_column: column of the patient; None: each picture is a patient of its own.
        classes: folder, or value in the CSV -> name of the class; null leaves its pictures out. None: as they are.
        pixel_mm: size of a pixel, mm; 1 where it is unknown.
        where_to_get, layout: told when `root` is missing.

    Attributes:
        patients_known: whether the folders or the CSV tell the patients.
    """

    spatial_dims = 2

    def __init__(
        self,
        *,
        name: str,
        root: str,
        image: str = "{class}/{case}",
        colour: str = "grey",
        other_colours: str = "refuse",
        csv: str | None = None,
        id_column: str = "id",
        target_column: str = "target",
        patient_column: str | None = None,
        classes: Names | None = None,
        pixel_mm: float = 1.0,
        where_to_get: str = "",
        layout: str = "",
    ) -> None:
        check_colour(colour, other_colours)
        require_fields(image, "case")
        if (csv is None) != ("class" in FIELD.findall(image)):
            raise ConfigError(
                "the class must come from one place: "
                f"{{class}} in cohort.image (now {image!r}) or cohort.csv (now {csv})"
            )
        self.name, self.unit, self.channels = name, colour, CHANNELS[colour]
        self.labels: list[str] = []
        self.root, self.image, self.csv, self.pixel_mm = Path(root), image, csv, pixel_mm
        self.other_colours, self.class_names = other_colours, ClassNames(classes)
        self.patients_known = "patient" in FIELD.findall(image) or (csv is not None and patient_column is not None)
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
            CohortError: for a folder that is no class, a picture without a row in the CSV, or a row without a picture.
        """
        root = require_root(self.root, self.where_to_get, self.layout)
        found = [(fields, path) for fields, path in find_files(root, self.image) if path.suffix.lower() in ENDINGS]
        refs = self._refs_from_folders(found) if self.csv is None else self._refs_from_table(root / self.csv, found)
        return check_refs(refs, f"{self.image} in {root} (pictures end in {', '.join(sorted(ENDINGS))})")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one picture."""
        assert ref.image is not None
        image = load_picture(ref.image, self.unit, self.other_colours)
        check_finite(image, ref.image)
        return RawCase(ref, image, None, picture_affine(self.pixel_mm))

    def _refs_from_folders(self, found: list[tuple[dict[str, str], Path]]) -> list[CaseRef]:
        if found:
            self.class_names.check_folders({fields["class"] for fields, _ in found}, str(self.root))
        return [
            self._ref(fields, path, label, None)
            for fields, path in found
            if (label := self.class_names.of(fields["class"])) is not None
        ]

    def _refs_from_table(self, path: Path, found: list[tuple[dict[str, str], Path]]) -> list[CaseRef]:
        table = CaseTable(path, **self.table_settings)
        keys = [(file.name,) if (file.name,) in table.labels else (file.stem,) for _, file in found]
        table.check_pictures(keys, f"{self.image!r} in {self.root}")
        return [
            self._ref(fields, file, label, table.patient(key))
            for (fields, file), key in zip(found, keys, strict=True)
            if (label := table.labels[key]) is not None
        ]

    def _ref(self, fields: dict[str, str], path: Path, label: str, patient: str | None) -> CaseRef:
        """Name a picture by its fields, so that equal file names in two folders stay apart."""
        case_id = "_".join(map(file_id, {**fields, "case": fields["case"].removesuffix(path.suffix)}.values()))
        return CaseRef(case_id, patient or fields.get("patient", case_id), "one", label, path, (), str(path))


def file_id(name: str) -> str:
    """A name without characters that trouble shells and web pages: `Bengin case (12)` becomes `Bengin-case-12`."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-")
