"""Configurations of transformers are cut down to what a network is built from, within bounds."""

import json
from typing import Any

import pytest

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.transformers_library import (
    check_size,
    plain_config,
    saved_names,
    transformers_model,
)

SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
}


def test_what_says_nothing_of_the_network_is_dropped_and_the_rest_is_canonical() -> None:
    config = {"b": 1, "a": [0.5], "id2label": {"0": "x"}, "auto_map": {"x": "y"}, "dtype": "f16"}
    assert plain_config(config) == '{"a":[0.5],"b":1}'
    assert plain_config(dict(reversed(config.items()))) == plain_config(config)


@pytest.mark.parametrize(
    "value",
    [100_001, "x" * 101, [0] * 65, [[[[[1]]]]], -(10**9), float("inf"), {"a": "y" * 101}],
    ids=str,
)
def test_values_that_no_image_classifier_needs_are_refused(value: object) -> None:
    with pytest.raises(InvalidCheckpoint, match="no image classifier needs"):
        plain_config({"value": value})


def test_too_many_layers_or_keys_are_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="201 layers"):
        plain_config({"num_hidden_layers": 201})
    with pytest.raises(InvalidCheckpoint, match="no image classifier needs"):
        plain_config({f"key {index}": 1 for index in range(201)})


def test_a_type_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidCheckpoint, match="“llama” is not a supported model type.*vit"):
        transformers_model("llama", n_classes=2)


def test_a_network_is_counted_before_it_is_built() -> None:
    check_size("vit", SMALL, 100_000)
    with pytest.raises(InvalidCheckpoint, match="more than the allowed 1,000"):
        check_size("vit", SMALL, 1_000)
    with pytest.raises(InvalidCheckpoint, match="No vit can be built"):
        check_size("vit", SMALL | {"num_attention_heads": 0}, 100_000)


def test_every_tensor_has_one_name_in_a_file() -> None:
    model = transformers_model("vit", n_classes=2, config=json.loads(plain_config(SMALL)))
    names = saved_names(model)
    assert set(names) == set(model.state_dict())
    assert len(set(names.values())) == len(names)
    assert names["classifier.weight"] == "classifier.weight"
