"""Alice owns, Bob is on her team, Charlie is a stranger; and what they have."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from rest_framework.test import APIClient

from marketplace import storage
from marketplace.accounts.models import Membership, Role, Team, User, Visibility
from marketplace.accounts.services import token_create
from marketplace.algorithms.services import catalogue_publish
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_launch
from marketplace.learners.models import MetaLearner
from marketplace.learners.services import learner_publish
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_create
from marketplace.uploads.models import Upload

ALGORITHM: dict[str, Any] = {
    "name": "free",
    "title": "FREE",
    "paper": "Wei et al., CVPR 2024",
    "summary": "Meta-generator inversion.",
    "needs_recovery": True,
    "settings": [
        {"name": "outer_steps", "kind": "int", "default": 10, "help": "steps", "low": 1,
         "high": 1000, "choices": None},
        {"name": "n_way", "kind": "int", "default": 2, "help": "classes", "low": 2, "high": 20,
         "choices": None},
        {"name": "outer_lr", "kind": "float", "default": 0.001, "help": "rate", "low": 1e-6,
         "high": 1.0, "choices": None},
        {"name": "replay", "kind": "bool", "default": True, "help": "memory", "low": None,
         "high": None, "choices": None},
        {"name": "learner", "kind": "choice", "default": "conv4", "help": "network", "low": None,
         "high": None, "choices": ["conv4", "resnet10"]},
    ],
}  # fmt: skip
WITH_PRESETS: dict[str, Any] = {
    **ALGORITHM,
    "settings": [
        {"name": "preset", "kind": "choice", "default": "standard", "help": "which values",
         "low": None, "high": None, "choices": ["standard", "published"]},
        *ALGORITHM["settings"],
    ],
    "presets": [
        {"name": "standard", "help": "What we take.", "values": {}},
        {"name": "published", "help": "As in the paper.",
         "values": {"outer_steps": 900, "replay": False}},
    ],
}  # fmt: skip
ARCHITECTURES = [
    {"name": "conv4", "title": "Conv4", "paper": ""},
    {"name": "resnet10", "title": "ResNet-10", "paper": ""},
]


@pytest.fixture(autouse=True)
def _no_broker_and_own_files(own_files: Path, sent: list[Any]) -> None:
    """No test here talks to a broker or leaves files."""


@pytest.fixture
def alice(db: None) -> User:
    """The owner."""
    return User.objects.create_user("alice", password="pw")


@pytest.fixture
def bob(db: None) -> User:
    """On Alice's team."""
    return User.objects.create_user("bob", password="pw")


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger."""
    return User.objects.create_user("charlie", password="pw")


@pytest.fixture
def team(alice: User, bob: User) -> Team:
    """Alice's team, with Bob."""
    team = Team.objects.create(name="Botany")
    Membership.objects.create(team=team, user=alice, role=Role.OWNER)
    Membership.objects.create(team=team, user=bob)
    return team


@pytest.fixture
def client_of() -> Callable[..., Any]:
    """A client that sends a person's token."""

    def make(user: User) -> APIClient:
        _, secret = token_create(user=user, name="test")
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return make


@pytest.fixture
def anybody() -> APIClient:
    """A client without a token."""
    return APIClient(raise_request_exception=False)


@pytest.fixture
def catalogue(db: None) -> None:
    """What a worker has published."""
    catalogue_publish(algorithms=[ALGORITHM], architectures=ARCHITECTURES, version="1.0")


