"""The verdict: per arm helps, harms or no evidence, with its effect and interval."""

from __future__ import annotations

import re
from typing import Any

from synthtrial.report import numbers
from synthtrial.report.baselines import baseline_warnings
from synthtrial.report.blocks import Banner, Block, Card, Cards, Column, Heading, Picture, Section, Table, Text, Words
from synthtrial.report.comparison import comparison_table
from synthtrial.report.forest_plot import forest_plot
from synthtrial.report.protocols import describe
from synthtrial.report.reach import reach_blocks
from synthtrial.report.results import Results
from synthtrial.report.sections.cohort_classes import patients_unknown
from synthtrial.report.tables import verdict_frame
from synthtrial.trial.protocol import protocol_of
from synthtrial.trial.words import counts_in_words, in_short, in_words


def section(results: Results) -> Section:
    """The first section of the page."""
    blocks: list[Block] = []
    protocol = describe(results.protocol)
    if protocol.leaky:
        blocks.append(
            Banner("LEAKY", f"{protocol.seen} The differences below are not evidence that synthetic data helps.")
        )
    say = in_short if len(results.contenders) > 1 else in_words
    blocks.append(Words([headline(results), *(typeset(sentence) for sentence in say(of_contenders(results)))]))
    if failed := unlearned(results):
        blocks.append(Banner("NOT LEARNED", failed))
    blocks += [*patients_unknown(results.profile), *baseline_warnings(results)]
    for model in results.contenders:
        blocks += model_blocks(results, model)
    blocks += [Heading("What was tested"), Text(what_the_test_is(results)), Text(what_is_what(results))]
    return Section("verdict", "Verdict", blocks)


def headline(results: Results) -> str:
    """How many arms help, harm, or show no evidence, in one sentence."""
    words = [
        row["verdict"]
        for block in of_contenders(results)["models"].values()
        for arm, row in block["arms"].items()
        if arm != results.reference
    ]
    if not words:
        return f"There is no arm to compare with {results.reference}."
    helps, harms, neither = (words.count(word) for word in ("helps", "harms", "no evidence"))
    compared = "comparisons" if len(results.contenders) > 1 else "arms"
    rest = f"; for {neither} there is no evidence either way." if neither else "."
    found = (
        f"{many(helps)} of {len(words)} {compared} help{third_person(helps)}, {many(harms)} harm{third_person(harms)}"
    )
    return f"Compared with {results.reference}, {found}{rest}"


def of_contenders(results: Results) -> dict[str, Any]:
    """The verdict without the baselines, which are trained on the reference alone."""
    models = results.verdict["models"]
    return {**results.verdict, "models": {name: models[name] for name in results.contenders}}


def unlearned(results: Results) -> str:
    """Which models did not learn, by arm, and why; empty where all did."""
    folds = results.fold_scores
    if "convergence" not in folds:
        return ""
    failed = folds[(folds["convergence"].fillna("") != "") & folds["arm"].isin(results.arms)]
    if not len(failed):
        return ""
    several = "repeat" in failed and folds["repeat"].nunique() > 1
    named = []
    for (model, arm), rows in failed.groupby(["model", "arm"], sort=False):
        places = [f"fold {row.fold}{f' repeat {row.repeat}' if several else ''}" for row in rows.itertuples()]
        reasons = "; ".join(dict.fromkeys(rows["convergence"]))
        named.append(f"{arm} ({model}): {', '.join(places)}: {reasons}")
    return "Models that failed to learn add the variance of their failure to the verdict. " + ". ".join(named) + "."


def many(n: int) -> str:
    """A count in a sentence."""
    return str(n) if n else "none"


def third_person(n: int) -> str:
    """The ending of the verb after a count; "none" takes the singular."""
    return "" if n > 1 else "s"


def typeset(sentence: str) -> str:
    """A sentence with true minus signs, closed by a full stop."""
    return re.sub(r"(?<![\w.])-(?=\d)", numbers.MINUS, sentence).rstrip(".") + "."


