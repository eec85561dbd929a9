"""Base classes of networks and architectures."""

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
    """Return the current name; releases before 0.2.0 wrote `tv_NAME` for `torchvision/NAME`."""
    if architecture.startswith(_OLD_PREFIX):
        return _PREFIX + architecture.removeprefix(_OLD_PREFIX)
    return architecture


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build a network again; `width` is in the architecture's own measure."""

    architecture: str
    width: int
    channels: int
    image_size: int
    n_classes: int
    config: str = ""
    """A transformers network's configuration as canonical JSON; '' for all others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "architecture", present_name(self.architecture))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for config.json and manifests."""
        values = dict(vars(self))
        return values if self.config else {k: v for k, v in values.items() if k != "config"}


class Network(nn.Module, ABC):
    """A classifier made of an embedding and a linear head.

    It takes normalised images with `spec.channels` channels. `forward` is `head(embed(x))`, except
    where `LibraryFacts.linear` is False and the library adds something after the head. A learner
    always uses `head(embed(x))`. The method is not called `features`, because torchvision has child
    modules of that name and tensor names must not change.
    """

    spec: NetworkSpec
    head_name: str
    """Path of the last linear layer in the state dict, such as `head` or `classifier.3`."""
    beside_head: tuple[str, ...] = ()
    """Other layers with a row per class, which `embed` and `head` do not use."""

    @property
    @abstractmethod
    def feature_dim(self) -> int:
        """Length of one feature vector."""

    @abstractmethod
    def embed(self, images: Images) -> Features:
        """Map normalised images to feature vectors, before the head."""

    @property
    def output_layer(self) -> nn.Linear:
        """The last linear layer.

        Not called `head`: a library's child of that name may hold more than this layer, and a
        property would hide it when tensors are looked up by name.
        """
        layer = self.get_submodule(self.head_name)
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, images: Images) -> Logits:
        logits: Tensor = self.output_layer(self.embed(images))
        return logits


class Architecture(ABC):
    name: str
    title: str
    paper: str
    default_width: int
    min_image_size: int
    published_image_size: int = 0
    """The image size of its published weights; 0 if unknown or if no other is possible."""

    @abstractmethod
    def build(self, spec: NetworkSpec) -> Network:
        """Return a freshly initialised network, drawn from the global generator."""

    @abstractmethod
    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        """Read the spec from tensor shapes; raise InvalidCheckpoint, naming a wrong tensor."""

    def own_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Convert a file's tensors, by their library's names, to those that the network holds."""
        return dict(tensors)

    def own_shapes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Convert shapes as `own_tensors` does. Raises InvalidCheckpoint if they do not match."""
        return dict(shapes)

    def names_in_files(self, names: Iterable[str]) -> list[str]:
        """Return the library's names of the network's tensors."""
        return list(names)

    def usual_spec(self, image_size: int) -> NetworkSpec:
        """Return the spec of the default network, for colour images and two classes."""
        return NetworkSpec(self.name, self.default_width, 3, image_size, 2)

    def check_image_size(self, image_size: int) -> None:
        """Raise InvalidCheckpoint if the image size is below the architecture's minimum."""
        if image_size < self.min_image_size:
            raise InvalidCheckpoint(
                f"{self.title} needs images of at least {self.min_image_size} pixels, "
                f"not {image_size}; give the size the model was trained with."
            )


def shape_of(shapes: Shapes, name: str, *, dims: int) -> tuple[int, ...]:
    """Return a tensor's shape; raise InvalidCheckpoint unless it has `dims` dimensions."""
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
