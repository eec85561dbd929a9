"""`checkpoints/`."""

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint

URL = "/api/v1/checkpoints/"


def form(**changes):
    """A form that is right, except for the changes; None leaves a field out."""
    said = {
        "file": SimpleUploadedFile("model.safetensors", b"tensors of a model"),
        "name": "Birds",
        "architecture": "conv4",
        "class_names": json.dumps(["robin", "wren"]),
        "image_size": 32,
        "channels": 3,
        "mean": json.dumps([0.5, 0.5, 0.5]),
        "std": json.dumps([0.25, 0.25, 0.25]),
        "licence": "mit",
        "consent_recovery": "true",
        "visibility": "public",
    }
    return {k: v for k, v in {**said, **changes}.items() if v is not None}


@pytest.fixture
def upload(client_of, alice, django_capture_on_commit_callbacks):
    """Alice uploads the form."""
    client = client_of(alice)

    def send(**changes):
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(URL, form(**changes), format="multipart")

    return send


def test_an_upload_is_stored_hashed_and_sent_to_a_worker(upload, sent, own_files):
    answer = upload()
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert row["state"] == "uploaded" and row["owner"] == "alice"
    assert row["class_names"] == ["robin", "wren"] and row["mean"] == [0.5] * 3
    assert row["consent_recovery"] is True and row["visibility"] == "public"
    assert row["upload_sha256"] == hashlib.sha256(b"tensors of a model").hexdigest()
    assert row["upload_bytes"] == 18
    assert sent == [("worker.validate_checkpoint", {"checkpoint_id": row["id"]})]
    with storage.local_copy(storage.incoming_key(row["id"])) as path:
        assert path.read_bytes() == b"tensors of a model"
    assert list((own_files / "incoming").iterdir()) == []
    assert answer.headers["Location"].endswith(f"{URL}{row['id']}/")
    assert Checkpoint.objects.get().owner.username == "alice"
