"""A model of ten thousand classes, from the upload of its folder to every page that shows it.

`pytest -s` prints the figures of docs/benchmarks/upload.md.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import safetensors.torch
import torch
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.urls import reverse
from rest_framework.test import APIClient

from contract.limits import MAX_CLASSES
from marketplace.accounts.models import User
from marketplace.accounts.services import token_create
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload
from marketplace.pools.services import pool_create
from metalearn.networks import NetworkSpec, build_network
from tests.pages import without_layout
from tests.worker.test_checkpoints import validated

NAMES = [f"species {number:05d} of the garden" for number in range(MAX_CLASSES)]
KIB = 2**10


def folder() -> bytes:
    """What stands in the folder of such a model, as a zip."""
    spec = NetworkSpec("conv4", width=8, channels=3, image_size=32, n_classes=MAX_CLASSES)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = safetensors.torch.save(build_network(spec).state_dict())
    config = {"architecture": "conv4", "label_names": NAMES, "num_classes": MAX_CLASSES}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("model.safetensors", weights)
        archive.writestr("config.json", json.dumps(config))
    return target.getvalue()


@pytest.fixture
def alice(transactional_db: None, sent: list[Any]) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def row(alice: User) -> Checkpoint:
    draft = CheckpointDraft(name="Garden", consent_recovery=True)
    file = ContentFile(folder(), name="garden.zip")
    return validated(checkpoint_upload(owner=alice, draft=draft, file=file))


@pytest.fixture
def many(alice: User, row: Checkpoint) -> list[Checkpoint]:
    """A list and a pool full of such models."""
    rows = [row]
    for number in range(24):
        copy = Checkpoint.objects.get(pk=row.pk)
        copy.pk, copy.name = None, f"Garden {number}"
        copy.save(force_insert=True)
        rows.append(copy)
    return rows


@pytest.fixture
def measured(alice: User) -> Callable[..., HttpResponse]:
    """Bytes of an answer; its processor time is printed, of the second of two calls."""
    page, api = APIClient(), APIClient()
    page.force_login(alice)
    _, token = token_create(user=alice, name="measure")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def ask(what: str, address: str, **query: Any) -> HttpResponse:
        client = api if address.startswith("/api/") else page
        client.get(address, query)
        began = time.process_time()
        answer = client.get(address, query)
        spent = 1_000 * (time.process_time() - began)
        assert answer.status_code == 200, answer.content
        print(f"| {what} | {len(answer.content) / KIB:,.0f} | {spent:.0f} |")  # noqa: T201
        return answer

    return ask


def test_every_page_and_answer_about_ten_thousand_classes_is_bounded(
    alice: User, many: list[Checkpoint], measured: Callable[..., HttpResponse]
) -> None:
    row = many[0]
    assert (row.state, row.reason, row.class_names) == ("valid", "", NAMES)
    pool = pool_create(owner=alice, name="Gardens", checkpoint_ids=[str(one.pk) for one in many])
    own = [row.pk]
    bounds = [
        ("model", reverse("checkpoint_detail", args=own), {}, 64),
        ("its classes", reverse("checkpoint_classes", args=own), {}, 128),
        ("its classes, searched", reverse("checkpoint_classes", args=own), {"text": "99"}, 128),
        ("list of 24 models", reverse("checkpoint_list"), {}, 128),
        ("list, by class", reverse("checkpoint_list"), {"knows": "species 09999"}, 128),
        ("form to change it", reverse("checkpoint_edit", args=own), {}, 512),
        ("pool of 25", reverse("pool_detail", args=[pool.pk]), {}, 128),
        ("pool builder", reverse("pool_new"), {"add": str(row.pk)}, 128),
        ("job on that pool", reverse("job_new", args=[pool.pk]), {}, 128),
        ("API, one model", f"/api/v1/checkpoints/{row.pk}/", {}, 512),
        ("API, list of 25", "/api/v1/checkpoints/", {}, 256),
        ("API, pool", f"/api/v1/pools/{pool.pk}/", {}, 64),
    ]
    for what, address, query, most_kib in bounds:
        answer = measured(what, address, **query)
        assert len(answer.content) < most_kib * KIB, (what, len(answer.content))


def test_the_first_hundred_classes_stand_on_the_page_and_the_rest_is_a_search_away(
    alice: User, row: Checkpoint
) -> None:
    page = APIClient()
    page.force_login(alice)
    text = page.get(reverse("checkpoint_detail", args=[row.pk])).content.decode()
    assert NAMES[99] in text and NAMES[100] not in text
    all_classes = reverse("checkpoint_classes", args=[row.pk])
    assert f'href="{all_classes}"' in text and "Show all 10,000 classes" in text
    last = page.get(all_classes, {"page": "20"}).content.decode()
    assert NAMES[-1] in last and NAMES[-501] not in last
    found = without_layout(page.get(all_classes, {"text": "SPECIES 0999"}).content.decode())
    assert "10 classes match" in found and NAMES[9_995] in found and NAMES[0] not in found
    none = without_layout(page.get(all_classes, {"text": "tulip"}).content.decode())
    assert "0 classes match “tulip”" in none


def test_all_ten_thousand_can_be_renamed_in_the_form_however_long_they_are(
    alice: User, row: Checkpoint
) -> None:
    page = APIClient()
    page.force_login(alice)
    address = reverse("checkpoint_edit", args=[row.pk])
    # As text of an address they would have more than a form may.
    assert 'enctype="multipart/form-data"' in page.get(address).content.decode()
    names = [f"{number:05d} {'ä' * 80}" for number in range(MAX_CLASSES)]
    said = {"name": "Garden", "licence": "mit", "visibility": "private"}
    answer = page.post(address, {**said, "class_names": "\n".join(names)}, format="multipart")
    assert answer.status_code == 302, answer.content
    row.refresh_from_db()
    assert row.pending["class_names"] == names
    assert validated(row).class_names == names
