"""What a network and an architecture are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from metalearn.shapes import Features, Images, Logits

Shapes = Mapping[str, tuple[int, ...]]
"""Names and shapes of the tensors of a state dict."""


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build a network again. `width` is the architecture's own measure."""

    architecture: str
    width: int
    channels: int
    image_size: int
    n_classes: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data for config.json and manifests."""
        return dict(vars(self))


class Network(nn.Module, ABC):
    """A classifier made of a feature extractor and a linear head.

    Input is normalised images of `spec.channels` channels; `forward` is `head(features(x))`.
    """

    spec: NetworkSpec

    @property
    @abstractmethod
    def feature_dim(self) -> int:
        """Length of one feature vector."""

    @property
    @abstractmethod
    def head(self) -> nn.Linear:
        """The last linear layer."""

    @property
    @abstractmethod
    def head_name(self) -> str:
        """The head's name inside the state dict, such as `head` or `fc`."""

    @abstractmethod
    def features(self, images: Images) -> Features:
        """Normalised images to feature vectors, before the head."""

    def forward(self, images: Images) -> Logits:
        """Normalised images to logits."""
        logits: Tensor = self.head(self.features(images))
        return logits


class Architecture(ABC):
    """One kind of network: how to build it and how to recognise its tensors."""

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    min_image_size: ClassVar[int] = 8

    @abstractmethod
    def build(self, spec: NetworkSpec) -> Network:
        """A freshly initialised network (global generator; wrap in `torch.random.fork_rng`)."""

    @abstractmethod
    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        """Read width, channels and class count from tensor shapes.

        Raises InvalidCheckpoint, naming the tensor, when the shapes are not this architecture.
        """
