"""Loads the demo as a user would: upload, wait for validation, create a pool, launch."""

import json
import secrets
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File

from marketplace.accounts.models import User, Visibility
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_launch
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_create

USERNAME = "demo"
POOL_NAME = "CIFAR-FS demo pool"
_FOLDER = Path(__file__).parent
_WAIT_S = 300.0


def sign_in_file() -> Path:
    """Return the file with the demo's password, which only the operator can read."""
    return settings.DATA_DIR / "demo-password"


def demo_person() -> User:
    """Return the demo user, creating it with a random password on the first call."""
    user = User.objects.filter(username=USERNAME).first()
    if user is None:
        password = secrets.token_urlsafe(9)
        path = sign_in_file()
        path.touch(mode=0o600)
        path.write_text(password)
        user = User.objects.create_user(USERNAME, password=password)
    return user


def demo_load() -> Job:
    """Create the missing parts of the demo."""
    user = demo_person()
    checkpoints = [_checkpoint(user, line) for line in _manifest()]
    _wait_until_valid([row.pk for row in checkpoints])
    pool = Pool.objects.filter(owner=user, name=POOL_NAME).first() or pool_create(
        owner=user,
        name=POOL_NAME,
        checkpoint_ids=[row.pk for row in checkpoints],
        visibility=Visibility.PUBLIC,
    )
    _wait_for_algorithm("free_plus")
    job = pool.jobs.order_by("created_at").first()
    chosen = json.loads((_FOLDER / "free_plus_settings.json").read_text())
    return job or job_launch(owner=user, pool=pool, algorithm="free_plus", settings=chosen, seed=0)


def _manifest() -> list[dict[str, object]]:
    lines = (_FOLDER / "pool" / "manifest.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def _checkpoint(user: User, line: dict[str, object]) -> Checkpoint:
    classes = [str(name).replace("_", " ") for name in line["class_names"]]  # type: ignore[attr-defined]
    name = f"{classes[0].capitalize()}, {classes[1]} and {len(classes) - 2} more"
    if earlier := Checkpoint.objects.filter(owner=user, name=name).first():
        return earlier
    draft = CheckpointDraft(
        name=name,
        description=_description(classes, line),
        dataset="CIFAR-FS",
        class_names=tuple(classes),
        image_size=int(str(line["image_size"])),
        channels=int(str(line["channels"])),
        mean=line["mean"],  # type: ignore[arg-type]
        std=line["std"],  # type: ignore[arg-type]
        licence="apache-2.0",
        visibility=Visibility.PUBLIC,
        consent_recovery=True,
        consent_preview=True,
    )
    with (_FOLDER / "pool" / str(line["file"])).open("rb") as file:
        return checkpoint_upload(owner=user, draft=draft, file=File(file))


def _description(classes: list[str], line: dict[str, object]) -> str:
    accuracy = 100 * float(str(line["held_out_accuracy"]))
    return (
        f"Tells {', '.join(classes[:-1])} and {classes[-1]} apart. Trained on CIFAR-FS meta-train, "
        f"{line['epochs']} epochs; {accuracy:.1f} % of the held-out pictures right.\n\n"
        "Part of the demo pool that comes with Freehold."
    )


def _wait_until_valid(ids: list[UUID]) -> None:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        rows = Checkpoint.objects.filter(pk__in=ids)
        if refused := rows.filter(state=CheckpointState.REJECTED).first():
            raise DomainError(f"The demo's “{refused.name}” was rejected: {refused.reason}")
        if rows.filter(state=CheckpointState.VALID).count() == len(ids):
            return
        time.sleep(0.2)
    raise DomainError("No worker validated the demo's models in time; is one running?")


def _wait_for_algorithm(name: str) -> None:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        if AlgorithmSpec.objects.filter(name=name).exists():
            return
        time.sleep(0.2)
    raise DomainError(f"No worker published the algorithm “{name}” in time; is one running?")
