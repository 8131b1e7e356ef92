"""Write a form as one HTML page that needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from synthtrial.fidelity.pictures.style import LABEL_COLOURS
from synthtrial.fidelity.turing.pictures import Stack, of_one_size


@dataclass(frozen=True)
class Scene:
    """What is true for all cases of a form, real or not.

    Attributes:
        title: what the page is called.
        size_mm: width and height of a slice.
        pixels: columns and rows of a slice.
        slices: number of slices per case.
        labels: names of the outlined labels; empty where no masks are shown.
        grey: what black and white stand for, such as `-1000 to 600 HU`; empty where this differs between cases.
    """

    title: str
    size_mm: tuple[float, float]
    pixels: tuple[int, int]
    slices: int
    labels: Sequence[str]
    grey: str


def form_id_of(blinded_ids: Sequence[str], stacks: Sequence[Stack]) -> str:
    """A short name of a form that follows from all that it shows; no spreadsheet takes it for a number."""
    digest = hashlib.sha256(" ".join(blinded_ids).encode())
    for stack in stacks:
        digest.update(b"".join(stack.pictures))
        digest.update(repr(stack.outlines).encode())
    return f"f{digest.hexdigest()[:9]}"


def render_form(form_id: str, blinded_ids: Sequence[str], stacks: Sequence[Stack], scene: Scene) -> str:
    """The whole page.

    Args:
        form_id: its name, which the raters' CSV files carry.
        blinded_ids: of the cases, in the order shown.
        stacks: their slices, in the same order.
        scene: what they have in common.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    colours = [LABEL_COLOURS[k % len(LABEL_COLOURS)] for k in range(len(scene.labels))]
    return environment.from_string(_package_text("form.html.j2")).render(
        style=_package_text("form.css"),
        script=_package_text("form.js"),
        scene=scene,
        labels=list(zip(scene.labels, colours, strict=True)),
        form={
            "form_id": form_id,
            "size_mm": scene.size_mm,
            "pixels": scene.pixels,
            "colours": colours,
            "cases": _cases(blinded_ids, stacks),
        },
    )


def _cases(blinded_ids: Sequence[str], stacks: Sequence[Stack]) -> list[dict[str, object]]:
    """The cases as the page's script takes them; all pictures are equally long."""
    padded = iter(of_one_size([picture for stack in stacks for picture in stack.pictures]))
    return [
        {
            "id": blinded_id,
            "start": stack.start,
            "pictures": [base64.b64encode(next(padded)).decode() for _ in stack.pictures],
            "outlines": stack.outlines,
        }
        for blinded_id, stack in zip(blinded_ids, stacks, strict=True)
    ]


def _package_text(name: str) -> str:
    """A text file that lies beside this module."""
    return files("synthtrial.fidelity.turing").joinpath(name).read_text(encoding="utf-8")
