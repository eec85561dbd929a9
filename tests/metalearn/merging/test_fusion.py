"""Which teachers' weights fit together, and what their mean is."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidPool
from metalearn.merging.fusion import embedding_state, fits, fusible, mean_state, same_heads
from metalearn.pool import Pool


def names(pool: Pool) -> list[str]:
    return [teacher.name for teacher in pool.teachers]


def test_the_largest_group_of_one_kind_is_taken_whatever_its_sizes_and_classes(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool(
        (
            make_teacher("r", architecture="resnet10", width=2),
            make_teacher("a"),
            make_teacher("s", architecture="resnet10", width=2, image_size=24),
            make_teacher("w", width=5),
            make_teacher("b", image_size=40, class_names=("x", "y")),
            make_teacher("c"),
        )
    )
    assert names(fusible(pool)) == ["a", "b", "c"]
    assert [t.name for t in fits(pool, pool.teachers[0].network)] == ["r", "s"]


def test_of_equally_large_groups_the_first_is_taken(make_teacher: Callable[..., Any]) -> None:
    wide, narrow = ([make_teacher(n, width=w) for n in "ab"] for w in (5, 4))
    assert fusible(Pool((*wide, *narrow))).teachers[0].network.spec.width == 5


def test_a_pool_without_two_of_a_kind_is_refused_in_one_sentence(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool((make_teacher("a"), make_teacher("b", width=5)))
    with pytest.raises(InvalidPool, match="no two of them") as caught:
        fusible(pool)
    assert str(caught.value).count(".") == 1


def test_heads_are_the_same_only_with_as_many_classes_and_features(
    make_teacher: Callable[..., Any],
) -> None:
    one, two = make_teacher("a"), make_teacher("b", class_names=("x", "y"))
    large = make_teacher("c", image_size=32)
    assert same_heads([one, make_teacher("d")])
    assert not same_heads([one, two])
    assert not same_heads([one, large])


def test_the_head_is_left_out_of_an_embeddings_tensors(make_teacher: Callable[..., Any]) -> None:
    network = make_teacher().network
    left_out = set(network.state_dict()) - set(embedding_state(network))
    assert left_out == {"head.weight", "head.bias"}


def test_the_mean_is_taken_element_by_element_and_counts_are_kept() -> None:
    states = [
        {"w": torch.tensor([1.0, 2.0]), "n": torch.tensor(3)},
        {"w": torch.tensor([5.0, 0.0]), "n": torch.tensor(9)},
    ]
    mean = mean_state(states)
    assert mean["w"].tolist() == pytest.approx([3.0, 1.0])
    assert mean["n"].item() == 3 and mean["n"] is not states[0]["n"]
