"""`/healthz`: the process lives. `/readyz`: what it needs answers."""

import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from marketplace.core.models import WorkerPulse

SILENT_AFTER = timedelta(seconds=60)


class NotReady(Exception):
    """One sentence on what is missing."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the process lives."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Says which of database, migrations, storage, broker and worker is not ready, with 503.

    `?only=database,storage` asks for these alone: a load balancer must not take a web process off
    because a worker is away. `warnings` leave it ready.
    """
    named = {name for name in request.GET.get("only", "").split(",") if name} or set(CHECKS)
    if not named <= set(CHECKS):
        detail = f"There are only these checks: {', '.join(CHECKS)}."
        return JsonResponse({"detail": detail}, status=400)
    asked = [name for name in CHECKS if name in named]
    report = {name: _answer(name) for name in asked}
    ready = all(answer == "ready" for answer in report.values())
    warned = {"warnings": said} if "worker" in asked and (said := _warnings()) else {}
    return JsonResponse({"ready": ready, **report, **warned}, status=200 if ready else 503)


_answers: dict[str, tuple[float, str]] = {}


def _answer(name: str) -> str:
    """What the check says, or has said a moment ago; of many who ask at once one asks."""
    with _asking[name]:
        until, said = _answers.get(name, (0.0, ""))
        if time.monotonic() < until:
            return said
        said = _ask(CHECKS[name])
        _answers[name] = time.monotonic() + settings.READY_KEPT_S, said
        return said


def _ask(check: Callable[[], None]) -> str:
    try:
        check()
    except NotReady as error:
        return str(error)
    return "ready"


def _database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady("the database does not answer") from error


def _migrations() -> None:
    """Once applied they stay applied, so a process looks until then only."""
    global _migrated
    if _migrated:
        return
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise NotReady("the database does not answer") from error
    if missing:
        raise NotReady(f"{len(missing)} migrations are not applied; run manage.py migrate")
    _migrated = True


_migrated = False


def _storage() -> None:
    # A key of its own: of two processes that probe at once none may see the other's file.
    key = f"probe/{uuid.uuid4()}"
    try:
        default_storage.save(key, ContentFile(b"ready"))
        default_storage.delete(key)
    except Exception as error:  # noqa: BLE001 - every storage has exceptions of its own
        raise NotReady("files cannot be stored") from error


def _broker() -> None:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError) as error:
        raise NotReady("the broker does not answer") from error


def _alive() -> "QuerySet[WorkerPulse]":
    return WorkerPulse.objects.filter(at__gt=timezone.now() - SILENT_AFTER)


def _warnings() -> list[str]:
    """What works, but with less protection than it could have."""
    try:
        missing = set(_alive().exclude(unconfined="").values_list("unconfined", flat=True))
    except DatabaseError:
        return []  # the check of the database says so
    return [
        f"a worker reads uploads without {what}, which its machine does not offer"
        for what in sorted(missing)
    ]


def _worker() -> None:
    try:
        alive = set(_alive().values_list("queue", flat=True))
    except DatabaseError as error:
        raise NotReady("the database does not answer") from error
    if missing := {"gpu", "quick"} - alive:
        raise NotReady(f"no worker for: {', '.join(sorted(missing))}")


CHECKS = {
    "database": _database,
    "migrations": _migrations,
    "storage": _storage,
    "broker": _broker,
    "worker": _worker,
}
_asking = {name: threading.Lock() for name in CHECKS}
