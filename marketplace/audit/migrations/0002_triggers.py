"""Have the database itself refuse to change the log."""

from django.db import migrations

from marketplace.audit.triggers import triggers_drop, triggers_make


def make(apps, schema_editor):
    triggers_make(schema_editor, emptying=False)


def drop(apps, schema_editor):
    triggers_drop(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]
