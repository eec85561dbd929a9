from metalearn.networks.residual import ResidualArchitecture


class ResNet18(ResidualArchitecture):
    """ResNet-18 of the few-shot literature, with two blocks per stage (11.2 million weights)."""

    name = "resnet18"
    title = "ResNet-18 (small images)"
    blocks_per_stage = 2
