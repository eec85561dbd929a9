"""Every teacher has a head of its own."""

import torch

from metalearn.algorithms.free_plus.own_heads import TeacherHeads
from metalearn.pool.pool import Pool


def test_each_teacher_has_as_many_rows_as_it_knows_classes_and_they_are_its_own(
    tiny_pool: Pool,
) -> None:
    heads = TeacherHeads(tiny_pool, 5, most=4, rng=torch.Generator())
    features = torch.randn(2, 5)
    everything = heads(features)
    last, first = heads.of(features, [2, 0])
    assert everything.shape == (2, 3 + 4 + 3)
    # A product of fewer rows may round in another way.
    torch.testing.assert_close(first, everything[:, :3])
    torch.testing.assert_close(last, everything[:, 7:])
