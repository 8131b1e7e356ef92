"""The instrument's own data sheet: how often this trial's verdict is wrong, as calibration has found."""

from __future__ import annotations

from synthtrial.calibration.datasheet import read_datasheet
from synthtrial.calibration.wording import rate_table, sentences, what_was_run
from synthtrial.report.blocks import Section, Text, Words, text_table
from synthtrial.report.results import Results

TITLE = "How far to trust the verdict"

MISSING = (
    "This copy of synthtrial comes without a data sheet: how often its verdict is wrong has not been measured. To "
    "measure it: make study STUDY=calibration, then python pipelines/calibrate.py --publish."
)


OF_SEGMENTATIONS = (
    "The trials were segmentations. A verdict on classifiers is reached by the same test, on pseudo-values of "
    "patients; its rate of false findings was checked by simulation alone (tests/classification/test_jackknife.py)."
)


def section(results: Results) -> Section:
    """The data sheet that comes with the package; of the study it depends on the task alone."""
    sheet = read_datasheet()
    if sheet is None:
        return Section("datasheet", TITLE, [Text(MISSING)])
    return Section(
        "datasheet",
        TITLE,
        [
            Text(
                "This trial was itself put to the test, on phantoms where the answer is known. These numbers are about "
                "the instrument, not about this study; other data and larger trials will differ."
            ),
            *of_classifiers(results),
            Words(sentences(sheet)),
            text_table(
                "datasheet",
                rate_table(sheet, "verdict"),
                "Share of calibration trials with a wrong verdict, by procedure, with Holm's correction and "
                "95 % intervals; for an arm that does help, the share in which it was found. Verdicts of this report "
                "are those of the first procedure.",
            ),
            Text(what_was_run(sheet)),
        ],
    )


def of_classifiers(results: Results) -> list[Text]:
    """What the data sheet does not cover where the study is about classifiers."""
    return [Text(OF_SEGMENTATIONS)] if results.task == "classify" else []
