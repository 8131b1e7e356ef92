"""What simple features give away: baselines that are trained on the reference alone, beside every classifier."""

from __future__ import annotations

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Text
from synthtrial.report.class_frames import Interval, score_interval
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results

RANKING = "auroc"
"""What separates classes, whatever the threshold: baselines are compared by it."""

GUESSING = 0.5
"""The AUROC of a guess."""


def in_words(baseline: str) -> str:
    """A baseline's name for readers: `size_only` is `size alone`."""
    return f"{baseline.removesuffix('_only').replace('_', ' ')} alone"


def baseline_warnings(results: Results) -> list[Block]:
    """A banner per baseline that separates the classes, and as well as some classifier; a sentence for the others.

    It separates them where the interval of its AUROC lies above 0.5, and as well as a classifier where its AUROC is
    not below the interval of the classifier's; both are trained on the reference.
    """
    blocks: list[Block] = []
    for baseline in results.baselines if results.contenders != results.baselines else []:
        found = score_interval(results.ensemble(baseline, results.reference), RANKING, results.alpha)
        of_classifiers = {
            name: score_interval(results.ensemble(name, results.reference), RANKING, results.alpha)
            for name in results.contenders
        }
        as_good = {name: score for name, score in of_classifiers.items() if found.value >= score.low}
        alone = in_words(baseline)
        if as_good and found.low > GUESSING:
            blocks.append(Banner("CONFOUNDED", confounded(results, alone, found, as_good)))
        else:
            blocks.append(Text(harmless(results, alone, found, as_good)))
    return blocks


def harmless(results: Results, alone: str, found: Interval, as_good: dict[str, Interval]) -> str:
    """What a baseline reaches that is no reason for a warning, and why it is none."""
    reached = f"{alone.capitalize()} reaches an AUROC of {with_interval(found)} on {describe(results.protocol).judged}"
    if not as_good:
        return f"{reached}, below the {results.level} interval of every classifier."
    others = " and ".join(as_good)
    return f"{reached}: it may be no more than guessing (0.5), but so few cases don't tell it from {others}."


def with_interval(score: Interval) -> str:
    """A score and its interval, such as `0.746 (0.585 to 0.907)`."""
    return f"{numbers.dice(score.value)} ({numbers.dice(score.low)} to {numbers.dice(score.high)})"


def confounded(results: Results, alone: str, found: Interval, as_good: dict[str, Interval]) -> str:
    """The warning, with the figures that it rests on."""
    named = ", ".join(f"{name} {with_interval(score)}" for name, score in as_good.items())
    every = "the classifier does" if len(results.contenders) == 1 else "these classifiers do"
    return (
        f"{alone.capitalize()} separates the classes as well as {every}: AUROC {with_interval(found)} against {named}, "
        f"{results.level} intervals, all trained on {results.reference}. A classifier that has learned no more than "
        "this feature would do as well, so a difference between arms may be about it alone."
    )
