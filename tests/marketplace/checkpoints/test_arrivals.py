"""From an upload to a model that waits for validation."""

from typing import Any

import pytest
from django.core.files.base import ContentFile

from marketplace.accounts.models import User
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_upload
from marketplace.core.errors import DomainError


def draft(**changes: Any) -> CheckpointDraft:
    said = {"name": "birds", "class_names": ["a", "b"], "image_size": 32, "channels": 1}
    return CheckpointDraft(**{**said, "mean": [0.5], "std": [0.5], "licence": "mit", **changes})


def test_the_files_name_and_the_weights_are_kept_however_it_comes(alice: User) -> None:
    row = checkpoint_upload(
        owner=alice, draft=draft(weights="raw"), file=ContentFile(b"x", name="a/resnet18.pt")
    )
    assert (row.file_name, row.weights) == ("resnet18.pt", "raw")
    upload = checkpoint_upload_begin(
        owner=alice, draft=draft(), length=3, file_name="b/resnet18.pt"
    )
    assert (upload.fields["file_name"], upload.fields["weights"]) == ("resnet18.pt", "")


def test_weights_of_another_kind_are_refused(alice: User) -> None:
    with pytest.raises(DomainError) as caught:
        checkpoint_upload_begin(owner=alice, draft=draft(weights="best"), length=3)
    assert set(caught.value.fields) == {"weights"}


def test_an_unknown_architecture_is_refused_at_once_where_the_list_is_published(
    alice: User, catalogue: None
) -> None:
    with pytest.raises(DomainError) as caught:
        checkpoint_upload_begin(owner=alice, draft=draft(architecture="resnet"), length=3)
    assert "choose resnet10" in caught.value.fields["architecture"]


def test_without_a_list_the_worker_judges_the_name(alice: User) -> None:
    upload = checkpoint_upload_begin(owner=alice, draft=draft(architecture="tv_resnet18"), length=3)
    assert upload.fields["architecture"] == "torchvision/resnet18"
