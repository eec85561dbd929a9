from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from metalearn.errors import BadModel, InvalidPool
from metalearn.networks import Network, NetworkSpec
from metalearn.numerics.preparation import prepare_images
from metalearn.pool.network_cache import CachedNetwork, NetworkCache, network_bytes
from metalearn.pool.watch import Watch
from metalearn.shapes import Features, Images, Logits


@dataclass(frozen=True)
class Teacher:
    """A pre-trained, frozen classifier. It takes images in [0, 1] of any size."""

    name: str
    held: Network | CachedNetwork
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    sha256: str = ""
    licence: str = ""
    owner: str = ""
    consent_recovery: bool = True
    consent_preview: bool = False
    extra: dict[str, object] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.held, Network):
            self.held.eval().requires_grad_(False)

    @property
    def network(self) -> Network:
        return self.held if isinstance(self.held, Network) else self.held.network()

    def cached_in(self, cache: NetworkCache) -> "Teacher":
        return replace(self, held=cache.keep(self.network))

    def to(self, device: torch.device) -> "Teacher":
        self.held.to(device)
        return self

    @property
    def spec(self) -> NetworkSpec:
        """Available without fetching the network."""
        return self.held.spec

    @property
    def n_bytes(self) -> int:
        """Memory that the network needs. Available without fetching it."""
        held = self.held
        return network_bytes(held) if isinstance(held, Network) else held.n_bytes

    @property
    def image_size(self) -> int:
        """Height and width of the training images, in pixels."""
        return self.spec.image_size

    @property
    def channels(self) -> int:
        return self.spec.channels

    @property
    def n_classes(self) -> int:
        return self.spec.n_classes

    def prepare(self, images: Images) -> Float[Tensor, "n channels size size"]:
        """Resize (differentiably) to the teacher's size and apply its normalisation.

        The result is channels-last, with which bfloat16 layers on a CPU take a third of the time.
        """
        ready = prepare_images(images, size=self.image_size, mean=self.mean, std=self.std)
        return ready.contiguous(memory_format=torch.channels_last)

    def logits(self, images: Images) -> Logits:
        """Return logits over all of the teacher's classes, for images in [0, 1]."""
        prepared = self.prepare(images)
        result: Tensor = self.network(prepared)
        self.watch.see(prepared, result)
        return result

    def features(self, images: Images) -> Features:
        """Return the features before the output layer, for images in [0, 1]."""
        prepared = self.prepare(images)
        result: Tensor = self.network.embed(prepared)
        self.watch.see(prepared, result)
        return result


@dataclass(frozen=True)
class Pool:
    """At least two teachers with the same number of channels.

    If the pool is part of another, `places` are its teachers' indices there; otherwise 0, 1, …
    """

    teachers: tuple[Teacher, ...]
    places: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.teachers) < 2:
            raise InvalidPool("A pool needs at least two models; add another one.")
        if len({teacher.channels for teacher in self.teachers}) > 1:
            raise InvalidPool(
                "All models of a pool must have the same number of channels; "
                "put colour and grey models into separate pools."
            )
        object.__setattr__(self, "teachers", _told_apart(self.teachers))
        object.__setattr__(self, "places", self.places or tuple(range(len(self.teachers))))

    def __len__(self) -> int:
        return len(self.teachers)

    @property
    def channels(self) -> int:
        return self.teachers[0].channels

    @property
    def image_size(self) -> int:
        return max(teacher.image_size for teacher in self.teachers)

    @property
    def mean(self) -> tuple[float, ...]:
        return _average([teacher.mean for teacher in self.teachers])

    @property
    def std(self) -> tuple[float, ...]:
        return _average([teacher.std for teacher in self.teachers])

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(sorted({name for teacher in self.teachers for name in teacher.class_names}))

    def part(self, indices: Sequence[int]) -> "Pool":
        """Return a pool of some of the teachers that keeps their places."""
        return Pool(
            tuple(self.teachers[index] for index in indices),
            tuple(self.places[index] for index in indices),
        )

    def with_enough_classes(self, n_way: int, *, merge: bool = True) -> "Pool":
        """Return this pool, or raise InvalidPool if its models have too few classes in total.

        With `merge`, classes of the same name count once. A single model may have fewer than
        `n_way`: its tasks then have as many classes as it knows.
        """
        outputs = sum(teacher.n_classes for teacher in self.teachers)
        known = len(self.class_names) if merge else outputs
        if known < n_way:
            raise InvalidPool(
                f"The models of this pool know {known} classes together, fewer than the {n_way} "
                "of an episode; lower n_way or add another model."
            )
        return self

    def check_answers(self) -> None:
        """Raise BadModel, with its name, for a model that gave no finite numbers so far."""
        for place, teacher in zip(self.places, self.teachers, strict=True):
            if teacher.watch.failed:
                raise BadModel(
                    f"“{teacher.name}” gave outputs or gradients that are not finite numbers; "
                    "leave it out of the pool.",
                    place,
                )

    def sample(self, n: int, rng: torch.Generator) -> list[Teacher]:
        """Draw `n` teachers uniformly with replacement."""
        indices = torch.randint(len(self.teachers), (n,), generator=rng).tolist()
        return [self.teachers[index] for index in indices]

    def to(self, device: torch.device) -> "Pool":
        for teacher in self.teachers:
            teacher.to(device)
        return self


def _told_apart(teachers: Sequence[Teacher]) -> tuple[Teacher, ...]:
    """Make names unique by numbering repeated ones, such as those of different owners, from 2."""
    met: Counter[str] = Counter()
    distinct = []
    for teacher in teachers:
        met[teacher.name] += 1
        count = met[teacher.name]
        name = teacher.name if count == 1 else f"{teacher.name} ({count})"
        distinct.append(teacher if count == 1 else replace(teacher, name=name))
    return tuple(distinct)


def _average(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    # Rounded so that equal rows average to themselves and the model card is readable.
    return tuple(round(sum(column) / len(rows), 6) for column in zip(*rows, strict=True))
