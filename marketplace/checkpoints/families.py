"""Coarse families of architectures, recognised by their names in the libraries.

The first family whose pattern matches the beginning of the name wins. Names from other libraries or
later releases are matched in the same way, and belong to “other” if no pattern fits. Rows store
their family in a column, so a changed pattern needs a migration like `0012_fill_family`.
"""

import re

OTHER = "other"
_FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("resnet", "ResNet", r"(?:se|eca|gc|sk|csp|t)?res(?:net|next|nest|2net|2next)|bit$"),
    ("vit", "ViT", r"(?:naflex|flexi|sam)?vit(?!amin)|deit|beit|eva|cait|dinov2|clip|siglip"
     r"|data2vec|ijepa|aimv2"),
    ("swin", "Swin", r"(?:donut-)?swin"),
    ("convnext", "ConvNeXt", r"convnext"),
    ("efficientnet", "EfficientNet", r"efficientnet"),
    ("mobilenet", "MobileNet", r"mobilenet"),
    ("regnet", "RegNet", r"(?:halo)?regnet"),
    ("densenet", "DenseNet", r"densenet"),
    ("vgg", "VGG", r"(?:rep)?vgg"),
    ("inception", "Inception", r"inception(?!_next)|googlenet|xception"),
    ("mlp", "MLP-Mixer", r"g?mixer|gmlp|resmlp"),
    ("conv4", "Conv4", r"conv4"),
)  # fmt: skip
FAMILIES: tuple[tuple[str, str], ...] = (
    *((name, title) for name, title, _ in _FAMILIES),
    (OTHER, "Other"),
)
"""Names and titles, for forms and filters."""
# Prefixes that the libraries use for the source of the weights, or for a variant.
_BEFORE = re.compile(r"(?:tf_|tv_|test_|legacy_|wide_|nf_|gc_|ese_)+")
_PATTERNS = tuple((name, re.compile(pattern)) for name, _, pattern in _FAMILIES)


def family_of(architecture: str) -> str:
    """Return the family of an architecture such as `timm/resnet18`; empty for an empty name."""
    name = architecture.rpartition("/")[2].lower()
    if not name:
        return ""
    begin = found.end() if (found := _BEFORE.match(name)) else 0
    fitting = (family for family, pattern in _PATTERNS if pattern.match(name, begin))
    return next(fitting, OTHER)
