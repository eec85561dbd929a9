"""A configuration says what the tensors are only as far as they agree with it."""

import json
from typing import Any

import pytest
import torch

from metalearn.checkpoint.configured import match_configured
from metalearn.errors import InvalidCheckpoint
from metalearn.networks.transformers_library import saved_names, transformers_model

CONFIG: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
}


@pytest.fixture(scope="module")
def shapes() -> dict[str, tuple[int, ...]]:
    """Of a file that save_pretrained writes of a small vit."""
    with torch.device("meta"):
        model = transformers_model("vit", n_classes=4, config=CONFIG)
    state, names = model.state_dict(), saved_names(model)
    return {names[name]: tuple(tensor.shape) for name, tensor in state.items()}


def test_the_spec_is_the_configurations_and_the_class_count_the_heads(
    shapes: dict[str, tuple[int, ...]],
) -> None:
    found = match_configured({**shapes, "more": (1,)}, "vit", json.dumps(CONFIG), None)
    spec = found.spec
    assert (spec.architecture, spec.width, spec.image_size) == ("transformers/vit", 16, 32)
    assert spec.n_classes == 4
    assert set(found.names.values()) == set(shapes)
    assert found.left_out == ("more",)


def test_a_size_that_was_given_comes_before_the_configurations(
    shapes: dict[str, tuple[int, ...]],
) -> None:
    assert match_configured(shapes, "vit", json.dumps(CONFIG), 48).spec.image_size == 48


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_hidden_layers": 2}, "is missing"),
        ({"intermediate_size": 64}, r"shape \[32, 16\] instead of \[64, 16\]"),
        ({"hidden_size": 32}, "of another size"),
        ({"num_attention_heads": 0}, "can be built"),
    ],
)
def test_a_configuration_that_the_tensors_contradict_is_refused(
    shapes: dict[str, tuple[int, ...]], change: dict[str, int], says: str
) -> None:
    with pytest.raises(InvalidCheckpoint, match=says):
        match_configured(shapes, "vit", json.dumps(CONFIG | change), None)


def test_a_model_without_its_head_is_refused(shapes: dict[str, tuple[int, ...]]) -> None:
    rest = {name: shape for name, shape in shapes.items() if not name.startswith("classifier")}
    with pytest.raises(InvalidCheckpoint, match="“classifier.weight” is missing"):
        match_configured(rest, "vit", json.dumps(CONFIG), None)
