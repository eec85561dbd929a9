"""Examples for the API documentation. All of them tell the same made-up story."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_CHECKPOINT_ID = "6f1c7a2e-52a1-4c8f-9a0e-0d6b1f0a7c11"
_OTHER_ID = "1d0f5b57-0f6e-4c0b-b7a3-5a3e8c9d0e55"
_POOL_ID = "0b9d5f0e-6f0b-4a39-8a7d-4e2f6f1f2d22"
_JOB_ID = "a3c1e8d4-1f7a-4c55-b1a9-7f2d9a3b4c33"
_LEARNER_ID = "c7e2b9f0-3d4e-4b6a-8c1d-2e3f4a5b6c44"
_AT = "2026-11-20T09:30:00Z"


def answer(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True)


def body(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def manifest(name: str, value: dict[str, Any]) -> OpenApiExample:
    """Return an example of a manifest that is sent as JSON, not as a part of a form."""
    return OpenApiExample(name, value=value, request_only=True, media_type="application/json")


CHECKPOINT = {
    "id": _CHECKPOINT_ID,
    "name": "Birds of the garden",
    "description": "",
    "owner": "alice",
    "team": None,
    "visibility": "public",
    "dataset": "birds",
    "licence": "cc-by-4.0",
    "class_names": ["robin", "wren", "blackbird", "jay", "magpie"],
    "image_size": 32,
    "channels": 3,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "architecture": "conv4",
    "family": "conv4",
    "consent_recovery": True,
    "consent_preview": False,
    "state": "valid",
    "reason": "",
    "checked": {"at": _AT, "n_pictures": 10, "n_right": 9},
    "quarantined_at": None,
    "quarantine_reason": "",
    "upload_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "upload_bytes": 457216,
    "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "fingerprint": "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
    "size_bytes": 456320,
    "n_classes": 5,
    "width": 64,
    "n_parameters": 113_733,
    "created_at": _AT,
    "validated_at": _AT,
}
UPLOAD = {
    "id": _CHECKPOINT_ID,
    "length": 457216,
    "offset": 228608,
    "held": False,
    "created_at": _AT,
    "expires_at": "2026-11-21T09:30:00Z",
    "finished_at": None,
}
MANIFEST = {
    "models": [
        {"name": "Birds of the garden", "licence": "cc-by-4.0", "upload": _CHECKPOINT_ID},
        {"name": "Beetles", "consent_recovery": True, "upload": _OTHER_ID},
    ]
}
ACCEPTED = {
    "models": [
        {"id": _CHECKPOINT_ID, "name": "Birds of the garden", "state": "uploaded"},
        {"id": _OTHER_ID, "name": "Beetles", "state": "uploaded"},
    ]
}
POOL = {
    "id": _POOL_ID,
    "name": "Birds and beetles",
    "owner": "alice",
    "team": None,
    "visibility": "private",
    "n_models": 2,
    "frozen": False,
    "created_at": _AT,
    "checkpoints": [_CHECKPOINT_ID, _OTHER_ID],
    "deleted_checkpoints": [],
    "fit": {
        "n_models": 2,
        "n_hidden": 0,
        "n_deleted": 0,
        "scenario": "MH",
        "scenario_title": "several data sets",
        "channels": 3,
        "image_sizes": [32],
        "architectures": ["conv4"],
        "datasets": ["beetles", "birds"],
        "n_classes_min": 5,
        "n_class_names": 10,
        "previews": False,
        "problems": [],
    },
}
POOL_BODY = {"name": "Birds and beetles", "checkpoints": POOL["checkpoints"]}
JOB_BODY = {"pool": _POOL_ID, "algorithm": "free_plus", "settings": {"outer_steps": 200}, "seed": 0}
PRESET_BODY = {
    "pool": _POOL_ID,
    "algorithm": "free",
    "settings": {"preset": "published", "outer_steps": 50},
    "seed": 0,
}
JOB = {
    "id": _JOB_ID,
    **JOB_BODY,
    "algorithm_title": "FREE+",
    "version": "0.1.0",
    "owner": "alice",
    "team": None,
    "visibility": "private",
    "state": "running",
    "stage": "meta-learning",
    "steps_done": 42,
    "total_steps": 200,
    "eta_s": 316.0,
    "error": "",
    "learner": None,
    "previews": False,
    "attempt": 1,
    "created_at": _AT,
    "started_at": _AT,
    "finished_at": None,
}
METRICS = {"distillation_loss": [[1, 1.61], [2, 1.38]], "query_accuracy": [[1, 24.0], [2, 29.3]]}
EVENT = {"id": 7, "at": _AT, "text": "Queued; a worker takes it as soon as one is free."}
LEARNER = {
    "id": _LEARNER_ID,
    "name": "FREE+ on Birds and beetles",
    "owner": "alice",
    "team": None,
    "visibility": "private",
    "algorithm": "free_plus",
    "algorithm_title": "FREE+",
    "pool": _POOL_ID,
    "job": _JOB_ID,
    "size_bytes": 470_112,
    "copies_weights": False,
    "usable": True,
    "created_at": _AT,
    "card": "# FREE+ on Birds and beetles\n…",
    "config": {"architecture": "conv4", "image_size": 32, "channels": 3},
    "provenance": [
        {
            "name": "Birds of the garden",
            "owner": "alice",
            "licence": "cc-by-4.0",
            "architecture": "conv4",
            "copied": False,
            "deleted": False,
        }
    ],
    "files": [
        {
            "path": "model.safetensors",
            "size": 456_320,
            "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        }
    ],
}
ADAPTATION_BODY = {
    "support": [
        {"label": "robin", "image": "iVBORw0KGgoAAAANSUhEUg=="},
        {"label": "wren", "image": "iVBORw0KGgoAAAANSUhEUg=="},
    ],
    "query": ["iVBORw0KGgoAAAANSUhEUg=="],
    "calibrate": True,
}
PREDICTIONS = {
    "labels": ["robin", "wren"],
    "predictions": [{"label": "robin", "probabilities": {"robin": 0.83, "wren": 0.17}}],
    "timings": {"decode_s": 0.02, "adapt_s": 0.61, "predict_s": 0.03},
    "warnings": [],
}
CHECK_BODY = {
    "pictures": [
        {"label": "robin", "image": "iVBORw0KGgoAAAANSUhEUg=="},
        {"label": "wren", "image": "iVBORw0KGgoAAAANSUhEUg=="},
    ]
}
CHECK = {
    "n_pictures": 2,
    "n_right": 1,
    "n_right_top5": None,
    "predictions": [
        {"label": "robin", "predicted": "robin", "probability": 0.91, "right": True},
        {"label": "wren", "predicted": "jay", "probability": 0.48, "right": False},
    ],
    "summary": "1 of 2 pictures right",
    "advice": "",
    "recorded": True,
    "warnings": [],
}
TOKEN_BODY = {"name": "nightly copy", "scopes": ["read"], "expires_at": "2027-02-20T00:00:00Z"}
LEAKED_BODY = {"credentials": ["fh_…"]}
_MEMBERS = [{"username": "alice", "role": "owner"}, {"username": "bob", "role": "member"}]
_TEAM_ID = "e9a4d1c2-5b6f-4d7a-9e8f-4a5b6c7d8e55"
_INVITATION_ID = "f2b8c6d0-7e1a-4c3b-8d9e-5b6c7d8e9f66"
_TWO_WEEKS_LATER = "2026-12-04T09:30:00Z"
TEAM = {
    "id": _TEAM_ID,
    "name": "Botany",
    "members": _MEMBERS,
    "invited": [
        {
            "id": _INVITATION_ID,
            "username": "carol",
            "role": "member",
            "created_at": _AT,
            "expires_at": _TWO_WEEKS_LATER,
        }
    ],
    "created_at": _AT,
}
TEAM_OF_A_MEMBER = {
    **TEAM,
    "members": [*_MEMBERS, {"username": "carol", "role": "member"}],
    "invited": None,
}
INVITATION = {
    "id": _INVITATION_ID,
    "team": "Botany",
    "role": "member",
    "invited_by": "alice",
    "created_at": _AT,
    "expires_at": _TWO_WEEKS_LATER,
}
