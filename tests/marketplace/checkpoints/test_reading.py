"""What a model's page says of how its file was read, and the names that people may type."""

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.reading import read_as
from marketplace.checkpoints.search import architectures_listed

GUESS = {
    "told_by": "tensors",
    "guessed": True,
    "candidates": ["conv4", "timm/conv4_twin"],
    "weights": "ema",
    "other_weights": ["raw"],
    "left_out": [[f"module.{index}", "not a tensor"] for index in range(12)],
}
SAID = {"told_by": "args.model", "guessed": False, "candidates": ["conv4"], "weights": "raw"}


def page(client: Client, person: User, row: Checkpoint) -> str:
    client.force_login(person)
    return client.get(reverse("checkpoint_detail", args=[row.pk])).content.decode()


def test_a_guess_is_marked_with_its_rivals_weights_and_what_was_left_out(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    text = page(client, alice, make_checkpoint(reading=GUESS))
    assert ">Guess</span>" in text and "Other networks can have the same tensors" in text
    assert "a guess from its tensors alone" in text and "timm/conv4_twin" in text
    assert "averaged weights (EMA); the file also has the raw ones" in text
    shown, folded = text.split("2 more</summary>")
    assert "module.9" in shown and "module.10" not in shown and "module.11" in folded


@pytest.mark.parametrize(
    ("told_by", "words"),
    [("args.model", "the file says so: args.model"), ("chosen", "chosen by its owner")],
)
def test_what_is_said_is_no_guess(
    client: Client, alice: User, make_checkpoint: Callable[..., Any], told_by: str, words: str
) -> None:
    text = page(client, alice, make_checkpoint(reading={**SAID, "told_by": told_by}))
    assert words in text and "Guess" not in text and "Same tensors" not in text


def test_of_a_model_that_was_read_before_nothing_is_said(
    client: Client, alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint()
    assert read_as(row) is None and "Read as" not in page(client, alice, row)


@pytest.mark.parametrize(
    ("weights", "others", "words"),
    [
        ("raw", [], ""),
        ("ema", [], "averaged weights (EMA)"),
        ("raw", ["ema"], "raw weights; the file also has the averaged ones (EMA)"),
    ],
)
def test_weights_are_named_where_there_is_something_to_say(
    make_checkpoint: Callable[..., Any], weights: str, others: list[Any], words: str
) -> None:
    reading = {**SAID, "weights": weights, "other_weights": others}
    assert read_as(make_checkpoint(reading=reading)).weights == words


def test_the_catalogue_and_the_api_mark_a_guess(
    client: Client, client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("told", reading=SAID)
    row = make_checkpoint("guessed", reading=GUESS)
    client.force_login(alice)
    listed = client.get(reverse("checkpoint_list")).content.decode()
    assert listed.count(">Guess</span>") == 1
    answer = client_of(alice).get(f"/api/v1/checkpoints/{row.pk}/").json()
    assert answer["reading"] == GUESS
    Checkpoint.objects.update(reading={"candidates": ["conv4"]})
    answer = client_of(alice).get(f"/api/v1/checkpoints/{row.pk}/").json()
    assert answer["reading"] == {"candidates": ["conv4"]}


def test_the_upload_form_suggests_every_published_name(
    client: Client, alice: User, catalogue: None
) -> None:
    client.force_login(alice)
    text = client.get(reverse("checkpoint_upload")).content.decode()
    assert 'list="id_architecture_list"' in text
    assert '<option value="conv4"><option value="resnet10">' in text


def test_the_filter_lists_the_architectures_of_visible_models_only(
    alice: User, charlie: User, catalogue: None, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    cache.clear()
    make_checkpoint("mine", architecture="timm/secret")
    make_checkpoint("all", architecture="conv4", **shared.public)
    assert architectures_listed(charlie) == [("conv4", "Conv4")]
    assert architectures_listed(alice) == [("conv4", "Conv4"), ("timm/secret", "timm/secret")]


def test_old_names_of_torchvision_become_the_new_ones(make_checkpoint: Callable[..., Any]) -> None:
    for name in ("tv_resnet18", "tv_resnet18", "tv_convnext_tiny", "conv4", "my_tv_net"):
        make_checkpoint(architecture=name)
    step = importlib.import_module("marketplace.checkpoints.migrations.0006_names_of_libraries")
    step.rename(apps, SimpleNamespace(connection=connection))
    assert sorted(Checkpoint.objects.values_list("architecture", flat=True)) == [
        "conv4", "my_tv_net", "torchvision/convnext_tiny",
        "torchvision/resnet18", "torchvision/resnet18",
    ]  # fmt: skip
