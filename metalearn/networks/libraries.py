"""Architectures of timm, torchvision and transformers, such as `timm/resnet18`, without weights."""

import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes, shape_of
from metalearn.networks.joint_head import JOINT_HEAD, join_heads, joined, joined_shapes
from metalearn.networks.library_network import LibraryNetwork
from metalearn.networks.torchvision_import import torchvision_models
from metalearn.networks.transformers_library import PREFIX, transformers_model

MIN_IMAGE_SIZE = 32
_TITLES = {
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3-Small",
    "mobilenet_v3_large": "MobileNetV3-Large",
    "efficientnet_b0": "EfficientNet-B0",
    "convnext_tiny": "ConvNeXt-Tiny",
    "vit": "ViT",
    "vit_b_16": "ViT-B/16",
    "swin_t": "Swin-T",
    "densenet121": "DenseNet-121",
}
_SIZED_TORCHVISION = "torchvision/vit_"


@dataclass(frozen=True)
class LibraryFacts:
    """Facts about a library's architecture, from the shipped index."""

    name: str
    heads: tuple[str, ...]
    """The linear layers that give its classes; the logits are their mean."""
    feature_dim: int
    image_size: int
    """The image size it is made for."""
    fixed_size: bool
    """Whether its tensors depend on the image size."""
    n_parameters: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    loose: tuple[str, ...]
    """Tensors whose shape depends on the input's channels or size, or on the classes."""
    linear: bool = True
    """Whether its logits are its head on its features; otherwise the library adds something."""
    beside_head: tuple[str, ...] = ()
    """Layers that also give classes but are not part of the head; only if it is not linear."""

    @property
    def head_name(self) -> str:
        """The network's one head, which replaces several."""
        return self.heads[0] if len(self.heads) == 1 else JOINT_HEAD


