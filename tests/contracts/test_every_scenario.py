"""Every algorithm on every kind of pool: it runs and its learner is kept, or it says why not."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from metalearn.algorithm import train
from metalearn.errors import InvalidPool
from metalearn.meta_learner import MetaLearner
from metalearn.pool import Pool
from metalearn.registry import all_algorithms, make_algorithm
from tests.contracts.test_every_algorithm import CPU, NAMES, SMALL, teacher


def one_domain_one_architecture() -> Pool:
    return Pool(tuple(teacher(name, "conv4", 16, "pqr") for name in "abc"))


def one_domain_several_architectures() -> Pool:
    kinds = ("conv4", "resnet10", "conv4", "resnet18")
    pairs = zip("abcd", kinds, strict=True)
    return Pool(tuple(teacher(name, kind, 16, "pqr") for name, kind in pairs))


def several_domains() -> Pool:
    """Unlike sizes, class counts and names; Conv4 throughout."""
    rows = (("a", 16, "pqr"), ("b", 24, "stuvw"), ("c", 33, "xyz"))
    return Pool(tuple(teacher(name, "conv4", size, classes) for name, size, classes in rows))


def several_domains_and_architectures() -> Pool:
    """Conv4 and ResNet-10 at two input sizes, unlike class counts, no two of a kind."""
    return Pool((teacher("a", "conv4", 16, "pqrs"), teacher("b", "resnet10", 24, "tuv")))


SCENARIOS = (
    one_domain_one_architecture,
    one_domain_several_architectures,
    several_domains,
    several_domains_and_architectures,
)


def learner_of(name: str, pool: Pool) -> MetaLearner:
    known = {field.name for field in fields(all_algorithms()[name].Config)}
    small = {key: value for key, value in SMALL.items() if key in known}
    run = make_algorithm(name, pool, small, device=CPU, seed=0)
    for _ in train(run):
        pass
    return run.meta_learner()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_or_refuses_the_pool_in_one_sentence(
    name: str, scenario: Callable[..., Pool], tmp_path: Path
) -> None:
    try:
        learner = learner_of(name, scenario())
    except InvalidPool as refusal:
        # Only where weights would have to be brought together and no two fit.
        text = str(refusal)
        assert text.endswith(".") and ". " not in text
        if name == "soup":
            # Only the Conv4 “b” is a relative of “a”.
            assert scenario in (one_domain_several_architectures, several_domains_and_architectures)
            assert "fine-tuned from the same weights" in text
        else:
            assert scenario is several_domains_and_architectures
            assert "same architecture" in text
        return
    learner.save(tmp_path / "learner")
    again = MetaLearner.load(tmp_path / "learner")
    rng = torch.Generator().manual_seed(0)
    support, query = torch.rand(2, 6, 3, 28, 28, generator=rng)
    labels = torch.tensor([0, 1, 2] * 2)
    one, two = (each.adapt(support, labels).probabilities(query) for each in (learner, again))
    assert torch.equal(one, two)
    assert one.shape == (6, 3)


@pytest.mark.parametrize("name", NAMES)
def test_grey_pictures_are_learned_from_as_well(name: str) -> None:
    grey = (teacher(each, "conv4", 16, "pqr", channels=1) for each in "ab")
    assert learner_of(name, Pool(tuple(grey))).channels == 1
