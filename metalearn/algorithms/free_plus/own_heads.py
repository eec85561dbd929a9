from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.pool import Pool
from metalearn.shapes import Features


class TeacherHeads(nn.Linear):
    """All teachers' heads as rows of a single linear layer, in the pool's order.

    The head of a teacher with more than `most` classes covers a random subset of that size.
    """

    def __init__(self, pool: Pool, feature_dim: int, *, most: int, rng: torch.Generator) -> None:
        self.classes = [_drawn(teacher.n_classes, most, rng) for teacher in pool.teachers]
        self.sizes = [len(classes) for classes in self.classes]
        super().__init__(feature_dim, sum(self.sizes))

    def asked(self, said: Tensor, teacher: int) -> Tensor:
        classes = self.classes[teacher]
        return said if len(classes) == said.shape[1] else said[:, classes]

    def of(self, features: Features, teachers: Sequence[int]) -> list[Tensor]:
        """Return the logits of the heads of these teachers, given by their indices in the pool."""
        ends = torch.tensor(self.sizes).cumsum(0).tolist()
        rows = torch.cat([torch.arange(ends[i] - self.sizes[i], ends[i]) for i in teachers])
        rows = rows.to(self.weight.device)
        logits = F.linear(features, self.weight[rows], self.bias[rows])
        return list(torch.split(logits, [self.sizes[i] for i in teachers], dim=1))


def _drawn(n_classes: int, most: int, rng: torch.Generator) -> list[int]:
    if n_classes <= most:
        return list(range(n_classes))
    return sorted(torch.randperm(n_classes, generator=rng)[:most].tolist())
