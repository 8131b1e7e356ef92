"""The learning curve: the score over the number of real cases, and how many of them a synthetic set is worth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Column, Picture, Section, Table, Text, Words
from synthtrial.report.figure_style import house_style, light_grid, new_figure
from synthtrial.report.per_model import per_model
from synthtrial.report.protocols import describe
from synthtrial.report.results import Results
from synthtrial.report.worth import Curve, Reading, read_learning_curve
from synthtrial.trial.protocol import protocol_of


def section(results: Results) -> Section:
    """One figure and two tables per segmenter or classifier; nothing for a study without a learning curve."""
    blocks: list[Block] = []
    if results.learning_curve is not None:
        if describe(results.protocol).leaky:
            blocks.append(
                Banner("LEAKY", "The generators saw the test cases: what they are worth here proves nothing.")
            )
        blocks.append(Text(how_to_read(results)))
        blocks += per_model(results, results.contenders, partial(model_blocks, results))
    return Section("learning_curve", "What synthetic cases are worth", blocks)


def model_blocks(results: Results, model: str) -> list[Block]:
    """What one segmenter or classifier gains from more real cases, and from synthetic ones."""
    curve = read_learning_curve(results, model)
    level = results.level
    whole = [reading for reading in curve.readings if reading.share == 1]
    words = [Words([headline(whole), *(sentence(reading, level) for reading in whole)])] if whole else []
    return [
        *words,
        Picture(
            name=f"learning_curve_{model}",
            content=curve_plot(results, curve),
            caption=f"Mean test {results.metric} over the real training cases of a fold (logarithmic), "
            f"{results.model_word} {model}; bands are {level} intervals. An arrow goes from an arm to where "
            f"{results.reference} alone would be as good: its length is what the synthetic cases are worth. Dashed: "
            "synthetic cases alone.",
            alt="Learning curves of the arms over the number of real cases.",
            cases="test",
        ),
        worth_table(results, curve, model, level),
        curve_table(results, curve, model, level),
    ]


def headline(readings: Sequence[Reading]) -> str:
    """How many arms of real and synthetic cases are worth more real cases than they have, by their intervals."""
    mixed = [reading for reading in readings if reading.cases]
    worth = sum(reading.needed.low > reading.cases for reading in mixed)
    verb, pronoun = ("are", "they have") if worth > 1 else ("is", "it has")
    found = f"{worth or 'None'} of {len(mixed)} arms of real and synthetic cases {verb}"
    return f"{found} clearly worth more real cases than {pronoun}."


def sentence(reading: Reading, level: str) -> str:
    """What an arm is worth, in words."""
    needed = f"{reading.needed_text('value')} real cases alone ({level} interval {reading.needed_interval()})"
    if not reading.cases:
        return f"{reading.arm}, without any real case, is as good as {needed}."
    worth = f"{reading.worth_text('value')} real cases ({reading.worth_interval()})"
    own = f"{reading.arm}, with {reading.cases:.0f} real cases, is as good as {needed}"
    return f"{own}: beside them the synthetic ones are worth {worth}."


def worth_table(results: Results, curve: Curve, model: str, level: str) -> Table:
    """How many real cases each arm is worth."""
    return Table(
        name=f"worth_{model}",
        frame=curve.worth_frame(),
        columns=[
            Column("arm", "Arm", number=False),
            Column("cases", "Real cases", lambda n: f"{n:.0f}"),
            Column("as_good_as", f"As good as real cases of {results.reference}"),
            Column("as_good_as_interval", f"{level} interval", number=False),
            Column("worth", "Worth in real cases"),
            Column("worth_interval", f"{level} interval", number=False),
            Column("caution", "Read with care", number=False),
        ],
        caption=f"How many real cases {results.reference} alone needs for the mean test {results.metric} of each arm, "
        "and what that leaves for its synthetic cases: below zero where they do harm. More than, fewer than: the score "
        "lies outside of the curve, so at 100 % no gain can be counted, only told.",
        cases="test",
    )


def curve_table(results: Results, curve: Curve, model: str, level: str) -> Table:
    """The points of the curve, and each arm against the reference with as many real cases."""
    return Table(
        name=f"learning_curve_{model}",
        frame=curve.points,
        columns=[
            Column("arm", "Arm", number=False),
            Column("share", "Share of real cases", lambda share: f"{100 * share:g} %"),
            Column("cases", "Real cases", lambda n: f"{n:.0f}"),
            Column("mean", "Mean", numbers.dice),
            Column("low", f"{level} from", numbers.dice),
            Column("high", "to", numbers.dice),
            Column("difference", f"Difference to {results.reference} at this share", numbers.difference),
            Column("ci_low", f"{level} from", numbers.difference),
            Column("ci_high", "to", numbers.difference),
        ],
        caption=f"Mean test {results.metric} over fold models and patients, and the difference to the same share of "
        f"{results.reference}. Each interval is for itself; these arms take no part in the verdict.",
        cases="test",
    )


@house_style
def curve_plot(results: Results, curve: Curve) -> Figure:
    """Mean score over real cases with bands, a line per arm, and arrows to the reference's curve."""
    figure, grid = new_figure(height=3.6, width=7.2)
    axes = grid[0, 0]
    for arm, points in curve.points.groupby("base", sort=False):
        colour, marker = results.colours[arm], results.markers[arm]
        axes.plot(points["cases"], points["mean"], color=colour, marker=marker, markersize=6, label=arm)
        axes.fill_between(points["cases"], points["low"], points["high"], color=colour, alpha=0.15, linewidth=0)
    for reading in curve.readings:
        colour, exact = results.colours[reading.base], curve.fewest <= reading.needed.value <= curve.most
        if not reading.cases:
            axes.axhline(reading.mean, color=colour, linestyle="--", linewidth=1.4, label=reading.arm)
            if exact:
                axes.plot(reading.needed.value, reading.mean, marker=results.markers[reading.base], color=colour)
            continue
        if reading.arm not in set(curve.points["arm"]):
            mark = {"marker": results.markers[reading.base], "linestyle": "", "markersize": 6, "label": reading.arm}
            axes.plot(reading.cases, reading.mean, color=colour, **mark)
        if exact:
            arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.2, "shrinkA": 5, "shrinkB": 0}
            axes.annotate("", (reading.needed.value, reading.mean), (reading.cases, reading.mean), arrowprops=arrow)
    ticks = sorted(set(curve.points["cases"].round(1)))
    axes.set(xscale="log", xlabel="Real training cases of a fold", ylabel=f"Test {results.metric}")
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    light_grid(axes)
    return figure


