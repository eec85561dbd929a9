"""Texts of jobs that named a quarantined model and the reason, which others may not know."""

from django.db import migrations

TAKEN_OUT = "A model of this pool was taken out of use by the operator."
_NAMED = "” is in quarantine: "


def forget_names(apps, schema_editor):
    """Errors and lines of the log say from now on what new ones say."""
    apps.get_model("jobs", "Job").objects.filter(
        error__startswith="The model “", error__contains=_NAMED
    ).update(error=TAKEN_OUT)
    events = apps.get_model("jobs", "JobEvent").objects
    for how in ("Stopped. ", "Failed: "):
        events.filter(text__startswith=f"{how}The model “", text__contains=_NAMED).update(
            text=f"{how}{TAKEN_OUT}"
        )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(forget_names, migrations.RunPython.noop)]
