"""`/healthz`: the process is alive. `/readyz`: its dependencies answer."""

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
from marketplace.core.preview_store import preview_problem

SILENT_AFTER = timedelta(seconds=60)


class NotReady(Exception):
    """A dependency is not ready. The message is one sentence."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Report the state of database, migrations, storage, broker and workers; 503 if any is not
    ready.

    `?only=database,storage` restricts the checks: a load balancer must not remove a web process
    because a worker is missing. `warnings` do not affect readiness.
    """
    named = {name for name in request.GET.get("only", "").split(",") if name} or set(CHECKS)
    if not named <= set(CHECKS):
        detail = f"Choose from these checks: {', '.join(CHECKS)}."
        return JsonResponse({"detail": detail}, status=400)
    asked = [name for name in CHECKS if name in named]
    report = {name: _answer(name) for name in asked}
    ready = all(answer == "ready" for answer in report.values())
    warned = {"warnings": said} if "worker" in asked and (said := _warnings()) else {}
    return JsonResponse({"ready": ready, **report, **warned}, status=200 if ready else 503)


_answers: dict[str, tuple[float, str]] = {}


def _answer(name: str) -> str:
    """Return the check's result, cached for a moment. Concurrent callers share one check."""
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
    """Applied migrations stay applied, so a process checks only until then."""
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
    # A unique key, so that concurrent probes do not see each other's file.
    key = f"probe/{uuid.uuid4()}"
    try:
        default_storage.save(key, ContentFile(b"ready"))
        default_storage.delete(key)
    except Exception as error:  # noqa: BLE001 - each storage has its own exceptions
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
    try:
        missing = set(_alive().exclude(unconfined="").values_list("unconfined", flat=True))
    except DatabaseError:
        return []  # reported by the database check
    unconfined = [
        f"a worker reads uploads without {what}, which its machine does not support"
        for what in sorted(missing)
    ]
    return [*unconfined, *filter(None, [preview_problem()])]


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
