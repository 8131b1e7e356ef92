"""The pool of earlier fakes: what it hands on, what it keeps."""

from __future__ import annotations

import torch

from synthtrial.gans.image_pool import ImagePool


def numbered(*numbers: int) -> torch.Tensor:
    """Images of one voxel that hold a number each."""
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1)


def test_while_it_fills_every_image_is_kept_and_handed_on() -> None:
    pool = ImagePool(4, (1, 1))
    assert torch.equal(pool(numbered(1, 2, 3)), numbered(1, 2, 3))
    assert torch.equal(pool.images[:3], numbered(1, 2, 3))
    assert int(pool.count) == 3


def test_a_full_pool_exchanges_every_second_image_and_loses_none() -> None:
    torch.manual_seed(0)
    pool = ImagePool(4, (1, 1))
    pool(numbered(0, 1, 2, 3))
    handed_on = torch.cat([pool(numbered(number, number + 1)) for number in range(4, 404, 2)]).flatten()
    new = torch.arange(4, 404, dtype=torch.float32)
    assert 0.4 < float((handed_on != new).float().mean()) < 0.6
    assert bool((handed_on <= new).all())
    assert sorted([*handed_on.tolist(), *pool.images.flatten().tolist()]) == list(range(404))


def test_what_comes_out_has_no_graph_and_is_in_full_precision() -> None:
    images = numbered(1, 2).to(torch.bfloat16).requires_grad_()
    out = ImagePool(1, (1, 1))(images)
    assert out.dtype == torch.float32
    assert not out.requires_grad


def test_without_capacity_every_image_is_handed_on() -> None:
    pool = ImagePool(0, (1, 1))
    for number in range(5):
        assert torch.equal(pool(numbered(number)), numbered(number))


def test_state_goes_on_exactly() -> None:
    pool, other = ImagePool(3, (1, 1)), ImagePool(3, (1, 1))
    pool(numbered(*range(5)))
    other.load_state_dict(pool.state_dict())
    found = []
    for each in (pool, other):
        torch.manual_seed(1)
        found.append(each(numbered(*range(5, 25))))
    assert torch.equal(*found)
    assert torch.equal(pool.images, other.images)


def test_it_can_be_described_without_memory() -> None:
    with torch.device("meta"):
        pool = ImagePool(2, (1, 4, 4))
        assert pool(torch.empty(3, 1, 4, 4)).shape == (3, 1, 4, 4)