class LibraryArchitecture(Architecture):
    paper = ""
    min_image_size = MIN_IMAGE_SIZE

    def __init__(self, facts: LibraryFacts) -> None:
        self.facts = facts
        self.name = facts.name
        self.published_image_size = 0 if facts.fixed_size else facts.image_size
        library, _, builder = facts.name.partition("/")
        self.title = f"{_TITLES.get(builder, builder)} ({library})"
        self.default_width = facts.feature_dim

    def build(self, spec: NetworkSpec) -> Network:
        self.check_image_size(spec.image_size)
        model = build_model(
            self.name,
            n_classes=spec.n_classes,
            channels=spec.channels,
            image_size=spec.image_size if self.facts.fixed_size else None,
            config=spec.config,
        )
        facts = self.facts
        taps: tuple[str, ...] = ()
        if self._has_several_heads:
            taps = join_heads(model, facts.heads, facts.feature_dim)
        else:
            make_head_linear(model, facts.head_name, on_maps=not facts.linear)
        return LibraryNetwork(
            spec, model, head_name=facts.head_name, taps=taps, beside_head=facts.beside_head
        )

    @property
    def _has_several_heads(self) -> bool:
        return len(self.facts.heads) > 1

    def own_tensors(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self._has_several_heads and f"{self.facts.heads[0]}.weight" in tensors:
            return joined(tensors, self.facts.heads, self.facts.feature_dim)
        return dict(tensors)

    def own_shapes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        if self._has_several_heads and f"{self.facts.heads[0]}.weight" in shapes:
            return joined_shapes(shapes, self.facts.heads, self.facts.feature_dim)
        return dict(shapes)

    def names_in_files(self, names: Iterable[str]) -> list[str]:
        of_head = f"{JOINT_HEAD}."
        heads = [f"{h}.{part}" for h in self.facts.heads for part in ("weight", "bias")]
        rest = [name for name in names if not name.startswith(of_head)]
        return [*rest, *heads] if self._has_several_heads else rest

    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        self.check_image_size(image_size)
        n_classes, width = shape_of(shapes, f"{self.facts.head_name}.weight", dims=2)
        if width != self.facts.feature_dim:
            raise InvalidCheckpoint(
                f"The tensor “{self.facts.head_name}.weight” takes {width} features where "
                f"{self.name} has {self.facts.feature_dim}; choose the architecture the file was "
                "saved from."
            )
        return NetworkSpec(self.name, width, self._channels(shapes), image_size, n_classes)

    def _channels(self, shapes: Shapes) -> int:
        """Return the input channels of the first convolution among the loose tensors."""
        stems = (shapes.get(n, ()) for n in self.facts.loose if n.endswith("weight"))
        return next((shape[1] for shape in stems if len(shape) == 4), 3)


class MapLinear(nn.Linear):
    """A linear layer at each pixel of a map, or on pooled features."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() == 2:
            return super().forward(input)
        return F.conv2d(input, self.weight[:, :, None, None], self.bias)


class PooledLinear(nn.Linear):
    """A linear layer on features that are still maps of one pixel."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.flatten(1))


def is_pointwise(layer: nn.Module) -> bool:
    """Return whether the layer is a 1x1 convolution, and so linear on pooled features."""
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1


def make_head_linear(model: nn.Module, head_name: str, *, on_maps: bool = False) -> None:
    """Replace a 1x1 convolution head by a linear layer; `on_maps` if the model pools after it."""
    head = model.get_submodule(head_name)
    if isinstance(head, nn.Conv2d) and is_pointwise(head):
        kind = MapLinear if on_maps else PooledLinear
        linear = kind(head.in_channels, head.out_channels, bias=head.bias is not None)
        parent_name, _, child_name = head_name.rpartition(".")
        setattr(model.get_submodule(parent_name), child_name, linear)


def may_take_size(name: str) -> bool:
    """Return whether the builder may accept an image size; timm's refuse it if they do not."""
    return name.startswith((_SIZED_TORCHVISION, "timm/", PREFIX))


def build_model(
    name: str, *, n_classes: int, channels: int, image_size: int | None, config: str = ""
) -> nn.Module:
    """Return the library's own model, freshly initialised; `image_size` None is its usual one.

    `config` comes from `plain_config` and is for transformers only. Raises InvalidCheckpoint if the
    library has no such model or cannot build it.
    """
    library, _, builder = name.partition("/")
    try:
        if library == "transformers":
            return transformers_model(
                builder,
                n_classes=n_classes,
                channels=channels,
                image_size=image_size,
                config=json.loads(config or "{}"),
            )
        make = _timm_model if library == "timm" else _torchvision_model
        return make(builder, n_classes, channels, image_size)
    except (TypeError, ValueError, AssertionError) as error:
        raise InvalidCheckpoint(
            f"{name} cannot be built for {channels} channels and images of "
            f"{image_size or 'its usual'} pixels ({str(error)[:200]}); give the size that the "
            "model was trained with."
        ) from None


def _timm_model(name: str, n_classes: int, channels: int, image_size: int | None) -> nn.Module:
    sized: dict[str, Any] = {} if image_size is None else {"img_size": image_size}
    model: nn.Module = timm().create_model(
        name, pretrained=False, num_classes=n_classes, in_chans=channels, **sized
    )
    return model


def _torchvision_model(
    name: str, n_classes: int, channels: int, image_size: int | None
) -> nn.Module:
    options: dict[str, Any] = {"num_classes": n_classes}
    if image_size is not None:
        options["image_size"] = image_size
    if name in {"googlenet", "inception_v3"}:
        # Their auxiliary classifiers only help training.
        options |= {"aux_logits": False, "init_weights": False}
    model: nn.Module = torchvision_models().get_model(name, weights=None, **options)
    if channels != 3:
        _replace_stem(model, _stem_name(model), channels)
    return model


@cache
def timm() -> ModuleType:
    """Import timm after repairing torchvision, which it imports."""
    torchvision_models()
    return importlib.import_module("timm")


def _stem_name(model: nn.Module) -> str:
    convolutions = ((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    return next((name for name, layer in convolutions if layer.in_channels == 3), "")


def _replace_stem(model: nn.Module, stem_name: str, channels: int) -> None:
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
