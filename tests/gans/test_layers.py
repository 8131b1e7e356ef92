"""Shared layers: exact equivalents stay exact."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from synthtrial.gans.layers import UpsampledConv, halvings


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_upsampled_convolution_is_upsampling_and_convolution(dims: int, bias: bool) -> None:
    layer = UpsampledConv(dims, 3, 5, bias=bias, smallest=1).double()
    x = torch.randn(2, 3, *(4, 5, 6)[:dims], dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer.conv(F.interpolate(x, scale_factor=2.0, mode="nearest")))


def test_upsampled_convolution_has_the_same_gradient_in_both_forms() -> None:
    layer = UpsampledConv(2, 3, 4, smallest=1).double()
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    gradients = []
    for smallest in (1, 10**9):
        layer.smallest = smallest
        layer.zero_grad()
        layer(x).square().sum().backward()
        assert layer.conv.weight.grad is not None
        gradients.append(layer.conv.weight.grad.clone())
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(("size", "count"), [((16, 16, 16), 2), ((32, 64), 3), ((112, 168), 3), ((48, 64, 48), 3)])
def test_halvings_stop_at_a_grid_of_four_or_an_odd_length(size: tuple[int, ...], count: int) -> None:
    assert halvings(size) == count
