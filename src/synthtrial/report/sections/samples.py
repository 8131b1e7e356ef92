"""Real cases beside synthetic ones, drawn at random and not picked for their looks."""

from __future__ import annotations

from synthtrial.report.blocks import Picture, Section, Text
from synthtrial.report.results import Results
from synthtrial.report.synthesis import Synthesis

PAGE = "samples"
"""The fidelity stage's figure that is a sample page."""


def section(results: Results) -> Section:
    """One page per generator."""
    pages = [page for synthesis in results.pictured for page in pictures(results, synthesis)]
    return Section("samples", "Real beside synthetic", pages or [Text("There are no sample pages in this study.")])


def pictures(results: Results, synthesis: Synthesis) -> list[Picture]:
    """The sample page of one generator, where the fidelity stage made one."""
    labels = results.cohort.labels
    where = "where its lesion is largest" if labels else "through its middle"
    planes = (
        f" Each case is cut in three planes {where}; R and L, A and P mark the patient's sides."
        if results.cohort.facts["spatial_dims"] == 3
        else ""
    )
    outlines = f"; outlines are the labels of the mask, which {mask_origin(synthesis)}" if labels else ""
    return [
        Picture(
            name=f"samples_{synthesis.draw}_{synthesis.split}",
            content=path,
            caption=f"Left: real cases that generator {synthesis.draw} saw. Right: synthetic cases drawn from it. "
            f"Both were chosen at random, so rows are not pairs.{planes} The grey scale is the cohort's intensity "
            f"window{outlines}.",
            alt=f"Real cases beside cases of generator {synthesis.draw}"
            + (", with their masks outlined." if labels else "."),
        )
        for path in synthesis.fidelity_figures
        if path.stem == PAGE
    ]


def mask_origin(synthesis: Synthesis) -> str:
    """Where the masks of synthetic cases come from."""
    facts = synthesis.cohort.facts
    masks = facts["settings"]["masks"]
    if facts["conditions_on"] == "mask" and masks != "generator":
        return f"at the right was given to the generator (synthesis.masks: {masks})"
    return "is synthetic at the right too"
