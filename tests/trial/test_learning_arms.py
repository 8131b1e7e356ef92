"""Arms of the learning curve: ordinary arms with fewer real cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthtrial.composing import compose
from synthtrial.errors import ConfigError
from synthtrial.trial.learning_arms import read_curve, with_learning_arms

CONF = Path(__file__).resolve().parents[2] / "conf"
ARMS = {
    "real": {"real": 1.0, "synthetic": {}},
    "synthetic_gan": {"real": 0.0, "synthetic": {"gan": 1.0}},
    "real+synthetic_gan": {"real": 0.8, "synthetic": {"gan": 1.0}},
}


def curve(**changed) -> dict:
    return {"shares": [0.5, 0.125], "arms": ["real", "real+synthetic_gan"], **changed}


def test_shares_lower_the_real_cases_and_leave_the_rest():
    arms = with_learning_arms(ARMS, curve(), "real")
    assert {name: arms[name] for name in ARMS} == ARMS
    added = {name: keys for name, keys in arms.items() if name not in ARMS}
    assert added == {
        "real_at_12_5": {"real": 0.125, "synthetic": {}},
        "real_at_50": {"real": 0.5, "synthetic": {}},
        "real+synthetic_gan_at_12_5": {"real": 0.1, "synthetic": {"gan": 1.0}},
        "real+synthetic_gan_at_50": {"real": 0.4, "synthetic": {"gan": 1.0}},
    }
    assert read_curve(curve()).added == list(added)
    assert not any("." in name for name in added)


def test_without_a_curve_arms_are_what_they_are():
    assert with_learning_arms(ARMS, None, "real") == ARMS


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"shares": [0.5, 1.0]}, "numbers between 0 and 1"),
        ({"shares": []}, "numbers between 0 and 1"),
        ({"shares": [0.5, 0.5]}, "listed twice"),
        ({"arms": ["real+synthetic_gan"]}, "lacks 'real', the reference"),
        ({"arms": ["real", "rael"]}, "did you mean 'real'"),
        ({"arms": ["real", "synthetic_gan"]}, "no real cases: leave it out"),
        ({"share": [0.5]}, "did you mean 'shares'"),
    ],
)
def test_a_curve_that_can_not_be_is_refused(changed, says):
    with pytest.raises(ConfigError, match=says):
        with_learning_arms(ARMS, curve(**changed), "real")


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ConfigError, match="arms.real_at_50 has the name of a point"):
        with_learning_arms({**ARMS, "real_at_50": {"real": 0.5}}, curve(), "real")


def test_compose_adds_them():
    words = ["study=smoke", "learning_curve={shares: [0.25], arms: [real, real+synthetic_dcgan]}"]
    params, _ = compose(words, CONF)
    assert params["arms"]["real+synthetic_dcgan_at_25"]["real"] == 0.25
    assert params["arm_names"][-2:] == ["real_at_25", "real+synthetic_dcgan_at_25"]
