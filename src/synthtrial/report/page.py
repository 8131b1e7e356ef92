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
from synthtrial.trial.protocol import protocol_of

CSS_PER_INCH = 100
"""At this scale the 9-point text of a figure is a little smaller than the text of the page."""


def render(results: Results, sections: list[Section], pictures: dict[str, Path]) -> str:
    """The page of a finished study.

    Args:
        results: of the study, for the head of the page.
        sections: in reading order.
        pictures: the PNG of every picture by its name.
    """
    title = results.params["study"].get("title") or results.study
    leaky = describe(results.protocol).leaky
    return render_page(results.study, title, head_facts(results), sections, pictures, leaky=leaky)


def render_page(
    study: str,
    title: str,
    facts: list[tuple[str, str]],
    sections: list[Section],
    pictures: dict[str, Path],
    *,
    leaky: bool = False,
) -> str:
    """Any page of sections.

    Args:
        study: its name.
        title: the heading.
        facts: names and values under it.
        sections: in reading order.
        pictures: the PNG of every picture by its name.
        leaky: whether to mark the protocol among the facts, every verdict, and whatever was measured on test cases.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(package_text("page.html.j2"))
    return template.render(
        style=package_text("style.css"),
        study=study,
        title=title,
        facts=facts,
        leaky=leaky,
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
        ("Judged", judged_cases(results)),
        ("Protocol", results.protocol),
        ("Generators", ", ".join(results.params["generator_names"]) or "none"),
        (f"{results.model_word.capitalize()}s", ", ".join(results.models)),
    ]


def judged_cases(results: Results) -> str:
    """How many cases, of how many patients, the verdict rests on, and which they are."""
    cohort, protocol = results.cohort, protocol_of(results.protocol)
    case_ids = {case_id for fold in range(len(cohort.folds)) for case_id in protocol.judged(cohort, fold)}
    return f"{len(case_ids)} cases of {len(cohort.patients(case_ids))} patients: {describe(results.protocol).judged}"


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
