"""Every file of conf/cohort makes a reader, every file of conf/prepare settings; the real cohorts can be prepared."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError

REPOSITORY = Path(__file__).resolve().parents[2]
CONF = REPOSITORY / "conf"


def load(path: Path, **changed) -> dict:
    return {**yaml.safe_load(path.read_text(encoding="utf-8")), **changed}


def make_reader(name: str, **changed):
    config = load(CONF / "cohort" / f"{name}.yaml", **changed)
    module, _, kind = config.pop("_target_").rpartition(".")
    assert config.pop("depends_on")
    return getattr(import_module(module), kind)(**config)


@pytest.mark.parametrize("path", sorted((CONF / "cohort").glob("*.yaml")), ids=lambda path: path.stem)
def test_cohorts(path, tmp_path):
    config = load(path)
    if "root" in config:
        with pytest.raises(CohortError) as error:
            make_reader(path.stem, root=str(tmp_path / "nowhere")).find()
        assert config["where_to_get"] in str(error.value) and config["layout"] in str(error.value)
    else:
        assert make_reader(path.stem).find()


@pytest.mark.parametrize("path", sorted((CONF / "prepare").glob("*.yaml")), ids=lambda path: path.stem)
def test_preparations(path):
    assert PrepareSettings(**load(path))


@pytest.mark.parametrize("path", sorted(CONF.glob("cohort/*.yaml")) + sorted(CONF.glob("prepare/*.yaml")))
def test_every_key_is_explained(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    keys = [line for line in lines if not line.startswith(("#", "_target_", "name:")) and line.strip()]
    assert not [line for line in keys if "#" not in line and not line.lstrip().startswith("- ")]


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("cohort", "preparation", "changed", "n"),
    [
        ("sts_sarcoma", "default", {"crop": "lesion", "window": {"low": -200, "high": 300}}, 18),
        ("msd_hippocampus", "mr_small", {}, 200),
        ("lidc_nodules", "slices", {"shape": [64, 64]}, 453),
    ],
)
def test_real_cohorts(cohort, preparation, changed, n, tmp_path):
    root = REPOSITORY / load(CONF / "cohort" / f"{cohort}.yaml")["root"]
    if not root.is_dir():
        pytest.skip(f"the real data is not at {root}")
    settings = PrepareSettings(**load(CONF / "prepare" / f"{preparation}.yaml", **changed))
    prepare(make_reader(cohort, root=str(root)), tmp_path / "prepared", settings=settings, seed=0, workers=2)
    assert len(PreparedCohort(tmp_path / "prepared").cases) == n
