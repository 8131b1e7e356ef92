"""The report on fidelity, copies and samples says what was measured, for one generator or many."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from report.finished_study import PROVENANCE, study_params, write_finished_study
from synthtrial.fidelity.measured import Measured, as_json
from synthtrial.report.blocks import Banner, Picture, Table, Text
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.scale_figure import placed, scale_figure
from synthtrial.report.sections import copies, fidelity, samples, training
from synthtrial.report.synthesis import Synthesis


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = write_finished_study(tmp_path_factory.mktemp("out") / "made_up")
    return read_results(folder, study_params(), PROVENANCE)


@pytest.fixture
def synthesis(results: Results) -> Synthesis:
    """The study's only generator, to be changed at will."""
    return replace(results.syntheses[0], fidelity=deepcopy(results.syntheses[0].fidelity))


def with_facts(synthesis: Synthesis, **facts: Any) -> Synthesis:
    """The same generator, whose drawn cohort says something else of itself."""
    changed = deepcopy(synthesis.cohort)
    changed.facts |= facts
    return replace(synthesis, cohort=changed)


def of_splits(results: Results, *names: str) -> Results:
    """The study's generator on several splits."""
    syntheses = [replace(results.syntheses[0], split=name) for name in names]
    return replace(results, params=results.params | {"splits": list(names)}, syntheses=syntheses)


def scale_rows(generator: str, features: str) -> pd.DataFrame:
    row = {"generator": generator, "metric": f"frechet/{features}", "floor": 1.0, "value": 2.0, "low": 1.5, "high": 2.5}
    return pd.DataFrame([row | {"ceiling": 9.0, "better": "lower"}])


def test_a_generator_with_fewer_cases_has_a_panel_but_no_other_ones_look() -> None:
    frame = pd.concat([scale_rows("dcgan", "random_conv_n7"), scale_rows("hagan", "random_conv_n5")])
    figure = scale_figure(placed(frame))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dcgan", "hagan"]
    marks = [axes.lines[0] for axes in figure.axes]
    assert marks[0].get_color() != marks[1].get_color() and marks[0].get_marker() != marks[1].get_marker()


def test_many_generators_get_more_room() -> None:
    few = pd.concat([scale_rows(f"gan{k}", "random_conv_n7") for k in range(2)])
    many = pd.concat([scale_rows(f"gan{k}", "random_conv_n7") for k in range(12)])
    heights = [scale_figure(placed(frame)).get_figheight() for frame in (few, many)]
    assert heights[1] - heights[0] == pytest.approx(0.2)


def test_splits_are_told_apart(results: Results) -> None:
    several = of_splits(results, "fold0", "fold1")
    blocks = [*fidelity.section(several).blocks, *copies.section(several).blocks]
    tables = {block.name: block for block in blocks if isinstance(block, Table)}
    for name in ("amounts", "lesions", "copies"):
        assert [column.name for column in tables[name].columns][:2] == ["generator", "split"]
    cases = tables["fidelity_random_conv_n7"].frame["case"].tolist()
    assert cases == ["real against real", "dcgan, fold0", "dcgan, fold1", "noise against real"]
    assert copies.sentences(several)[2].startswith("dcgan, fold1: ")
    pictures = {block.name: block for block in blocks if isinstance(block, Picture)}
    assert "generator of split fold0" in pictures["fidelity_map_random_conv"].caption
    assert pictures["fidelity_scale"].caption.startswith("Split fold0.")


def test_pictures_are_of_the_first_split_and_warnings_of_all(results: Results) -> None:
    several = of_splits(results, "fold0", "fold1")
    collapsed = replace(several.syntheses[1], model=several.syntheses[1].model | {"collapsed": True, "reason": "flat"})
    several = replace(several, syntheses=[several.syntheses[0], collapsed])
    for module in (fidelity, copies, samples, training):
        blocks = module.section(several).blocks
        names = [block.name for block in blocks if isinstance(block, Picture)]
        assert names and not any("fold1" in name for name in names)
        if module is not samples:
            assert any("split fold0 alone" in block.text for block in blocks if isinstance(block, Text))
    banners = [block.text for block in training.section(several).blocks if isinstance(block, Banner)]
    assert banners == ["Training of dcgan, split fold1 was judged to have collapsed: flat."]


