"""Residual networks for small images: the stem has no pooling and no ReLU, to keep detail."""

import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes, shape_of
from metalearn.shapes import Features, Images

N_STAGES = 4


class _Shortcut(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Tensor) -> Tensor:
        # Stride by slices: torch 2.13's strided 1x1 convolution writes out of bounds on a CPU when
        # it has fewer than 8 input channels in channels-last order.
        result: Tensor = self.norm(self.conv(x[..., :: self.stride, :: self.stride]))
        return result


class _BasicBlock(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        changes = stride != 1 or n_in != n_out
        self.shortcut = _Shortcut(n_in, n_out, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(inner + self.shortcut(x))


class _Stem(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(self.conv(x))
        return result


class ResidualNetwork(Network):
    """Stem, four stages of `width`, 2, 4 and 8 times `width` channels, mean over the map, head."""

    head_name = "head"

    def __init__(self, spec: NetworkSpec, *, blocks_per_stage: int) -> None:
        super().__init__()
        self.spec = spec
        self.stem = _Stem(spec.channels, spec.width)
        self.stages = nn.Sequential(
            *(self._stage(stage, blocks_per_stage) for stage in range(N_STAGES))
        )
        self._modules["head"] = nn.Linear(self.feature_dim, spec.n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def _stage(self, stage: int, n_blocks: int) -> nn.Sequential:
        n_in = self.spec.width * 2 ** max(stage - 1, 0)
        n_out = self.spec.width * 2**stage
        first = _BasicBlock(n_in, n_out, stride=1 if stage == 0 else 2)
        return nn.Sequential(first, *(_BasicBlock(n_out, n_out, 1) for _ in range(n_blocks - 1)))

    @property
    def feature_dim(self) -> int:
        return int(self.spec.width * 2 ** (N_STAGES - 1))

    def embed(self, images: Images) -> Features:
        features: Tensor = self.stages(self.stem(images)).mean(dim=(2, 3))
        return features


class ResidualArchitecture(Architecture):
    """Shared base of ResNet-10 and ResNet-18, which differ in the blocks per stage."""

    paper = "https://arxiv.org/abs/1904.04232"
    default_width = 64
    min_image_size = 8
    blocks_per_stage: int

    def build(self, spec: NetworkSpec) -> Network:
        self.check_image_size(spec.image_size)
        return ResidualNetwork(spec, blocks_per_stage=self.blocks_per_stage)

    def read_spec(self, shapes: Shapes, image_size: int) -> NetworkSpec:
        self.check_image_size(image_size)
        width, channels, _, _ = shape_of(shapes, "stem.conv.weight", dims=4)
        n_classes, _ = shape_of(shapes, "head.weight", dims=2)
        return NetworkSpec(self.name, width, channels, image_size, n_classes)
