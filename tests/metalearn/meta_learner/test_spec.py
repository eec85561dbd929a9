"""A network's spec in config.json, with and without a configuration of its own."""

import json
from pathlib import Path

import pytest

from metalearn.errors import InvalidCheckpoint
from metalearn.meta_learner import MetaLearner
from metalearn.meta_learner.spec import MAX_CONFIG_LETTERS, read_spec
from metalearn.networks import NetworkSpec, build_network
from metalearn.networks.transformers_library import plain_config

pytest.importorskip("transformers")
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "patch_size": 8,
    "image_size": 32,
}
SPEC = NetworkSpec("transformers/vit", 16, 3, 32, 5, plain_config(SMALL))


def test_a_learner_of_transformers_is_saved_and_loaded_with_its_configuration(
    tmp_path: Path,
) -> None:
    learner = MetaLearner(build_network(SPEC), mean=(0.5,) * 3, std=(0.25,) * 3)
    learner.save(tmp_path / "learner")
    loaded = MetaLearner.load(tmp_path / "learner")
    assert loaded.spec == SPEC
    assert loaded.network.state_dict().keys() == learner.network.state_dict().keys()


@pytest.mark.parametrize(
    "config",
    [
        7,
        None,
        "{",
        "[1]",
        "[" * 10_000,
        json.dumps(SMALL),
        plain_config(SMALL) + " " * MAX_CONFIG_LETTERS,
        '{"auto_map":"code.py"}',
        '{"hidden_size":1e9}',
        '{"num_hidden_layers":500}',
        plain_config({**SMALL, "hidden_size": 99_998}),
        plain_config({**SMALL, "num_attention_heads": 0}),
    ],
)
def test_a_configuration_that_we_did_not_write_is_refused(config: int | str | None) -> None:
    with pytest.raises(InvalidCheckpoint):
        read_spec({**SPEC.as_dict(), "config": config})


def test_only_networks_of_transformers_have_a_configuration() -> None:
    values = {**NetworkSpec("conv4", 4, 3, 16, 5).as_dict(), "config": plain_config(SMALL)}
    with pytest.raises(InvalidCheckpoint, match="config"):
        read_spec(values)