def test_one_split_is_not_spoken_of(results: Results) -> None:
    tables = [block for block in copies.section(results).blocks if isinstance(block, Table)]
    assert [column.name for column in tables[0].columns][:2] == ["generator", "space"]
    assert copies.sentences(results)[1].startswith("dcgan: ")


def test_every_table_has_metrics(results: Results, synthesis: Synthesis) -> None:
    """Distances by a network, say, are none of the main metrics, but all that there is of its features."""
    measured = as_json({"lpips_like_paired/vgg16_n7": Measured(0.3, 0.2, 0.4, 0.1, None, "lower")})
    for key, values in measured.items():
        synthesis.fidelity[key] |= values
    tables = fidelity.metric_tables(replace(results, syntheses=[synthesis]))
    assert [column.name for column in tables[-1].columns] == ["case", "lpips_like_paired"]
    assert all(len(table.columns) > 1 for table in tables)


def test_copies_are_counted_among_drawn_and_accepted_cases(results: Results) -> None:
    first, line = copies.sentences(results)
    assert first == "Rejected as copies: 1 of 8 drawn cases. Suspicious by pixels: 1 of 7 accepted cases."
    assert "1 of 7 accepted cases are suspiciously close" in line and "AUC 0.81" in line
    assert "translation" not in line


def test_cases_that_were_not_looked_at_are_not_called_clean(results: Results, synthesis: Synthesis) -> None:
    synthesis.fidelity["audit"]["spaces"]["pixels"]["flagged"] = []
    unseen = replace(results, syntheses=[with_facts(synthesis, copies={"found": 0, "rate": None})])
    first, line = copies.sentences(unseen)
    assert "drawn cases were not looked at" in first
    assert "0 of 7 accepted cases" in line and "of all that it draws at most 51 % are (95 %)" in line
    assert copies.copy_table(unseen).rows[0][2] == "–"
    looked = copies.sentences(replace(results, syntheses=[synthesis]))[1]
    assert "at most" not in looked  # what the gate has let through tells nothing of what the generator draws


def test_only_cases_that_were_looked_at_are_counted_as_drawn(results: Results, synthesis: Synthesis) -> None:
    ungated = replace(with_facts(synthesis, copies={"found": 0, "rate": None}), draw="ungated")
    first = copies.sentences(replace(results, syntheses=[results.syntheses[0], ungated]))[0]
    assert "1 of 8 drawn cases that were looked at" in first and "2 of 14 accepted" in first


def test_translations_are_said_to_resemble_their_sources(results: Results, synthesis: Synthesis) -> None:
    translated = replace(results, syntheses=[with_facts(synthesis, conditions_on="source")])
    assert "each is the translation of a training case" in copies.sentences(translated)[1]


def test_it_is_said_why_there_is_no_membership_attack(results: Results, synthesis: Synthesis) -> None:
    for key in ("metrics", "interval", "floor", "ceiling", "better", "standard_error"):
        del synthesis.fidelity[key]["membership_auc/pixels_n7"]
    synthesis.fidelity["audit"]["without_membership"] = "every real case was in the training set"
    alone = replace(results, syntheses=[synthesis])
    assert copies.sentences(alone)[1].endswith("every real case was in the training set.")
    assert copies.copy_table(alone).rows[0][-1] == "–"


def test_samples_speak_of_masks_where_there_are_any(results: Results, synthesis: Synthesis, tmp_path: Path) -> None:
    def caption(study: Results, one: Synthesis) -> str:
        return samples.pictures(study, one)[0].caption

    assert caption(results, synthesis).endswith(
        "outlines are the labels of the mask, which is synthetic at the right too."
    )
    painted = with_facts(synthesis, conditions_on="mask", settings={"masks": "deformed"})
    assert caption(results, painted).endswith("was given to the generator (synthesis.masks: deformed).")
    own = with_facts(synthesis, conditions_on="mask", settings={"masks": "generator"})
    assert "is synthetic" in caption(results, own)
    folder = write_finished_study(tmp_path / "bare", labels=())
    bare = read_results(folder, study_params(), PROVENANCE)
    assert "mask" not in caption(bare, bare.syntheses[0]) and "through its middle" in caption(bare, bare.syntheses[0])
