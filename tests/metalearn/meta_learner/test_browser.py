"""The folder `browser` of a learner directory."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network
from metalearn.networks.conv4 import Conv4Network


def saved(path: Path, spec: NetworkSpec | None = None, **changes: Any) -> Path:
    spec = spec or NetworkSpec("conv4", 4, 3, 16, 5)
    learner = MetaLearner(build_network(spec), mean=(0.5,) * 3, std=(0.25,) * 3, **changes)
    learner.save(path / "learner", for_browsers=True)
    return path / "learner"


def described(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "browser" / "browser.json").read_text())


@pytest.mark.long
def test_a_learner_directory_has_all_that_a_browser_needs(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    found = described(folder)
    assert found["available"] is True
    weights = (folder / "browser" / found["weights"]["file"]).read_bytes()
    assert hashlib.sha256(weights).hexdigest() == found["weights"]["sha256"]
    for graph in found["graphs"].values():
        content = (folder / "browser" / graph["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            graph["bytes"],
            graph["sha256"],
        )
    assert found["graphs"]["logits"]["outputs"] == {"logits": ["images", "classes"]}
    assert MetaLearner.load(folder).spec.architecture == "conv4"


@pytest.mark.long
def test_the_graphs_of_one_architecture_are_the_same_files(tmp_path: Path) -> None:
    one, other = described(saved(tmp_path / "a")), described(saved(tmp_path / "b"))
    assert one["graphs"] == other["graphs"]
    assert one["weights"]["sha256"] != other["weights"]["sha256"]


@pytest.mark.long
def test_a_learner_that_judges_pictures_together_compares_each_with_means_in_the_browser(
    tmp_path: Path,
) -> None:
    together = AdaptationSettings(head="sgd", batchnorm="transductive")
    folder = saved(tmp_path, defaults=together)
    found = described(folder)
    assert found["available"] is True
    own = found["adaptation"]
    assert (own["head"], own["batchnorm"]) == ("prototypes", "inductive")
    assert found["calibrated"]["head"] == "ridge"
    assert "the server judges pictures together" in found["limited"]
    assert MetaLearner.load(folder).defaults == together


def test_a_bug_in_the_graphs_costs_nobody_the_learner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_network: Conv4Network) -> None:
        raise RuntimeError("a new release of torch")

    monkeypatch.setattr("metalearn.meta_learner.browser.make_graphs", broken)
    folder = saved(tmp_path)
    assert described(folder)["available"] is False
    assert "torch" not in described(folder)["reason"]
    MetaLearner.load(folder)


@pytest.mark.long
@pytest.mark.parametrize("width", [32, 64])
def test_the_graphs_of_conv4_are_small(tmp_path: Path, width: int) -> None:
    folder = saved(tmp_path, NetworkSpec("conv4", width, 3, 32, 5))
    assert sum(file.stat().st_size for file in (folder / "browser").iterdir()) < 130_000


@pytest.mark.long
def test_a_learner_without_graphs_of_gradients_adapts_by_means_in_the_browser(
    tmp_path: Path,
) -> None:
    asked = AdaptationSettings(head="sgd", calibrate="icfil")
    folder = saved(tmp_path, NetworkSpec("timm/resnet18d", 512, 3, 32, 5), defaults=asked)
    found = described(folder)
    assert found["available"] is True
    assert {"features", "logits", "centroids", "compare", "head"} < set(found["graphs"])
    gradients = {"sgd", "invert_head", "invert_centroids", "contrast", "contrast_poster"}
    assert set(found["missing"]) == gradients
    assert (found["adaptation"]["head"], found["adaptation"]["calibrate"]) == ("prototypes", "none")
    assert "the server offers" in found["limited"] and "avg_pool2d_backward" in found["limited"]
    assert MetaLearner.load(folder).defaults == asked


def test_without_being_asked_no_graphs_are_made(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 5))
    MetaLearner(network, mean=(0.5,) * 3, std=(0.25,) * 3).save(tmp_path / "learner")
    assert not (tmp_path / "learner" / "browser").exists()


@pytest.mark.long
@pytest.mark.parametrize("head", ["sgd", "prototypes"])
def test_a_network_with_grouped_convolutions_has_every_graph_whatever_its_head(
    tmp_path: Path, head: str
) -> None:
    spec = NetworkSpec("tv_mobilenet_v3_small", 16, 3, 32, 5)
    found = described(saved(tmp_path, spec, defaults=AdaptationSettings(head=head)))
    assert found["available"] is True
    assert {"sgd", "invert_head", "invert_centroids", "contrast"} < set(found["graphs"])
    assert (found["missing"], found["limited"]) == ({}, "")
