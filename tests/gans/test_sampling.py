"""The stream of cases: endless, seeded, and the same from wherever it is entered."""

from __future__ import annotations

from itertools import chain

from synthtrial.gans.sampling import ImageStream, case_at


def stream(epochs: range, length: int = 7) -> list[int]:
    """Positions of some epochs."""
    sampler = ImageStream(length)

    def epoch_of(epoch: int) -> list[int]:
        sampler.set_epoch(epoch)
        return list(sampler)

    return list(chain.from_iterable(map(epoch_of, epochs)))


def order(positions: range, seed: int = 0) -> list[int]:
    """Indices of ten cases at some positions."""
    return [case_at(position, 10, seed) for position in positions]


def test_every_case_comes_once_before_any_comes_twice() -> None:
    for start in range(0, 70, 10):
        assert sorted(order(range(start, start + 10))) == list(range(10))


def test_the_order_changes_from_turn_to_turn_and_with_the_seed() -> None:
    assert order(range(10)) != order(range(10, 20))
    assert order(range(10)) != order(range(10), seed=1)


def test_entering_later_or_with_other_epochs_gives_the_same_stream() -> None:
    assert stream(range(10))[21:] == stream(range(3, 10))
    assert stream(range(10)) == stream(range(5), length=14) == list(range(70))
