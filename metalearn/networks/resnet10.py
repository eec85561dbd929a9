"""ResNet-10 for small images: one basic block in each of four stages."""

from metalearn.networks.residual import ResidualArchitecture


class ResNet10(ResidualArchitecture):
    """The few-shot literature's ResNet-10 (4.9 million weights at width 64)."""

    name = "resnet10"
    title = "ResNet-10 (small images)"
    blocks_per_stage = 1
