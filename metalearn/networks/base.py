"""What a network and an architecture are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.shapes import Features, Images, Logits

_OLD_PREFIX, _PREFIX = "tv_", "torchvision/"

Shapes = Mapping[str, tuple[int, ...]]
"""Names and shapes of the tensors of a state dict."""


def present_name(architecture: str) -> str:
    """The architecture's name; releases before 0.2.0 wrote `tv_NAME` for `torchvision/NAME`."""
    if architecture.startswith(_OLD_PREFIX):
        return _PREFIX + architecture.removeprefix(_OLD_PREFIX)
    return architecture


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build a network again. `width` is the architecture's own measure."""

    architecture: str
    width: int
    channels: int
    image_size: int
    n_classes: int
    config: str = ""
    """What a network of transformers is built from, as canonical JSON; '' for all others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "architecture", present_name(self.architecture))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for config.json and manifests."""
        values = dict(vars(self))
        return values if self.config else {k: v for k, v in values.items() if k != "config"}


class Network(nn.Module, ABC):
    """A classifier made of an embedding and a linear head.

    Input is normalised images of `spec.channels` channels; `forward` is `head(embed(x))`, but for
    the few of `LibraryFacts.linear` False, whose library adds something behind the head. A learner
    decides by `head(embed(x))` always.
    (The method is not called `features`: torchvision has child modules of that name, and a
    checkpoint's key names must stay as they are.)
    """

    spec: NetworkSpec
    head_name: str
    """Where the last linear layer lies in the state dict, such as `head` or `classifier.3`."""
    beside_head: tuple[str, ...] = ()
    """Other layers with a row for each class, which `embed` and `head` do without."""

    @property
    @abstractmethod
    def feature_dim(self) -> int:
        """Length of one feature vector."""

    @abstractmethod
    def embed(self, images: Images) -> Features:
        """Normalised images to feature vectors, before the head."""

    @property
    def output_layer(self) -> nn.Linear:
        """The last linear layer.

        Not called `head`: a library's child of that name may hold more than this layer, and a
        property would hide it where tensors are found by their names.
        """
        layer = self.get_submodule(self.head_name)
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, images: Images) -> Logits:
        """Normalised images to logits."""
        logits: Tensor = self.output_layer(self.embed(images))
        return logits


class Architecture(ABC):
    """One kind of network: how to build it and how to recognise its tensors."""

    name: str
    title: str
    paper: str
    default_width: int
    min_image_size: int
    published_image_size: int = 0
    """What its published weights were trained with; 0 where that is unknown or the only one."""

    @abstractmethod
    def build(self, spec: NetworkSpec) -> Network:
        """A freshly initialised network (global generator; wrap in `torch.random.fork_rng`)."""

    @abstractmethod
    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        """Read width, channels and class count from tensor shapes.

        Raises InvalidCheckpoint, naming the tensor, when the shapes are not this architecture.
        """

    def own_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A file's tensors, under the names of their library, as the network holds them."""
        return dict(tensors)

    def own_shapes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The same of shapes. InvalidCheckpoint where they do not belong together."""
        return dict(shapes)

    def names_in_files(self, names: Iterable[str]) -> list[str]:
        """The library's names of the network's tensors."""
        return list(names)

    def usual_spec(self, image_size: int) -> NetworkSpec:
        """The usual network of this kind, for colour images and two classes."""
        return NetworkSpec(self.name, self.default_width, 3, image_size, 2)

    def check_image_size(self, image_size: int) -> None:
        """Raise InvalidCheckpoint when images of this size would vanish inside the network."""
        if image_size < self.min_image_size:
            raise InvalidCheckpoint(
                f"{self.title} needs images of at least {self.min_image_size} pixels, "
                f"not {image_size}; give the size the model was trained with."
            )


def shape_of(shapes: Shapes, name: str, *, dims: int) -> tuple[int, ...]:
    """The shape of tensor `name`, which must have `dims` dimensions; else InvalidCheckpoint."""
    shape = shapes.get(name)
    if shape is None:
        raise InvalidCheckpoint(
            f"The tensor “{name}” is missing; choose the architecture the file was saved from."
        )
    if len(shape) != dims or 0 in shape:
        raise InvalidCheckpoint(
            f"The tensor “{name}” has shape {list(shape)} where {dims} dimensions are expected; "
            "choose the architecture the file was saved from."
        )
    return shape
