"""Families of architectures, and the catalogue by them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.families import FAMILIES, OTHER, family_of
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_claim, checkpoint_finish
from marketplace.checkpoints.search import checkpoints_search, families_listed
from marketplace.checkpoints.states import CheckpointState


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    cache.clear()


@pytest.mark.parametrize(
    ("architecture", "family"),
    [
        ("resnet18", "resnet"),
        ("torchvision/wide_resnet50_2", "resnet"),
        ("timm/tv_resnet34", "resnet"),
        ("timm/legacy_seresnext26_32x4d", "resnet"),
        ("transformers/bit", "resnet"),
        ("timm/resmlp_12_224", "mlp"),
        ("timm/vit_tiny_patch16_224", "vit"),
        ("transformers/vit_msn", "vit"),
        ("timm/deit3_small_patch16_224", "vit"),
        ("timm/vitamin_small_224", OTHER),
        ("timm/swinv2_tiny_window8_256", "swin"),
        ("transformers/donut-swin", "swin"),
        ("timm/convnextv2_atto", "convnext"),
        ("timm/tf_efficientnetv2_s", "efficientnet"),
        ("timm/efficientvit_b0", OTHER),
        ("torchvision/mobilenet_v3_small", "mobilenet"),
        ("timm/inception_next_tiny", OTHER),
        ("conv4", "conv4"),
        ("timm/a_name_of_next_year", OTHER),
        ("", ""),
    ],
)
def test_a_name_tells_its_family(architecture: str, family: str) -> None:
    assert family_of(architecture) == family


def test_a_row_gets_its_family_when_a_worker_recognises_it(
    make_checkpoint: Callable[..., Any],
) -> None:
    row = make_checkpoint(architecture="", state=CheckpointState.UPLOADED)
    assert row.family == ""
    claimed = checkpoint_claim(checkpoint_id=row.pk)
    assert claimed is not None
    checkpoint_finish(checkpoint=claimed, to=CheckpointState.VALID, architecture="timm/swin_tiny")
    assert claimed.family == "swin"


def test_the_catalogue_and_the_api_are_narrowed_down_by_family(
    client: Client, client_of: Callable[..., Any], alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("deep", architecture="timm/resnet50")
    make_checkpoint("flat", architecture="timm/vit_tiny_patch16_224")
    make_checkpoint("odd", architecture="timm/mambaout_tiny")
    assert families_listed(alice) == [("resnet", "ResNet"), ("vit", "ViT"), ("other", "Other")]
    client.force_login(alice)
    text = client.get(reverse("checkpoint_list"), {"family": "vit"}).content.decode()
    assert "flat" in text and "deep" not in text and "odd" not in text
    api = client_of(alice)
    for family, names in (("resnet", ["deep"]), ("other", ["odd"]), ("swin", [])):
        rows = api.get(f"/api/v1/checkpoints/?family={family}").json()["results"]
        assert [row["name"] for row in rows] == names
        assert all(row["family"] == family for row in rows)
    assert api.get("/api/v1/checkpoints/?family=cheese").status_code == 400


def test_families_of_models_that_one_may_not_see_are_not_listed(
    charlie: User, shared: Any, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint(architecture="timm/swin_tiny")
    make_checkpoint(architecture="timm/resnet18", **shared.public)
    assert families_listed(charlie) == [("resnet", "ResNet")]


def test_every_family_has_a_name_of_its_own() -> None:
    assert len(dict(FAMILIES)) == len(FAMILIES)
    assert all(len(name) <= Checkpoint._meta.get_field("family").max_length for name, _ in FAMILIES)


def test_the_planner_asks_the_index_of_families(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL rightly reads forty rows in another way")
    for number in range(40):
        make_checkpoint(f"model {number}", architecture="timm/resnet18" if number % 8 else "conv4")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = checkpoints_search(alice, {"family": "resnet"}).explain()
    assert "checkpoint_family" in plan
