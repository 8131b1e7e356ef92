"""Put the sections on one HTML page that stands alone: figures and style are inside it, it needs no script."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from synthtrial.report.blocks import Picture, Section
from synthtrial.report.figure_files import data_uri
from synthtrial.report.figure_style import PAGE_INCHES
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results

CSS_PER_INCH = 100
"""At this scale the 9-point text of a figure is a little smaller than the text of the page."""


def render(results: Results, sections: list[Section], pictures: dict[str, Path]) -> str:
    """The whole page.

    Args:
        results: of the study, for the head of the page.
        sections: in reading order.
        pictures: the PNG of every picture by its name.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(package_text("page.html.j2"))
    return template.render(
        style=package_text("style.css"),
        study=results.study,
        title=results.params["study"].get("title") or results.study,
        facts=head_facts(results),
        leaky=describe(results.protocol).leaky,
        sections=sections,
        image=lambda picture: data_uri(pictures[picture.name]),
        width=display_width,
    )


def head_facts(results: Results) -> list[tuple[str, str]]:
    """The few facts under the title."""
    cohort = results.cohort
    shape = " × ".join(str(n) for n in cohort.shape)
    return [
        (
            "Cohort",
            f"{cohort.facts['name']}: {len(cohort.cases)} cases, {cohort.cases['patient_id'].nunique()} patients",
        ),
        ("Grid", f"{shape} voxels" if len(cohort.shape) == 3 else f"{shape} pixels"),
        ("Development", f"{len(cohort.development)} cases in {len(cohort.folds)} folds"),
        ("Test", f"{len(cohort.test)} cases of {len(cohort.patients(cohort.test))} patients"),
        ("Protocol", results.protocol),
        ("Generators", ", ".join(results.params["generator_names"]) or "none"),
        ("Segmenters", ", ".join(results.segmenters)),
    ]


def display_width(picture: Picture) -> int:
    """Width of a picture on the page, CSS pixels: its own width in inches, at most that of the page."""
    if isinstance(picture.content, Path):
        from PIL import Image

        with Image.open(picture.content) as image:
            dpi = float(image.info.get("dpi", (CSS_PER_INCH,))[0])
            inches = max(image.width / dpi, 3)
    else:
        inches = picture.content.get_figwidth()
    return round(CSS_PER_INCH * min(inches, PAGE_INCHES))


def package_text(name: str) -> str:
    """A text file that lies beside this module."""
    return files("synthtrial.report").joinpath(name).read_text(encoding="utf-8")
