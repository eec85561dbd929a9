"""Small pools and teachers for the tests of the numerics."""

from collections.abc import Callable, Iterator

import pytest
import torch

from metalearn.datasets import ImageSet
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool, Teacher

MakeTeacher = Callable[..., Teacher]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_teacher() -> MakeTeacher:
    def make(
        name: str = "a",
        *,
        architecture: str = "conv4",
        width: int = 4,
        channels: int = 3,
        image_size: int = 16,
        class_names: tuple[str, ...] = ("cat", "dog", "owl"),
        consent_recovery: bool = True,
    ) -> Teacher:
        spec = NetworkSpec(architecture, width, channels, image_size, len(class_names))
        with torch.random.fork_rng():
            torch.manual_seed(sum(map(ord, name)))
            network = build_network(spec)
            for layer in network.modules():
                if isinstance(layer, torch.nn.BatchNorm2d):
                    layer.running_mean.normal_(std=0.3)
                    layer.running_var.uniform_(0.5, 1.5)
        return Teacher(
            name=name,
            held=network,
            mean=(0.5,) * channels,
            std=(0.25,) * channels,
            class_names=class_names,
            consent_recovery=consent_recovery,
        )

    return make


@pytest.fixture
def tiny_pool(make_teacher: MakeTeacher) -> Pool:
    """Three teachers of unlike architecture, size and class count, some classes in common."""
    return Pool(
        (
            make_teacher("a"),
            make_teacher("b", class_names=("owl", "fox", "cat", "bee")),
            make_teacher("c", architecture="resnet10", width=2, image_size=24),
        )
    )


@pytest.fixture
def four_colours() -> ImageSet:
    """Four classes of noise around four colours, easy to tell apart."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.tensor([[0, 0, 0], [200, 0, 0], [0, 200, 0], [0, 0, 200]])
    labels = torch.arange(4).repeat_interleave(20)
    noise = torch.randint(0, 56, (80, 3, 16, 16), generator=generator)
    images = (colours[labels].view(80, 3, 1, 1) + noise).to(torch.uint8)
    return ImageSet(images, labels, ("night", "red", "green", "blue"))