def model_blocks(results: Results, model: str) -> list[Block]:
    """Cards, effect plot and table of one segmenter or classifier."""
    frame = verdict_frame(results, model)
    compared = frame[frame["arm"] != results.reference]
    level = results.level
    counts = counts_in_words(frame.to_dict("records")[0], results.protocol)
    return [
        Heading(results.called(model)),
        *untrained(results, model),
        Cards([card(results, row) for row in frame.to_dict("records")]),
        Picture(
            name=f"effect_{model}",
            content=forest_plot(results, compared),
            caption=f"Difference of test {results.metric} to arm {results.reference} with its {level} interval, "
            f"{results.model_word} {model}. An interval that crosses the zero line leaves open whether the arm helps "
            "or harms. Each interval is for its arm alone; the verdict also allows for the number of arms.",
            alt=f"Effect plot: difference to {results.reference} with interval for each arm.",
            cases="test",
        ),
        Table(
            name=f"verdict_{model}",
            frame=frame,
            columns=verdict_columns(level),
            caption=f"Mean {results.metric} over {counts}, and its difference to {results.reference}. The verdict "
            "follows p adjusted.",
            cases="test",
        ),
        *comparison_table(results, model, compared),
        *reach_blocks(results, model, compared),
    ]


def untrained(results: Results, model: str) -> list[Text]:
    """Which arms a model has no results of, such as those with a focal loss of a logistic regression."""
    missing = [arm for arm in results.arms if arm not in results.arms_of(model)]
    if not missing:
        return []
    return [Text(f"Not here, since {model} can't be trained as it asks: {', '.join(missing)}.")]


def card(results: Results, row: dict) -> Card:
    """The card of one arm."""
    colour = results.colours[row["arm"]]
    if row["arm"] == results.reference:
        return Card(row["arm"], colour, "reference", numbers.dice(row["mean"]), [f"mean test {results.metric}"])
    lines = [
        f"{results.metric}, {numbers.interval(row['ci_low'], row['ci_high'])}",
        f"p adjusted {numbers.p_value(row['p_adjusted'])}",
    ]
    return Card(row["arm"], colour, row["verdict"], numbers.difference(row["difference"]), lines)


def verdict_columns(level: str) -> list[Column]:
    """How the verdict's table is shown."""
    return [
        Column("arm", "Arm", number=False),
        Column("verdict", "Verdict", number=False),
        Column("mean", "Mean", numbers.dice),
        Column("difference", "Difference", numbers.difference),
        Column("ci_low", f"{level} from", numbers.difference),
        Column("ci_high", "to", numbers.difference),
        Column("p", "p", numbers.p_value),
        Column("p_adjusted", "p adjusted", numbers.p_value),
    ]


def what_the_test_is(results: Results) -> str:
    """The statistics in words."""
    entries = results.verdict["models"][results.contenders[0]]["arms"]
    counts = counts_in_words(entries[results.reference], results.protocol)
    how = BY_SITE if protocol_of(results.protocol).judged_on_folds else CROSSED
    return (
        f"{how.format(counts=counts, reference=results.reference)} {whole_scores(results)}"
        "Training the same arm twice gives different models; the interval contains that, so a difference between two "
        "trainings is not mistaken for an effect of the data. p is adjusted over the arms of a "
        f"{results.model_word} (Holm). No evidence is an ordinary outcome: this trial, with its number of patients "
        "and trainings, could not tell the arms apart. It does not mean that they are equal."
    )


def whole_scores(results: Results) -> str:
    """How a score of all cases together is split among patients; empty where each case has a score of its own."""
    return f"{PSEUDOVALUES.format(metric=results.metric)} " if results.task == "classify" else ""


PSEUDOVALUES = (
    "{metric} belongs to all cases of a model together, so the score of a patient is a jackknife pseudo-value: what "
    "leaving this patient out takes from it. Their mean is the score itself."
)


CROSSED = (
    "Every model of every arm was judged on every test patient: {counts} per arm. The difference to {reference} is "
    "taken within the same fold and patient, and tested with a crossed random-effects model, in which both patients "
    "and folds are samples; repeats of a fold are averaged first. Where patients come from several sites, they are "
    "compared within their site: the verdict is for other patients of these sites."
)
BY_SITE = (
    "Every model was judged on the site that it left out: {counts} per arm. The difference to {reference} is averaged "
    "over the patients of a site, and the sites' means are tested by Student's t, each site counting once: the verdict "
    "is for other sites."
)


def what_is_what(results: Results) -> str:
    """Which figures are validation and which are test, under this study's protocol."""
    protocol = describe(results.protocol)
    return (
        f"Protocol {results.protocol}. {protocol.seen} Figures and tables marked TEST were measured on "
        f"{protocol.judged}; those marked VALIDATION on the cases that a fold left out of training. "
        f"{protocol.validation}"
    )
