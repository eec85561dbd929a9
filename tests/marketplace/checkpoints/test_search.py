"""Finding models in the catalogue."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from marketplace.accounts.models import User
from marketplace.checkpoints.search import SIZES, checkpoints_search, datasets_listed
from marketplace.checkpoints.states import CheckpointState


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.clear()


def names(user: User, **filters: Any) -> set[Any]:
    return {row.name for row in checkpoints_search(user, filters)}


@pytest.mark.parametrize("word", ["birds", "BIRDS 1", "feathers", "Audubon"])
def test_a_word_is_found_in_name_classes_description_and_data_set(
    alice: User, make_checkpoint: Callable[..., Any], word: str
) -> None:
    make_checkpoint("birds", description="with feathers", dataset="Audubon")
    make_checkpoint("fish", dataset="sea")
    assert names(alice, text=word) == {"birds"}


def test_a_class_name_with_an_umlaut_is_found(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("a", class_names=["Käfer", "Biene"], n_classes=2)
    make_checkpoint("b")
    assert names(alice, text="Käfer") == {"a"}


@pytest.mark.parametrize(
    ("knows", "found"),
    [
        ("stomatocyte", {"blood"}),
        ("STOMATOCYTE, red cell", {"blood"}),
        ("stomatocyte, robin", set()),
        ('"five" and', {"blood"}),
        ("Käfer", {"beetles"}),
        ("anaemia", set()),
        (" , ", {"blood", "beetles"}),
    ],
)
def test_only_classes_are_known(
    alice: User, make_checkpoint: Callable[..., Any], knows: str, found: set[Any]
) -> None:
    classes = ["stomatocyte", "Red cell of a child", '"five" and more']
    make_checkpoint("blood", class_names=classes, description="of anaemia")
    make_checkpoint("beetles", class_names=["Käfer", "Biene"], dataset="robin")
    assert names(alice, knows=knows) == found


def test_every_word_must_be_there(alice: User, make_checkpoint: Callable[..., Any]) -> None:
    make_checkpoint("birds of Iceland")
    make_checkpoint("birds of Peru")
    assert names(alice, text="birds Peru") == {"birds of Peru"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"architecture": "resnet10"}, {"deep"}),
        ({"channels": 1}, {"grey"}),
        ({"consent": "recovery"}, {"deep", "grey"}),
        ({"consent": "preview"}, {"grey"}),
        ({"licence": "cc0-1.0"}, {"closed"}),
        ({"dataset": "sea"}, {"deep"}),
        ({"family": "resnet"}, {"deep"}),
        ({"input": "small"}, {"deep", "closed"}),
        ({"input": "usual"}, {"grey"}),
        ({"input": "large"}, set()),
    ],
)
def test_filters_narrow_down(
    alice: User, make_checkpoint: Callable[..., Any], filters: dict[str, Any], found: set[Any]
) -> None:
    make_checkpoint("deep", architecture="resnet10", dataset="sea")
    make_checkpoint("grey", channels=1, consent_preview=True, image_size=224)
    make_checkpoint("closed", consent_recovery=False, licence="cc0-1.0")
    assert names(alice, **filters) == found


@pytest.mark.parametrize(
    ("numbers", "size"),
    [(0, "tiny"), (4_999_999, "tiny"), (5_000_000, "small"), (86_000_000, "medium"),
     (90_000_000, "large"), (304_000_000, "large")],
)  # fmt: skip
def test_each_model_is_of_one_size(
    alice: User, make_checkpoint: Callable[..., Any], numbers: int, size: str
) -> None:
    make_checkpoint("model", n_parameters=numbers)
    assert [kind for kind in SIZES if names(alice, size=kind)] == [size]


def test_others_models_are_found_only_when_they_are_shared_and_valid(
    alice: User, charlie: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("public", **shared.public)
    make_checkpoint("private")
    make_checkpoint("refused", state=CheckpointState.REJECTED, **shared.public)
    assert names(charlie) == {"public"}
    assert names(alice, mine=True) == {"public", "private", "refused"}


def test_data_sets_of_models_that_one_may_not_see_are_not_listed(
    alice: User, charlie: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint(dataset="secret birds")
    make_checkpoint(dataset="public birds", **shared.public)
    assert datasets_listed(charlie) == ["public birds"]
    assert datasets_listed(alice) == ["public birds", "secret birds"]
