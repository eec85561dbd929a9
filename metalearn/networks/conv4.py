"""Conv4: four blocks of convolution, batch-norm, pooling and ReLU, as in prototypical networks."""

import math

from torch import Tensor, nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes, shape_of
from metalearn.shapes import Features, Images

N_BLOCKS = 4


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(n_out)
        self.act = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        # As in the few-shot literature: normal with variance 2 / (kernel area * outputs).
        nn.init.normal_(self.conv.weight, std=math.sqrt(2 / (9 * n_out)))
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        # Bit-identical to pooling after ReLU, with a quarter of the work.
        result: Tensor = self.act(self.pool(self.norm(self.conv(x))))
        return result


class Conv4Network(Network):
    """Four blocks of `width` channels; the final map is flattened into the features."""

    head_name = "head"

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        inputs = [spec.channels] + [spec.width] * (N_BLOCKS - 1)
        self.blocks = nn.Sequential(*(_Block(n_in, spec.width) for n_in in inputs))
        self._modules["head"] = nn.Linear(self.feature_dim, spec.n_classes)

    @property
    def feature_dim(self) -> int:
        return self.spec.width * _map_size(self.spec.image_size) ** 2

    def embed(self, images: Images) -> Features:
        features: Tensor = self.blocks(images).flatten(1)
        return features


class Conv4(Architecture):
    """The standard small network of the few-shot literature (32 channels, 30,000 weights)."""

    name = "conv4"
    title = "Conv4"
    paper = "https://arxiv.org/abs/1703.05175"
    default_width = 32
    min_image_size = 16

    def build(self, spec: NetworkSpec) -> Network:
        self.check_image_size(spec.image_size)
        return Conv4Network(spec)

    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        self.check_image_size(image_size)
        width, channels, _, _ = shape_of(shapes, "blocks.0.conv.weight", dims=4)
        n_classes, n_features = shape_of(shapes, "head.weight", dims=2)
        expected = width * _map_size(image_size) ** 2
        if n_features != expected:
            raise InvalidCheckpoint(
                f"The tensor “head.weight” takes {n_features} features, but Conv4 of width {width} "
                f"gives {expected} for images of {image_size} pixels; correct the image size."
            )
        return NetworkSpec(self.name, width, channels, image_size, n_classes)


def _map_size(image_size: int) -> int:
    return int(image_size // 2**N_BLOCKS)
