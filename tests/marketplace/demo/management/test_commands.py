"""`manage.py demo`."""

from io import StringIO

import pytest
from django.core.management import call_command

from marketplace.demo.management.commands import demo
from marketplace.jobs.models import Job


def test_the_command_says_which_job_it_started(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "demo_load", lambda: job)
    out = StringIO()
    call_command("demo", stdout=out)
    assert out.getvalue() == f"The demo job is {job.pk}, queued.\n"
