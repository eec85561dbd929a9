"""Every step of an adaptation has its sizes and takes only the weights that it needs."""

import torch

from metalearn.browser_graphs.sizes import CLASSES, IMAGES, PSEUDO
from metalearn.browser_graphs.steps import BATCH, NEW, Step, steps_of
from metalearn.learning.inner_loop import PureNetwork, class_centroids
from metalearn.networks import NetworkSpec, build_network

SPEC = NetworkSpec("conv4", 4, 3, 16, 5)


def steps(*, batchnorm: bool = True) -> dict[str, Step]:
    return {step.name: step for step in steps_of(SPEC, 4, batchnorm=batchnorm)}


def pure_network() -> PureNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return PureNetwork(build_network(SPEC).eval())


def test_sizes_are_those_of_the_network_and_of_the_users_pictures() -> None:
    found = steps()
    assert found["features"].inputs == {"images": (IMAGES, 3, 16, 16)}
    assert found["invert_head"].inputs["pseudo"] == (PSEUDO, 3, 16, 16)
    assert found["compare"].inputs["centroids"] == (CLASSES, 4)


def test_without_batchnorm_there_are_no_statistics_to_calibrate() -> None:
    assert set(steps()) - set(steps(batchnorm=False)) == {"statistics"}


def test_steps_on_features_alone_take_no_weights() -> None:
    found = steps()
    assert {name for name, step in found.items() if step.takes == "none"} == {
        "centroids", "head", "start",
    }  # fmt: skip
    features, targets = torch.rand(6, 4), torch.eye(3)[[0, 0, 1, 1, 2, 2]]
    given = {"features": features, "targets": targets}
    answer = found["centroids"].run(pure_network(), {}, given)
    assert torch.equal(answer["centroids"], class_centroids(features, targets))


def test_changed_weights_and_statistics_of_a_batch_have_names_of_their_own() -> None:
    pure, found = pure_network(), steps()
    weights, images = pure.weights(), torch.rand(4, 3, 16, 16)
    given = {"images": images, "targets": torch.eye(5)[:4], "lr": torch.tensor(0.1)}
    stepped = found["sgd"].run(pure, weights, given)
    assert set(stepped) == {"loss"} | {NEW + name for name in weights}
    share = torch.tensor(0.5)
    moments = found["statistics"].run(pure, weights, {"images": images, "share": share})
    assert f"{BATCH}blocks.0.norm.running_mean" in moments
