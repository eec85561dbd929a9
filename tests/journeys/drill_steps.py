"""What the drill does inside the instance: fill it, and take the measure of all that it has.

Run by `manage.py shell`; prints one line of JSON.
"""

import hashlib
import json
import sys
from pathlib import Path

from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from marketplace import storage
from marketplace.operations.stored_files import stored_keys

ROOT = Path(__file__).resolve().parents[2]


def fill() -> None:
    """People, a model with its file, a finished and an unfinished job, a learner."""
    from marketplace.accounts.models import Membership, Role, Team, User
    from marketplace.accounts.services import token_create
    from marketplace.checkpoints.models import Checkpoint
    from marketplace.jobs.models import Job, JobEvent, MetricPoint
    from marketplace.pools.models import Pool, PoolMember

    call_command("migrate", interactive=False, verbosity=0)
    alice = User.objects.create_user("alice", password="correct horse battery")
    team = Team.objects.create(name="Botany")
    Membership.objects.create(team=team, user=alice, role=Role.OWNER)
    token_create(user=alice, name="drill")
    model = Checkpoint.objects.create(
        owner=alice, name="birds", licence="mit", class_names=["robin", "wren"], image_size=32,
        channels=3, mean=[0.5] * 3, std=[0.25] * 3, architecture="conv4", state="valid",
        upload_sha256="0" * 64, upload_bytes=3_000_000, sha256="1" * 64, size_bytes=3_000_000,
        n_classes=2, validated_at=timezone.now(),
    )  # fmt: skip
    storage.put_stream(storage.checkpoint_key(model.pk), ContentFile(b"weights" * 400_000))
    storage.put_stream(storage.incoming_key(model.pk), ContentFile(b"not validated yet"))
    pool = Pool.objects.create(owner=alice, name="pool")
    PoolMember.objects.create(pool=pool, checkpoint=model, position=0)
    for state in ("succeeded", "running"):
        job = Job.objects.create(
            owner=alice, pool=pool, algorithm="free", version="1", state=state,
            snapshot_secret="ab" * 32 if state == "running" else "",
        )  # fmt: skip
        MetricPoint.objects.create(job=job, name="loss", step=1, value=0.1 + 0.2)
        JobEvent.objects.create(job=job, text="Attempt 1 — ready")
    storage.put_stream(f"{storage.snapshot_prefix(job.pk)}/1.snapshot", ContentFile(b"sealed"))
    storage.put_stream(storage.adaptation_key(job.pk), ContentFile(b"sealed pictures"))
    storage.put_stream(storage.learner_key(job.pk, "browser/adapt.onnx"), ContentFile(b"graph"))


def measure() -> dict[str, object]:
    """Every row of every table and every stored file, as hashes."""
    rows = {}
    for model in apps.get_models(include_auto_created=True):
        values = list(model._base_manager.order_by("pk").values_list())
        rows[model._meta.label] = [len(values), _hash(repr(values).encode())]
    files = {}
    for key in stored_keys():
        with default_storage.open(key) as file:
            files[key] = _hash(file.read())
    return {"rows": rows, "files": files}


def destroy() -> None:
    """The worst day: no table and no file is left."""
    for key in list(stored_keys()):
        storage.remove(key)
    if connection.vendor == "sqlite":
        connection.close()
        for path in Path(connection.settings_dict["NAME"]).parent.glob("freehold.sqlite3*"):
            path.unlink()
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def run(*steps: str) -> None:
    """Take the steps; print what the last one gives."""
    given = None
    for step in steps:
        given = globals()[step]()
    sys.stdout.write(json.dumps(given) + "\n")
