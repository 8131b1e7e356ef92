"""A paper's tables as a study's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from synthtrial.errors import ConfigError
from synthtrial.trial.paper import check_paper, read_paper

CONF = Path(__file__).resolve().parents[2] / "conf"
COLUMNS = [{"title": "fold 1", "source": "folds", "fold": 0}, {"title": "test", "source": "test", "fold": "ensemble"}]
ROW = {"name": "real", "figures": [0.4, None], "arm": "real", "segmenter": "unet"}


def paper(row: dict | None = None, columns: list[dict] | None = None, **changed) -> dict:
    table = {"title": "Dice", "cases": "test", "columns": columns or COLUMNS, "rows": [row or ROW]}
    return {"title": "A paper", "tables": [table], **changed}


@pytest.mark.parametrize("path", sorted((CONF / "paper").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_paper_can_be_read(path):
    read = read_paper(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert read.tables and read.differs
    assert any(figure is not None for table in read.tables for row in table.rows for figure in row.figures)


def test_no_paper_is_no_paper():
    assert read_paper(None) is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (paper({**ROW, "figures": [0.4]}), "row 'real': expected 2 figures"),
        (paper({**ROW, "segmentor": "unet"}), r"tables\[0\].rows\[0\] has no key 'segmentor'"),
        (paper(columns=[{"title": "a", "source": "folds", "fold": "ensemble"}] * 2), "no validation cases"),
        (
            paper(columns=[{"title": "a", "source": "train"}] * 2),
            "expected one of folds, test, fidelity, amounts, training or null",
        ),
        (paper(tables=[]), "at least one table"),
        (paper({**ROW, "classifier": "cnn"}), "names a segmenter and a classifier"),
        (
            paper(columns=[{"title": "a", "source": "fidelity"}] * 2),
            "column 'a': source fidelity .* name it in features",
        ),
        (paper(columns=[{"title": "a", "source": "amounts"}] * 2), "source amounts and share belong together"),
    ],
)
def test_what_can_not_be_read_is_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        read_paper(settings)


def test_names_that_the_study_lacks_are_refused():
    known = {"arms": ["real"], "segmenters": ["unet"], "draws": ["gan"], "features": ["random_conv"]}
    check_paper(read_paper(paper()), **known)
    for key, value in (("arm", "reel"), ("segmenter", "unit"), ("draw", "gam")):
        with pytest.raises(ConfigError, match=f"row 'real': no {key} '{value}'; there are: .*did you mean"):
            check_paper(read_paper(paper({**ROW, key: value})), **known)
    row = {**ROW, "segmenter": None, "classifier": "cnn"}
    assert read_paper(paper(row)).tables[0].rows[0].model == "cnn"
    of_classes = [{**column, "metric": "recall/malignant"} for column in COLUMNS]
    check_paper(read_paper(paper(row, of_classes)), classifiers=["cnn"], **known)
    with pytest.raises(ConfigError, match="column 'fold 1': no metric 'dice'; there are: auroc, "):
        check_paper(read_paper(paper(row)), classifiers=["cnn"], **known)
    with pytest.raises(ConfigError, match="no classifier 'cnn'; there are: none in this study"):
        check_paper(read_paper(paper(row)), **known)
    with pytest.raises(ConfigError, match="reproduces.features: no extractor 'resnet'"):
        check_paper(read_paper(paper(features="resnet")), **known)
