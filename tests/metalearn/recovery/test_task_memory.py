"""The memory is bounded, keeps every task, and samples classes across teachers."""

import pytest
import torch

from metalearn.errors import InvalidData
from metalearn.recovery.task_memory import TaskMemory


def memory(per_class: int = 4, max_bytes: int = 10**6) -> TaskMemory:
    return TaskMemory(n_classes=3, images_per_class=per_class, image_bytes=12, max_bytes=max_bytes)


def images(values: list[float]) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).contiguous()


def test_images_are_kept_to_eight_bits_under_their_class_name() -> None:
    held = memory()
    held.add(images([0.0, 0.5, 1.0]), torch.tensor([1, 0, 1]), ("owl", "cat"))
    owl, cat = held.images_by_class()
    assert owl.dtype == torch.uint8
    assert owl[0, 0, 0, 0] == 128
    assert cat[:, 0, 0, 0].tolist() == [0, 255]


def test_classes_of_the_same_name_from_two_teachers_are_one_class() -> None:
    held = memory()
    held.add(images([0.2]), torch.tensor([0]), ("cat",))
    held.add(images([0.4]), torch.tensor([0]), ("cat",))
    assert held.n_classes == 1
    assert held.n_images == 2
    assert held.n_tasks == 2


def test_the_oldest_images_make_room() -> None:
    held = memory(per_class=3)
    for value in (0.0, 0.2, 0.4, 0.6, 0.8):
        held.add(images([value]), torch.tensor([0]), ("cat",))
    assert sorted(held.images_by_class()[0][:, 0, 0, 0].tolist()) == [102, 153, 204]


def test_a_task_larger_than_a_ring_leaves_its_last_images() -> None:
    held = memory(per_class=2)
    held.add(images([0.0, 0.2, 0.4]), torch.tensor([0, 0, 0]), ("cat",))
    assert sorted(held.images_by_class()[0][:, 0, 0, 0].tolist()) == [51, 102]


def test_the_byte_limit_shortens_the_rings() -> None:
    assert memory(per_class=400, max_bytes=3 * 12 * 7).images_per_class == 7


def test_rings_keep_room_for_an_episode_and_classes_met_first_make_room() -> None:
    held = TaskMemory(
        n_classes=1_000, images_per_class=400, image_bytes=12, max_bytes=6 * 12, fewest_images=3
    )
    assert (held.images_per_class, held.most_classes) == (3, 2)
    for value, name in enumerate(("cat", "owl", "cat", "dog")):
        held.add(images([value / 255] * 3), torch.zeros(3, dtype=torch.int64), (name,))
    assert [int(row[0, 0, 0, 0]) for row in held.images_by_class()] == [1, 3]
    assert (held.n_images, held.n_recovered) == (6, 12)
    again = TaskMemory(
        n_classes=1_000, images_per_class=400, image_bytes=12, max_bytes=6 * 12, fewest_images=3
    )
    again.load_state_dict(held.state_dict())
    for one in (held, again):
        one.add(images([0.5] * 3), torch.zeros(3, dtype=torch.int64), ("cat",))
    assert again.n_recovered == 15
    pairs = zip(held.images_by_class(), again.images_by_class(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_an_episode_mixes_classes_that_no_teacher_has_together() -> None:
    held = memory()
    held.add(images([0.1] * 3), torch.zeros(3, dtype=torch.int64), ("cat",))
    held.add(images([0.9] * 3), torch.zeros(3, dtype=torch.int64), ("owl",))
    rng = torch.Generator().manual_seed(0)
    episode = held.sample(n_way=2, k_shot=1, n_query=2, rng=rng)
    assert episode.n_way == 2
    assert sorted(episode.support_images[:, 0, 0, 0].tolist()) == pytest.approx(
        [26 / 255, 230 / 255]
    )


def test_sampling_more_than_there_is_is_refused() -> None:
    held = memory()
    held.add(images([0.1] * 3), torch.zeros(3, dtype=torch.int64), ("cat",))
    assert not held.can_sample(n_way=2, need=3)
    with pytest.raises(InvalidData, match="cannot be drawn"):
        held.sample(n_way=2, k_shot=1, n_query=2, rng=torch.Generator())


def test_a_memory_taken_back_samples_and_overwrites_as_the_one_that_was_saved() -> None:
    first = memory(per_class=3)
    for value in (0.0, 0.2, 0.4, 0.6):
        first.add(images([value, value]), torch.tensor([0, 1]), ("cat", "owl"))
    second = memory(per_class=3)
    second.load_state_dict(first.state_dict())
    for held in (first, second):
        held.add(images([1.0]), torch.tensor([0]), ("cat",))
    assert second.n_tasks == 5
    for one, two in zip(first.images_by_class(), second.images_by_class(), strict=True):
        assert torch.equal(one, two)


def test_a_saved_state_does_not_change_when_the_memory_goes_on() -> None:
    held = memory(per_class=2)
    held.add(images([0.0, 0.0]), torch.tensor([0, 0]), ("cat",))
    state = held.state_dict()
    held.add(images([1.0]), torch.tensor([0]), ("cat",))
    assert int(state["images"][0].max()) == 0


def test_images_of_named_classes_come_in_turn_or_not_at_all() -> None:
    held = memory()
    held.add(images([0.0, 0.2, 0.4]), torch.zeros(3, dtype=torch.int64), ("cat",))
    held.add(images([0.6, 0.8]), torch.zeros(2, dtype=torch.int64), ("owl",))
    rng = torch.Generator().manual_seed(0)
    drawn = held.images_of(("owl", "cat"), 2, rng)
    assert {int(v) for v in drawn[0::2, 0, 0, 0]} == {153, 204}
    assert {int(v) for v in drawn[1::2, 0, 0, 0]} <= {0, 51, 102}
    assert held.images_of(("owl", "cat"), 3, rng) is None
    assert held.images_of(("dog",), 1, rng) is None


def test_images_that_were_replaced_still_count_as_taken_in() -> None:
    memory = TaskMemory(n_classes=1, images_per_class=2, image_bytes=12, max_bytes=1_000)
    for _ in range(3):
        memory.add(torch.rand(2, 3, 2, 2), torch.zeros(2, dtype=torch.long), ("cat",))
    assert memory.n_images == 2 and memory.n_recovered == 6


def test_images_are_drawn_from_classes_that_are_equally_likely_however_many_they_hold() -> None:
    held = memory(per_class=8)
    rng = torch.Generator().manual_seed(0)
    assert held.draw(3, rng) is None
    held.add(images([0.0] * 7 + [1.0]), torch.tensor([0] * 7 + [1]), ("cat", "owl"))
    drawn = held.draw(400, rng)
    assert drawn.shape == (400, 3, 2, 2)
    assert 0.4 < (drawn[:, 0, 0, 0] == 255).float().mean() < 0.6
