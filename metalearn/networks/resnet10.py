from metalearn.networks.residual import ResidualArchitecture


class ResNet10(ResidualArchitecture):
    """ResNet-10 of the few-shot literature, with one block per stage (4.9 million weights)."""

    name = "resnet10"
    title = "ResNet-10 (small images)"
    blocks_per_stage = 1
