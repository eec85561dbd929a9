"""torchvision's own networks: state-dict keys stay as torchvision saves them."""

from typing import ClassVar

from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes, shape_of
from metalearn.networks.torchvision_import import torchvision_models
from metalearn.shapes import Features, Images


class TorchvisionNetwork(Network):
    """The children of a torchvision model, under their own names, with the head kept apart.

    torchvision registers the children of these models in the order in which its `forward` calls
    them; the last child is the classifier, and its last layer is the head.
    """

    def __init__(self, spec: NetworkSpec, model: nn.Module, *, head_name: str) -> None:
        super().__init__()
        self.spec = spec
        self.head_name = head_name
        for name, child in model.named_children():
            self.add_module(name, child)

    @property
    def feature_dim(self) -> int:
        return self.head.in_features

    def embed(self, images: Images) -> Features:
        *body, classifier = self.children()
        x: Tensor = images
        for child in body:
            x = child(x)
        if isinstance(classifier, nn.Linear):
            return x.flatten(1)
        if not any(isinstance(layer, nn.Flatten) for layer in classifier.children()):
            x = x.flatten(1)
        for layer in list(classifier.children())[:-1]:
            x = layer(x)
        return x


class TorchvisionArchitecture(Architecture):
    """What the adapters share; each names torchvision's builder, its stem and its head."""

    builder: ClassVar[str]
    stem_name: ClassVar[str]
    head_name: ClassVar[str]
    min_image_size = 32

    def build(self, spec: NetworkSpec) -> Network:
        self.check_image_size(spec.image_size)
        make = getattr(torchvision_models(), self.builder)
        model: nn.Module = make(weights=None, num_classes=spec.n_classes)
        if spec.channels != 3:
            _replace_stem(model, self.stem_name, spec.channels)
        return TorchvisionNetwork(spec, model, head_name=self.head_name)

    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        self.check_image_size(image_size)
        stem = f"{self.stem_name}.weight"
        width, channels, _, _ = shape_of(shapes, stem, dims=4)
        if width != self.default_width:
            raise InvalidCheckpoint(
                f"The tensor “{stem}” has {width} filters where {self.title} has "
                f"{self.default_width}; choose the architecture the file was saved from."
            )
        n_classes, _ = shape_of(shapes, f"{self.head_name}.weight", dims=2)
        return NetworkSpec(self.name, width, channels, image_size, n_classes)


def _replace_stem(model: nn.Module, stem_name: str, channels: int) -> None:
    """Put a first convolution for `channels` colour channels in place of the one for RGB."""
    old = model.get_submodule(stem_name)
    assert isinstance(old, nn.Conv2d)
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        stride=old.stride,  # type: ignore[arg-type]
        padding=old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    parent_name, _, child_name = stem_name.rpartition(".")
    setattr(model.get_submodule(parent_name), child_name, new)


class TvResNet18(TorchvisionArchitecture):
    """torchvision's resnet18."""

    name = "tv_resnet18"
    title = "ResNet-18 (torchvision)"
    paper = "https://arxiv.org/abs/1512.03385"
    builder = "resnet18"
    stem_name = "conv1"
    head_name = "fc"
    default_width = 64


class TvResNet50(TorchvisionArchitecture):
    """torchvision's resnet50."""

    name = "tv_resnet50"
    title = "ResNet-50 (torchvision)"
    paper = "https://arxiv.org/abs/1512.03385"
    builder = "resnet50"
    stem_name = "conv1"
    head_name = "fc"
    default_width = 64


class TvMobileNetV3Small(TorchvisionArchitecture):
    """torchvision's mobilenet_v3_small."""

    name = "tv_mobilenet_v3_small"
    title = "MobileNetV3-Small (torchvision)"
    paper = "https://arxiv.org/abs/1905.02244"
    builder = "mobilenet_v3_small"
    stem_name = "features.0.0"
    head_name = "classifier.3"
    default_width = 16


class TvMobileNetV3Large(TorchvisionArchitecture):
    """torchvision's mobilenet_v3_large."""

    name = "tv_mobilenet_v3_large"
    title = "MobileNetV3-Large (torchvision)"
    paper = "https://arxiv.org/abs/1905.02244"
    builder = "mobilenet_v3_large"
    stem_name = "features.0.0"
    head_name = "classifier.3"
    default_width = 16


class TvEfficientNetB0(TorchvisionArchitecture):
    """torchvision's efficientnet_b0."""

    name = "tv_efficientnet_b0"
    title = "EfficientNet-B0 (torchvision)"
    paper = "https://arxiv.org/abs/1905.11946"
    builder = "efficientnet_b0"
    stem_name = "features.0.0"
    head_name = "classifier.1"
    default_width = 32


class TvConvNeXtTiny(TorchvisionArchitecture):
    """torchvision's convnext_tiny."""

    name = "tv_convnext_tiny"
    title = "ConvNeXt-Tiny (torchvision)"
    paper = "https://arxiv.org/abs/2201.03545"
    builder = "convnext_tiny"
    stem_name = "features.0.0"
    head_name = "classifier.2"
    default_width = 96
