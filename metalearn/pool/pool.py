"""Teachers and pools: frozen classifiers, and which of them belong together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from metalearn.errors import InvalidPool
from metalearn.networks import Network, NetworkSpec
from metalearn.numerics.preparation import prepare_images
from metalearn.pool.network_cache import CachedNetwork, NetworkCache, network_bytes
from metalearn.shapes import Images, Logits


@dataclass(frozen=True)
class Teacher:
    """One pre-trained, frozen classifier. It takes images in [0, 1] of any size."""

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

    def __post_init__(self) -> None:
        if isinstance(self.held, Network):
            self.held.eval().requires_grad_(False)

    @property
    def network(self) -> Network:
        """Its network, which may have to be fetched from the disk first."""
        return self.held if isinstance(self.held, Network) else self.held.network()

    def cached_in(self, cache: NetworkCache) -> "Teacher":
        """The same teacher, whose network the cache holds."""
        return replace(self, held=cache.keep(self.network))

    def to(self, device: torch.device) -> "Teacher":
        """Move its network to the device (in place); returns the teacher."""
        self.held.to(device)
        return self

    @property
    def spec(self) -> NetworkSpec:
        """What its network is, for which nothing is fetched."""
        return self.held.spec

    @property
    def n_bytes(self) -> int:
        """What its network takes in memory, for which nothing is fetched."""
        held = self.held
        return network_bytes(held) if isinstance(held, Network) else held.n_bytes

    @property
    def image_size(self) -> int:
        """Height and width of the images this teacher was trained on, in pixels."""
        return self.spec.image_size

    @property
    def channels(self) -> int:
        """Number of colour channels."""
        return self.spec.channels

    @property
    def n_classes(self) -> int:
        """Number of outputs."""
        return self.spec.n_classes

    def prepare(self, images: Images) -> Float[Tensor, "n channels size size"]:
        """Resize (differentiably) to the teacher's size, then apply its own normalisation.

        Channels-last, in which a CPU's layers take a third of the time in bfloat16.
        """
        ready = prepare_images(images, size=self.image_size, mean=self.mean, std=self.std)
        return ready.contiguous(memory_format=torch.channels_last)

    def logits(self, images: Images) -> Logits:
        """Logits over all classes of the teacher, for images in [0, 1]."""
        result: Tensor = self.network(self.prepare(images))
        return result


@dataclass(frozen=True)
class Pool:
    """Teachers that can be used together: at least two, with the same number of channels.

    `places` say where each of them stands in the pool that this one is a part of; in a pool that
    is a part of none they are 0, 1, …
    """

    teachers: tuple[Teacher, ...]
    places: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.teachers) < 2:
            raise InvalidPool("A pool needs at least two models; add another one.")
        if len({teacher.channels for teacher in self.teachers}) > 1:
            raise InvalidPool(
                "All models of a pool must have the same number of channels; "
                "put colour and grey models into pools of their own."
            )
        object.__setattr__(self, "teachers", _told_apart(self.teachers))
        object.__setattr__(self, "places", self.places or tuple(range(len(self.teachers))))

    def __len__(self) -> int:
        return len(self.teachers)

    @property
    def channels(self) -> int:
        """Colour channels of every teacher."""
        return self.teachers[0].channels

    @property
    def image_size(self) -> int:
        """The largest input size among the teachers, in pixels."""
        return max(teacher.image_size for teacher in self.teachers)

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean over the teachers' normalisation means: what a learner of this pool uses."""
        return _average([teacher.mean for teacher in self.teachers])

    @property
    def std(self) -> tuple[float, ...]:
        """Mean over the teachers' normalisation standard deviations."""
        return _average([teacher.std for teacher in self.teachers])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Distinct class names of all teachers, sorted."""
        return tuple(sorted({name for teacher in self.teachers for name in teacher.class_names}))

    def part(self, indices: Sequence[int]) -> "Pool":
        """A pool of some of the teachers, which remembers where they stand in this one."""
        return Pool(
            tuple(self.teachers[index] for index in indices),
            tuple(self.places[index] for index in indices),
        )

    def with_enough_classes(self, n_way: int, *, merge: bool = True) -> "Pool":
        """This pool, or InvalidPool when its models know fewer than `n_way` classes together.

        With `merge`, classes of one name count once. A model that knows fewer may take part:
        a task of its own has as many classes as it knows.
        """
        outputs = sum(teacher.n_classes for teacher in self.teachers)
        known = len(self.class_names) if merge else outputs
        if known < n_way:
            raise InvalidPool(
                f"The models of this pool know {known} classes together, fewer than the {n_way} "
                "of an episode; lower n_way or add another model."
            )
        return self

    def sample(self, n: int, rng: torch.Generator) -> list[Teacher]:
        """`n` teachers drawn uniformly with replacement."""
        indices = torch.randint(len(self.teachers), (n,), generator=rng).tolist()
        return [self.teachers[index] for index in indices]

    def to(self, device: torch.device) -> "Pool":
        """Move every teacher's network to the device (in place); returns the pool."""
        for teacher in self.teachers:
            teacher.to(device)
        return self


def _told_apart(teachers: Sequence[Teacher]) -> tuple[Teacher, ...]:
    """The same teachers; those of one name, as of two owners, are numbered from the second on."""
    met: Counter[str] = Counter()
    distinct = []
    for teacher in teachers:
        met[teacher.name] += 1
        count = met[teacher.name]
        name = teacher.name if count == 1 else f"{teacher.name} ({count})"
        distinct.append(teacher if count == 1 else replace(teacher, name=name))
    return tuple(distinct)


def _average(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    # Rounded, so that equal rows average to themselves and the card reads well.
    return tuple(round(sum(column) / len(rows), 6) for column in zip(*rows, strict=True))
