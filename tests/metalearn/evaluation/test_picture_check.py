"""How many labelled pictures a classifier gets right."""

import pytest
import torch

from metalearn.evaluation.picture_check import class_called, judge, n_in_top
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Teacher

CPU = torch.device("cpu")


def _teacher(n_classes: int = 3, **changes: object) -> Teacher:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 8, 3, 16, n_classes))
        with torch.no_grad():
            for _ in range(5):
                network.train()(torch.randn(64, 3, 16, 16))
    said = {"mean": (0.5,) * 3, "std": (0.25,) * 3, **changes}
    names = tuple(f"class {n}" for n in range(n_classes))
    return Teacher(name="model", held=network, class_names=names, **said)  # type: ignore[arg-type]


def _pictures(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    size = (count, 3, 16, 16)
    return torch.randint(256, size, dtype=torch.uint8, generator=generator)


def test_a_picture_is_right_when_its_label_is_what_the_model_finds_most_probable() -> None:
    teacher, pictures = _teacher(), _pictures(20)
    expected = teacher.logits(pictures.float() / 255).softmax(1)
    labels = expected.argmax(1).tolist()
    labels[7] = (labels[7] + 1) % 3
    judged = list(judge(teacher, zip(labels, pictures, strict=True), CPU))
    assert [one.right for one in judged] == [n != 7 for n in range(20)]
    assert [one.predicted for one in judged] == expected.argmax(1).tolist()
    found = torch.tensor([one.probability for one in judged])
    torch.testing.assert_close(found, expected.amax(1), atol=1e-5, rtol=0)


def test_another_normalisation_gives_other_answers() -> None:
    pictures = _pictures(20)
    pairs = [(0, picture) for picture in pictures]
    right = [one.probability for one in judge(_teacher(), pairs, CPU)]
    wrong = [one.probability for one in judge(_teacher(mean=(0.0,) * 3), pairs, CPU)]
    assert right != wrong


def test_with_many_classes_the_first_five_are_counted_too() -> None:
    teacher, pictures = _teacher(20), _pictures(12)
    order = teacher.logits(pictures.float() / 255).argsort(1, descending=True)
    ranks = [0, 1, 4, 5, 19, 0, 1, 4, 5, 19, 0, 1]
    labels = [int(order[row, rank]) for row, rank in enumerate(ranks)]
    judged = list(judge(teacher, zip(labels, pictures, strict=True), CPU))
    assert sum(one.right for one in judged) == ranks.count(0)
    assert n_in_top(judged, 20) == sum(rank < 5 for rank in ranks)
    assert n_in_top(judged, 10) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("tabby cat", 0),
        ("Tabby_Cat", 0),
        (" tabby-cat ", 0),
        ("C", 1),
        ("c", 2),
        ("owl", None),
        ("T SHIRT", None),
        ("t-shirt", 3),
    ],
)
def test_a_folder_is_the_class_of_its_name_unless_several_would_do(
    name: str, number: int | None
) -> None:
    names = ("tabby cat", "C", "c", "t-shirt", "t shirt")
    assert class_called(name, names) == number
