"""A README.md beside the weights fills in licence and description, which a person only confirms."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.forms import initial_like
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from tests.pages import without_layout
from tests.worker.test_checkpoints import CLASSES, honest, validated
from worker import checkpoints as worker_checkpoints
from worker.sandbox.validation import ValidationResult

S = CheckpointState
README = "---\nlicense: cc-by-4.0\n---\n# Birds\n\nTells **five** things apart.\n"
GEMMA = README.replace("cc-by-4.0", "other\nlicense_name: gemma")


@pytest.fixture
def alice(transactional_db: None, sent: list[Any]) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def upload(alice: User) -> Callable[..., Checkpoint]:
    """A zip of Alice's model and of the files beside it, on its way."""

    def put(readme: str = README, names: tuple[Any, ...] = CLASSES, **changes: Any) -> Checkpoint:
        files: dict[str, bytes | str] = {"model.safetensors": honest(), "README.md": readme}
        if names:
            files["label_names.json"] = json.dumps(list(names))
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name, content in files.items():
                archive.writestr(f"birds/{name}", content)
        file = ContentFile(target.getvalue(), name="birds.zip")
        return checkpoint_upload(
            owner=alice, draft=CheckpointDraft(name="Birds", **changes), file=file
        )

    return put


def page(client: Client, row: Checkpoint) -> str:
    client.force_login(row.owner)
    answer = client.get(reverse("checkpoint_detail", args=[row.pk]))
    return without_layout(answer.content.decode())


def test_licence_and_description_come_from_the_readme_and_the_page_says_so(
    client: Client, upload: Callable[..., Checkpoint]
) -> None:
    row = validated(upload())
    assert (row.state, row.reason) == (S.VALID, "")
    assert (row.licence, row.description) == ("cc-by-4.0", "Tells five things apart.")
    assert row.reading["filled"]["licence"] == row.reading["filled"]["description"] == "file"
    text = page(client, row)
    assert "<dt>Licence</dt><dd>CC BY 4.0</dd>" in text
    assert "Its licence comes from its files." in text
    assert "Its description is the first paragraph of its README.md." in text


def test_what_the_person_typed_always_wins(
    client: Client, upload: Callable[..., Checkpoint]
) -> None:
    row = validated(upload(licence="mit", description="Mine."))
    assert (row.licence, row.description) == ("mit", "Mine.")
    assert not {"licence", "description"} & row.reading["filled"].keys()
    assert "Its licence comes" not in page(client, row)


def test_what_is_said_while_a_worker_reads_wins_too(
    upload: Callable[..., Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = upload()
    read = worker_checkpoints.validate_file

    def while_it_is_said(*arguments: Any) -> ValidationResult:
        Checkpoint.objects.filter(pk=row.pk).update(licence="mit")
        return read(*arguments)

    monkeypatch.setattr(worker_checkpoints, "validate_file", while_it_is_said)
    row = validated(row)
    assert (row.licence, row.description) == ("mit", "Tells five things apart.")
    assert row.reading["filled"]["description"] == "file" and "licence" not in row.reading["filled"]


def test_a_licence_of_ones_own_is_shown_under_its_name(
    client: Client, upload: Callable[..., Checkpoint]
) -> None:
    row = validated(upload(GEMMA))
    assert (row.licence, row.reading["licence"]) == ("other", "gemma")
    assert "<dt>Licence</dt><dd>Other: gemma</dd>" in page(client, row)


def test_files_that_state_no_licence_leave_it_unstated(
    client: Client, upload: Callable[..., Checkpoint]
) -> None:
    row = validated(upload("# Birds\n"))
    assert (row.state, row.licence, row.description) == (S.VALID, "unstated", "")
    text = page(client, row)
    assert "<dt>Licence</dt><dd>Not stated</dd>" in text and "Its licence comes" not in text


def test_after_a_refusal_for_names_the_page_still_says_what_came_from_the_files(
    client: Client, upload: Callable[..., Checkpoint]
) -> None:
    row = validated(upload(names=()))
    assert row.state == S.REJECTED and "are called" in row.reason
    assert (row.licence, row.image_size) == ("cc-by-4.0", 32)
    text = page(client, row)
    for words in ("Its licence comes from its files.", "Its input size", "Its mean and standard"):
        assert words in text
    checkpoint_change(checkpoint=row, by=row.owner, values={"class_names": CLASSES})
    row = validated(row)
    assert row.state == S.VALID
    assert row.reading["filled"].keys() == {"image_size", "normalisation", "licence", "description"}
    assert "Its licence comes from its files." in page(client, row)


def test_what_is_corrected_after_a_refusal_is_not_said_to_be_the_files(
    upload: Callable[..., Checkpoint],
) -> None:
    row = validated(upload(names=()))
    values = {"class_names": CLASSES, "mean": [0.4] * 3, "licence": "mit"}
    checkpoint_change(checkpoint=row, by=row.owner, values=values)
    row = validated(row)
    assert (row.state, row.mean, row.licence) == (S.VALID, [0.4] * 3, "mit")
    assert row.reading["filled"].keys() == {"image_size", "description"}


def test_a_description_that_is_taken_away_does_not_come_back(
    upload: Callable[..., Checkpoint],
) -> None:
    row = validated(upload())
    checkpoint_change(checkpoint=row, by=row.owner, values={"description": ""})
    assert "description" not in row.reading["filled"]
    names = ["v", "w", "x", "y", "z"]
    checkpoint_change(checkpoint=row, by=row.owner, values={"class_names": names})
    row = validated(row)
    assert (row.state, row.class_names, row.description) == (S.VALID, names, "")
    assert row.licence == "cc-by-4.0" and row.reading["filled"]["licence"] == "file"


def test_the_next_model_like_this_one_does_not_repeat_its_files_words(
    upload: Callable[..., Checkpoint],
) -> None:
    row = validated(upload(dataset="Birds"))
    said = initial_like(row)
    assert (said["licence"], said["description"], said["dataset"]) == ("unstated", "", "Birds")
