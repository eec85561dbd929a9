"""Some pictures have a region of another one."""

import torch

from metalearn.procedural.grafting import grafted


def test_half_of_the_mixed_pictures_have_a_region_of_another_one() -> None:
    rng = torch.Generator().manual_seed(0)
    plain = torch.linspace(0, 1, 256).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    changed = (grafted(plain, rng) - plain).abs().amax((1, 2, 3)) > 1e-3
    assert 0.4 < changed.float().mean() < 0.6
