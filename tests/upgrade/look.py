"""What the upgrade test does in the instance: load the old dump, migrate, look at everything."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

HERE = Path(__file__).parent


def run(release: str) -> None:
    """Print what answered, as one line of JSON."""
    folder = HERE / release
    _load((folder / f"{connection.vendor}.sql").read_text())
    call_command("migrate", interactive=False, verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    known = json.loads((folder / f"{connection.vendor}.json").read_text())
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": static}):
        found = {"pages": _pages(known), "api": _api(known), "clock": _clock()}
    sys.stdout.write(json.dumps(found) + "\n")


def _load(dump: str) -> None:
    if connection.vendor == "sqlite":
        # Without Django, which would check foreign keys to tables that come further below.
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as file:
            file.executescript(dump)
    else:
        with connection.cursor() as cursor:
            cursor.execute(dump)
    connection.close()


def _pages(known: dict[str, Any]) -> dict[str, int]:
    """The pages as Alice sees them, signed in with the password of then."""
    client = Client(SERVER_NAME="127.0.0.1")
    said = {"login": "alice", "password": "correct horse battery"}
    client.post("/accounts/login/", said)
    models, jobs = known["models"], known["jobs"]
    paths = [
        "/",
        "/models/",
        "/pools/",
        "/jobs/",
        "/learners/",
        "/me/settings/",
        "/me/teams/",
        "/operator/",
    ]
    paths += [f"/models/{pk}/" for pk in models.values()]
    paths += [f"/jobs/{pk}/" for pk in jobs.values()]
    paths += [f"/pools/{known['pool']}/", f"/learners/{known['learner']}/"]
    found = {path: client.get(path, follow=True).status_code for path in paths}
    # Without a session it leads to the sign-in page.
    return found | {"signed in": int(client.get("/me/settings/").status_code == 200)}


def _api(known: dict[str, Any]) -> dict[str, Any]:
    """The API by the token of then."""
    client = Client(SERVER_NAME="127.0.0.1", headers={"authorization": f"Bearer {known['token']}"})

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1/{path}")
        return answer.json() if answer.status_code == 200 else answer.status_code

    return {
        "models": {row["name"]: row["state"] for row in get("checkpoints/")["results"]},
        "jobs": {name: get(f"jobs/{pk}/")["state"] for name, pk in known["jobs"].items()},
        "curve": get(f"jobs/{known['jobs']['succeeded']}/metrics/"),
        "events": len(get(f"jobs/{known['jobs']['failed']}/events/")["results"]),
        "learner": get(f"learners/{known['learner']}/")["id"] == known["learner"],
        "changed": client.patch(
            f"/api/v1/checkpoints/{known['models']['robins']}/",
            {"description": "since the upgrade"},
            content_type="application/json",
        ).status_code,
    }


def _clock() -> dict[str, int]:
    """One tick: what the old release's workers had is taken back."""
    from marketplace.jobs.models import Job
    from worker.clock import keep_time

    keep_time()
    return {state: Job.objects.filter(state=state).count() for state in ("queued", "running")}
