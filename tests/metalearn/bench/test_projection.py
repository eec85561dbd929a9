import pytest
import torch

from metalearn.bench import projection
from metalearn.bench.projection import through_teachers
from metalearn.numerics.episode import Episode
from metalearn.pool import Pool

CPU = torch.device("cpu")


@pytest.fixture
def recovered() -> Episode:
    images = torch.rand(12, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(12) % 3
    return Episode(images[:6], labels[:6], images[6:], labels[6:])


def test_every_teacher_gives_every_image_a_place(tiny_pool: Pool, recovered: Episode) -> None:
    first, second = (through_teachers(recovered, tiny_pool, CPU) for _ in range(2))
    assert first == second and first is not None
    assert first["labels"] == [0, 1, 2] * 4
    assert [seen["name"] for seen in first["teachers"]] == ["a", "b", "c"]
    assert all(len(seen["places"]) == 12 for seen in first["teachers"])


def test_too_few_images_and_no_library_give_nothing(
    tiny_pool: Pool, recovered: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = recovered.support_images, recovered.support_labels
    few = Episode(images[:2], labels[:2], images[2:5], labels[2:5])
    assert through_teachers(few, tiny_pool, CPU) is None
    monkeypatch.setattr(projection, "can_project", lambda: False)
    assert through_teachers(recovered, tiny_pool, CPU) is None
