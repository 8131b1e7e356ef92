"""2D pictures in one HDF5 file, each as the bytes of its JPEG, with a CSV that tells their classes: ISIC 2024."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from synthtrial.cohorts.case import CaseRef, RawCase, check_refs
from synthtrial.cohorts.case_table import CaseTable
from synthtrial.cohorts.class_names import ClassNames, Names
from synthtrial.cohorts.image_folder import file_id
from synthtrial.cohorts.layout import require_root
from synthtrial.cohorts.pictures import CHANNELS, check_colour, decode_picture, picture_affine
from synthtrial.errors import CohortError


@dataclass(frozen=True)
class ArchiveRef(CaseRef):
    """A picture of the archive.

    Attributes:
        key: its name in the archive.
    """

    key: str


class PictureArchive:
    """Pictures of one HDF5 file, read one by one; nothing is unpacked to disk.

    Args:
        name: of the cohort.
        root: folder of the cohort.
        file: the HDF5 file under `root`; each of its data sets holds the bytes of one picture.
        csv: the CSV file under `root` that tells the classes; other columns than those named here are not read.
        id_column: column of the pictures' names in the HDF5 file.
        target_column: column of the class.
        patient_column: column of the patient; None: each picture is a patient of its own.
        classes: value in the CSV -> name of the class; null leaves its pictures out. None: the values are the names.
        colour: "grey" or "RGB": what the generator is to see.
        other_colours: "refuse", or "convert": a coloured picture to grey, and a grey one to three equal channels.
        pixel_mm: size of a pixel, mm; 1 where it is unknown.
        where_to_get, layout: told when `root` is missing.

    Attributes:
        patients_known: whether the CSV tells the patients.
    """

    spatial_dims = 2

    def __init__(
        self,
        *,
        name: str,
        root: str,
        file: str,
        csv: str,
        id_column: str = "isic_id",
        target_column: str = "target",
        patient_column: str | None = "patient_id",
        classes: Names | None = None,
        colour: str = "RGB",
        other_colours: str = "refuse",
        pixel_mm: float = 1.0,
        where_to_get: str = "",
        layout: str = "",
    ) -> None:
        check_colour(colour, other_colours)
        ClassNames(classes)  # so that a mistake shows before the data is there
        self.name, self.unit, self.channels = name, colour, CHANNELS[colour]
        self.labels: list[str] = []
        self.root, self.file, self.csv, self.pixel_mm = Path(root), file, csv, pixel_mm
        self.other_colours, self.patients_known = other_colours, patient_column is not None
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
            CohortError: when the file can't be read, a picture has no row in the CSV, or a row no picture.
        """
        root = require_root(self.root, self.where_to_get, self.layout)
        path = root / self.file
        keys = list(opened_archive(path))
        table = CaseTable(root / self.csv, **self.table_settings)
        table.check_pictures([(key,) for key in keys], str(path))
        refs: list[CaseRef] = []
        for key in keys:
            label = table.labels[(key,)]
            if label is not None:
                case_id = file_id(key)
                patient = table.patient((key,)) or case_id
                refs.append(ArchiveRef(case_id, patient, "one", label, path, (), f"{path}:{key}", key=key))
        return check_refs(refs, f"the pictures of {path} with a class that cohort.classes keeps")

    def read(self, ref: CaseRef) -> RawCase:
        """Read one picture."""
        assert isinstance(ref, ArchiveRef) and ref.image is not None
        data = _stored_bytes(opened_archive(ref.image), ref)
        return RawCase(
            ref, decode_picture(data, ref.source, self.unit, self.other_colours), None, picture_affine(self.pixel_mm)
        )


def opened_archive(path: Path) -> Any:
    """The HDF5 file, opened once per process.

    Raises:
        CohortError: when it is not there or not HDF5, or h5py is not installed.
    """
    try:
        state = os.stat(path)
        return _open(str(path), state.st_mtime_ns, state.st_size)
    except ImportError as error:
        raise CohortError(f"{path} needs the package h5py: pip install 'synthtrial[hdf5]'") from error
    except OSError as error:
        raise CohortError(f"{path} can't be read as HDF5 ({error}): copy or download it again") from error


@lru_cache(maxsize=2)
def _open(path: str, modified: int, size: int) -> Any:
    """Open a file in the state that time and size tell: a new file of the same name is opened anew."""
    import h5py

    return h5py.File(path, "r")


def _stored_bytes(archive: Any, ref: ArchiveRef) -> bytes:
    """The bytes of a picture, which HDF5 holds as text, as opaque data or as an array of bytes."""
    try:
        value = archive[ref.key][()]
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise CohortError(f"{ref.source}: can't be read ({error}): copy or download the file again") from error
    return value if isinstance(value, bytes) else np.asarray(value).tobytes()
