"""The key of a form, which tells real from synthetic and is never in the form itself."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from synthtrial.atomic import atomic_file, write_json
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.turing.choosing import Shown

KEY_FOLDER = "key"


@dataclass(frozen=True)
class Key:
    """What a form showed.

    Attributes:
        facts: content of `form.json`: `form_id, study, cohort, generator, split, weights_sha256, seed, slices, mask,
            n_real, n_synthetic, form_sha256`.
        shown: the cases in the form's order, content of `key.csv`.
    """

    facts: dict[str, Any]
    shown: list[Shown]

    @property
    def form_id(self) -> str:
        """The form that this key is for."""
        return str(self.facts["form_id"])


def write_key(folder: Path, key: Key) -> None:
    """Write `key/key.csv` and `key/form.json` into the folder of a form."""
    with (
        atomic_file(folder / KEY_FOLDER / "key.csv") as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.DictWriter(file, [field.name for field in fields(Shown)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(case) for case in key.shown)
    write_json(folder / KEY_FOLDER / "form.json", key.facts)


def read_key(folder: Path) -> Key:
    """Read the key from the folder of a form.

    Raises:
        SynthtrialError: when there is none, or it can't be read.
    """
    table, facts = folder / KEY_FOLDER / "key.csv", folder / KEY_FOLDER / "form.json"
    for path in (table, facts):
        if not path.is_file():
            raise SynthtrialError(
                f"no {path}: give the folder that `turing_test.py build` wrote, such as out/demo/turing/dcgan"
            )
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [Shown(**{**row, "order": int(row["order"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]
        return Key(json.loads(facts.read_text(encoding="utf-8")), rows)
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise SynthtrialError(f"the key in {table.parent} has been changed and can't be read: {error}") from error
