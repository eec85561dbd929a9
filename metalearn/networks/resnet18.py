"""ResNet-18 for small images: two basic blocks in each of four stages."""

from metalearn.networks.residual import ResidualArchitecture


class ResNet18(ResidualArchitecture):
    """The few-shot literature's ResNet-18 (11.2 million weights at width 64)."""

    name = "resnet18"
    title = "ResNet-18 (small images)"
    blocks_per_stage = 2