def how_to_read(results: Results) -> str:
    """What the curve is, and which of its figures are free of doubt."""
    return (
        f"{results.reference} alone, trained on fewer and fewer real cases, is a scale: an arm is worth as many real "
        f"cases as {results.reference} needs to be as good. The curve is made monotone and read between its points "
        "on a logarithmic axis, never beyond them. Folds and patients are resampled together for the intervals, which "
        f"may be open to one side. {what_generators_bring(results)}"
    )


def what_generators_bring(results: Results) -> str:
    """Which figures flatter synthetic cases, because their generators have seen more real cases than the arm has."""
    protocol = protocol_of(results.protocol)
    below = (
        "Below 100 % the figures flatter synthetic cases: their generators have seen real cases that these arms lack, "
        "so part of what they bring is those cases."
    )
    if protocol.leaky:
        return f"{below} And all of them are LEAKY: the generators have seen the judged cases, too."
    if protocol.sees:
        return (
            f"{below} At 100 %, and for synthetic cases alone, protocol {protocol.name} leaves a smaller part of that: "
            "the generators have seen all development cases, and a fold's models only those that the fold does not "
            "leave out. What real+memoriser is worth, where a study has it, is of this kind alone; protocol=nested is "
            "free of it. So are generators that have seen no case, such as the oracle."
        )
    return (
        f"{below} Figures at 100 % and of synthetic cases alone are free of that, and so are generators that have seen "
        "no case, such as the oracle."
    )
