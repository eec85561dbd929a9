from typing import Any

import torch
from torch import Tensor

from metalearn.algorithms.chorus.picture_memory import PictureMemory


def pictures(*levels: Any) -> tuple[Tensor, Tensor]:
    """Pictures of one grey each, and coordinates that say which."""
    values = torch.tensor(levels, dtype=torch.float32)
    return (values / 255).view(-1, 1, 1, 1).expand(-1, 1, 2, 2), values[:, None]


def levels(pixels: Tensor) -> list[int]:
    return pixels[:, 0, 0, 0].tolist()


def test_the_oldest_pictures_make_room() -> None:
    memory = PictureMemory(3)
    memory.add(*pictures(1, 2))
    assert memory.n_images == 2
    memory.add(*pictures(3, 4))
    assert memory.n_images == 3
    assert sorted(levels(memory.recent(3))) == [2, 3, 4]


def test_of_more_pictures_than_fit_the_last_ones_stay() -> None:
    memory = PictureMemory(2)
    memory.add(*pictures(1, 2, 3))
    assert sorted(levels(memory.recent(9))) == [2, 3]


def test_recent_pictures_come_in_the_order_in_which_they_were_added() -> None:
    memory = PictureMemory(3)
    memory.add(*pictures(1, 2, 3))
    memory.add(*pictures(4))
    assert levels(memory.recent(2)) == [3, 4]


def test_a_sample_keeps_pictures_and_coordinates_together_and_draws_none_twice() -> None:
    memory = PictureMemory(10)
    memory.add(*pictures(*range(10)))
    pixels, coordinates = memory.sample(10, torch.Generator().manual_seed(0))
    assert levels(pixels) == coordinates[:, 0].tolist()
    assert sorted(levels(pixels)) == list(range(10))


def test_a_memory_that_is_not_full_gives_what_it_holds() -> None:
    memory = PictureMemory(10)
    memory.add(*pictures(5, 6))
    assert len(memory.sample(4, torch.Generator())[0]) == 2


def test_a_memory_taken_back_goes_on_as_the_first() -> None:
    first, second = PictureMemory(4), PictureMemory(4)
    first.add(*pictures(1, 2, 3))
    second.load_state_dict(first.state_dict())
    for memory in (first, second):
        memory.add(*pictures(4, 5))
    assert levels(first.recent(4)) == levels(second.recent(4)) == [2, 3, 4, 5]


def test_an_empty_memory_can_be_saved_and_taken_back() -> None:
    memory = PictureMemory(4)
    memory.add(*pictures(1))
    memory.load_state_dict(PictureMemory(4).state_dict())
    assert memory.n_images == 0
