"""What the index says of an architecture is found out by building it and by running it."""

import pytest
import torch

from metalearn.networks.index import the_index
from metalearn.networks.probing import probe, probe_outputs

NAME = "torchvision/squeezenet1_1"


def test_what_is_probed_is_what_the_shipped_index_has() -> None:
    looked, indexed = probe(NAME), the_index().by_name[NAME]
    assert looked.refused == ""
    assert looked.shapes == indexed.shapes
    facts = looked.facts()
    assert (facts.heads, facts.linear) == (indexed.facts.heads, indexed.facts.linear)
    assert (facts.feature_dim, facts.image_size) == (512, 224)
    assert facts.n_parameters == indexed.facts.n_parameters


def test_an_architecture_that_cannot_be_built_is_not_indexed() -> None:
    found = probe("timm/no_such_net")
    assert found.refused.startswith("cannot be built")
    assert (found.heads, found.names) == ([], "")


def test_outputs_follow_from_the_names_of_the_tensors_alone() -> None:
    looked = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        looked.append(probe(NAME))
        with torch.no_grad():
            probe_outputs(looked[-1])
    assert looked[0].outputs == looked[1].outputs != []
    assert max(map(abs, looked[0].outputs)) == pytest.approx(1)