@pytest.fixture
def make_checkpoint(alice: User) -> Callable[..., Any]:
    """A validated model of Alice's with consent, unless told otherwise."""

    def make(
        name: str = "birds", *, n_classes: int = 3, content: bytes = b"tensors", **changes: Any
    ) -> Checkpoint:
        valid = changes.get("state", CheckpointState.VALID) == CheckpointState.VALID
        row = Checkpoint.objects.create(
            **{
                "owner": alice,
                "name": name,
                "licence": Licence.MIT,
                "class_names": [f"{name} {index}" for index in range(n_classes)],
                "image_size": 32,
                "channels": 3,
                "mean": [0.5] * 3,
                "std": [0.25] * 3,
                "architecture": "conv4",
                "dataset": "birds",
                "consent_recovery": True,
                "state": CheckpointState.VALID,
                "upload_sha256": "0" * 64,
                "upload_bytes": len(content),
                "sha256": "1" * 64,
                "size_bytes": len(content) if valid else 0,
                "n_classes": n_classes,
                "validated_at": timezone.now(),
                **changes,
            }
        )
        if row.state == CheckpointState.VALID:
            storage.put_stream(storage.checkpoint_key(row.pk), ContentFile(content))
        return row

    return make


@pytest.fixture
def make_upload(alice: User) -> Callable[..., Any]:
    """A file of Alice's that has begun to arrive in pieces."""

    def make(length: int = 10, **changes: Any) -> Upload:
        said: dict[str, Any] = {"name": "coming", "licence": Licence.MIT, "class_names": ["a", "b"]}
        said |= {"image_size": 32, "channels": 1, "mean": [0.5], "std": [0.25]}
        return checkpoint_upload_begin(
            owner=alice, draft=CheckpointDraft(**said, **changes), length=length
        )

    return make


@pytest.fixture
def make_pool(alice: User, make_checkpoint: Callable[..., Any]) -> Callable[..., Any]:
    """A pool of two models, of Alice unless told otherwise."""

    def make(
        name: str = "pool",
        *,
        owner: User | None = None,
        checkpoints: list[Checkpoint] | None = None,
        **changes: Any,
    ) -> Pool:
        chosen = checkpoints or [make_checkpoint(f"{name} a"), make_checkpoint(f"{name} b")]
        return pool_create(
            owner=owner or alice,
            name=name,
            checkpoint_ids=[row.pk for row in chosen],
            **changes,
        )

    return make


@pytest.fixture
def pool(make_pool: Callable[..., Any]) -> Pool:
    """Alice's pool."""
    return make_pool()


@pytest.fixture
def launch(catalogue: None, pool: Pool) -> Callable[..., Job]:
    """Launch a job on Alice's pool."""

    def run(**changes: Any) -> Job:
        said = {"owner": pool.owner, "pool": pool, "algorithm": "free", "settings": {}, **changes}
        return job_launch(**said)

    return run


@pytest.fixture
def job(launch: Callable[..., Job]) -> Job:
    """Alice's queued job."""
    return launch()


LEARNER_FILES = {
    "model.safetensors": b"0123456789" * 10,
    "config.json": b"{}",
    "README.md": b"# A card",
    "browser/adapt.onnx": b"graph",
}


@pytest.fixture
def learner(job: Job) -> MetaLearner:
    """What Alice's job made, with files in storage."""
    return publish(job)


def publish(job: Job) -> MetaLearner:
    """A meta-learner of the job."""
    files = []
    for path, content in LEARNER_FILES.items():
        storage.put_stream(storage.learner_key(job.pk, path), ContentFile(content))
        files.append({"path": path, "size": len(content), "sha256": f"{len(path):064x}"})
    return learner_publish(
        job=job,
        learner_id=job.pk,
        config={"architecture": "conv4"},
        card="# A card",
        provenance=[{"name": "birds"}],
        files=files,
    )


@pytest.fixture
def shared(team: Team) -> Any:
    """How a row is shared in each of the three ways."""
    return SimpleNamespace(
        private={"visibility": Visibility.PRIVATE},
        team={"visibility": Visibility.TEAM, "team": team},
        public={"visibility": Visibility.PUBLIC},
    )


@pytest.fixture
def sam(db: None) -> User:
    """Staff of the instance."""
    return User.objects.create_superuser("sam", password="pw")
