"""What the workers can run, as JSON."""

from typing import Any

from marketplace.algorithms.models import AlgorithmSpec
from marketplace.algorithms.selectors import architectures_published
from marketplace.api.serializers.algorithms import AlgorithmSerializer, ArchitectureSerializer
from tests.marketplace.conftest import ALGORITHM, ARCHITECTURES, WITH_PRESETS


def test_settings_and_presets_go_out_as_a_worker_published_them() -> None:
    shown = AlgorithmSerializer(AlgorithmSpec(**WITH_PRESETS, version="1")).data
    assert shown["settings"] == WITH_PRESETS["settings"]
    assert [preset["name"] for preset in shown["presets"]] == ["standard", "published"]


def test_an_algorithm_without_presets_has_an_empty_list() -> None:
    shown = AlgorithmSerializer(AlgorithmSpec(**ALGORITHM, version="1")).data
    assert (shown["name"], shown["version"], shown["presets"]) == ("free", "1", [])


def test_architectures_are_listed_with_title_and_paper(catalogue: None) -> None:
    shown: Any = ArchitectureSerializer(architectures_published(), many=True).data
    assert shown == ARCHITECTURES
