"""`/healthz`: the process lives. `/readyz`: what it needs answers."""

from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from marketplace.core.models import WorkerPulse

SILENT_AFTER = timedelta(seconds=60)
_PROBE_KEY = "probe/ready"


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
    """Says which of database, storage, broker and worker is not ready; 503 when one is not."""
    report = {name: _ask(check) for name, check in CHECKS.items()}
    ready = all(answer == "ready" for answer in report.values())
    return JsonResponse({"ready": ready, **report}, status=200 if ready else 503)


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


def _storage() -> None:
    try:
        default_storage.delete(_PROBE_KEY)
        default_storage.save(_PROBE_KEY, ContentFile(b"ready"))
    except Exception as error:  # noqa: BLE001 - every storage has exceptions of its own
        raise NotReady("files cannot be stored") from error


def _broker() -> None:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError) as error:
        raise NotReady("the broker does not answer") from error


def _worker() -> None:
    try:
        pulses = WorkerPulse.objects.filter(at__gt=timezone.now() - SILENT_AFTER)
        alive = set(pulses.values_list("queue", flat=True))
    except DatabaseError as error:
        raise NotReady("the database does not answer") from error
    if missing := {"gpu", "quick"} - alive:
        raise NotReady(f"no worker for: {', '.join(sorted(missing))}")


CHECKS = {"database": _database, "storage": _storage, "broker": _broker, "worker": _worker}
