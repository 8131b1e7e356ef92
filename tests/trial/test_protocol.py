"""Protocols: which split fills which fold, and whose luck it shares."""

from __future__ import annotations

from synthtrial.trial.protocol import PROTOCOLS, split_seed


def test_generators_of_folds_have_seeds_of_their_own_and_shared_ones_the_study_s():
    seeds = [split_seed(7, split) for split in PROTOCOLS["nested"].splits(5)]
    assert len({*seeds, 7}) == 6 and seeds == [split_seed(7, f"fold{fold}") for fold in range(5)]
    assert split_seed(7, "development") == split_seed(7, "all") == 7
    assert split_seed(8, "fold0") != seeds[0]
