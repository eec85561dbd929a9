"""Image classifiers of transformers (an extra), built from configurations, never from code."""

import importlib
import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any

import torch
from torch import nn

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.torchvision_import import torchvision_models

PREFIX = "transformers/"
CLASSES = MappingProxyType(
    {
        "beit": "BeitForImageClassification",
        "bit": "BitForImageClassification",
        "clip": "CLIPForImageClassification",
        "convnext": "ConvNextForImageClassification",
        "convnextv2": "ConvNextV2ForImageClassification",
        "cvt": "CvtForImageClassification",
        "data2vec-vision": "Data2VecVisionForImageClassification",
        "deit": "DeiTForImageClassification",
        "dinov2": "Dinov2ForImageClassification",
        "dinov2_with_registers": "Dinov2WithRegistersForImageClassification",
        "donut-swin": "DonutSwinForImageClassification",
        "efficientnet": "EfficientNetForImageClassification",
        "focalnet": "FocalNetForImageClassification",
        "hgnet_v2": "HGNetV2ForImageClassification",
        "hiera": "HieraForImageClassification",
        "ijepa": "IJepaForImageClassification",
        "levit": "LevitForImageClassification",
        "metaclip_2": "MetaClip2ForImageClassification",
        "mobilenet_v1": "MobileNetV1ForImageClassification",
        "mobilenet_v2": "MobileNetV2ForImageClassification",
        "mobilevit": "MobileViTForImageClassification",
        "mobilevitv2": "MobileViTV2ForImageClassification",
        "poolformer": "PoolFormerForImageClassification",
        "pvt": "PvtForImageClassification",
        "pvt_v2": "PvtV2ForImageClassification",
        "regnet": "RegNetForImageClassification",
        "resnet": "ResNetForImageClassification",
        "segformer": "SegformerForImageClassification",
        "siglip": "SiglipForImageClassification",
        "swin": "SwinForImageClassification",
        "swinv2": "Swinv2ForImageClassification",
        "textnet": "TextNetForImageClassification",
        "vit": "ViTForImageClassification",
        "vit_msn": "ViTMSNForImageClassification",
    }
)
"""The supported model types and their classes."""

# Keys about the file, its labels or its training, or that could ask for code to run.
_DROPPED = frozenset(
    {
        *("architectures", "auto_map", "custom_pipelines", "quantization_config", "_name_or_path"),
        *("id2label", "label2id", "num_labels", "transformers_version", "model_type", "dtype"),
        *("torch_dtype", "problem_type", "_commit_hash", "trust_remote_code", "pruned_heads"),
        *("attn_implementation", "_attn_implementation", "use_cache", "return_dict"),
    }
)
_MAX_NUMBER, _MAX_LENGTH, _MAX_TEXT, _MAX_KEYS, _MAX_LAYERS = 100_000, 64, 100, 200, 200


def plain_config(config: Mapping[str, Any]) -> str:
    """Return the part of a `config.json` that defines the network, as canonical JSON.

    Raises InvalidCheckpoint for values that no image classifier has.
    """
    kept = {key: value for key, value in config.items() if key not in _DROPPED}
    if len(kept) > _MAX_KEYS or not all(_is_plain(value) for value in kept.values()):
        raise InvalidCheckpoint(
            "The configuration has values that no image classifier needs; upload the folder that "
            "save_pretrained wrote."
        )
    layers = kept.get("num_hidden_layers")
    if isinstance(layers, int) and layers > _MAX_LAYERS:
        raise InvalidCheckpoint(f"The configuration has {layers} layers, more than {_MAX_LAYERS}.")
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


def _is_plain(value: object, depth: int = 0) -> bool:
    """Accept None, booleans, short texts, usual numbers, and short lists and dicts of them."""
    if isinstance(value, bool | None):
        return True
    if isinstance(value, int | float):
        return abs(value) <= _MAX_NUMBER
    if isinstance(value, str):
        return len(value) <= _MAX_TEXT
    if depth >= 3 or not isinstance(value, list | dict) or len(value) > _MAX_LENGTH:
        return False
    inner = value.values() if isinstance(value, dict) else value
    return all(_is_plain(item, depth + 1) for item in inner)


def transformers_model(
    kind: str,
    *,
    n_classes: int,
    channels: int = 3,
    image_size: int | None = None,
    config: Mapping[str, Any] = MappingProxyType({}),
) -> nn.Module:
    """Return the library's own model of this type, freshly initialised."""
    if kind not in CLASSES:
        raise InvalidCheckpoint(
            f"“{kind[:60]}” is not a supported model type; use one of {', '.join(CLASSES)}."
        )
    library = transformers()
    values = dict(config)
    sized = library.AutoConfig.for_model(kind)
    if channels != 3:
        values["num_channels"] = channels
    if image_size is not None and type(getattr(sized, "image_size", None)) is int:
        values.setdefault("image_size", image_size)
    built = library.AutoConfig.for_model(kind, **{**values, "num_labels": n_classes})
    model: nn.Module = getattr(library, CLASSES[kind])(built)
    return model


def saved_names(model: nn.Module) -> dict[str, str]:
    """Map the model's tensor names to those that save_pretrained writes.

    The library renames its layers between releases; the names in files stay.
    """
    transformers()
    revert = importlib.import_module("transformers.core_model_loading").revert_weight_conversion
    state = model.state_dict()
    written = {id(tensor): name for name, tensor in revert(model, dict(state)).items()}
    return {name: written.get(id(tensor), name) for name, tensor in state.items()}


def check_size(kind: str, config: Mapping[str, Any], limit: int) -> None:
    """Raise InvalidCheckpoint if the network has more parameters, before any is allocated."""
    try:
        with torch.device("meta"):
            model = transformers_model(kind, n_classes=2, config=config)
    except (NotImplementedError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InvalidCheckpoint(
            f"No {kind} can be built from the configuration ({str(error)[:150]})."
        ) from None
    total = sum(parameter.numel() for parameter in model.parameters())
    if total > limit:
        raise InvalidCheckpoint(
            f"The configuration describes a network of {total:,} numbers, more than the allowed "
            f"{limit:,}; upload a smaller network."
        )


@cache
def transformers() -> ModuleType:
    """Import transformers after repairing torchvision, which it imports."""
    torchvision_models()
    try:
        return importlib.import_module("transformers")
    except ModuleNotFoundError:
        raise InvalidCheckpoint(
            "This instance has no transformers; its operator can install freehold[transformers]."
        ) from None
