"""Records of a closed account lose what they say, and the triggers let that through."""

from django.db import migrations, models

from marketplace.audit.triggers import triggers_drop, triggers_make


def drop(apps, schema_editor):
    triggers_drop(schema_editor)


def make(apps, schema_editor):
    triggers_make(schema_editor)


def make_as_before(apps, schema_editor):
    triggers_make(schema_editor, emptying=False)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_triggers")]
    operations = [
        migrations.RunPython(drop, make_as_before),
        migrations.AddField(
            model_name="record",
            name="emptied_by",
            field=models.PositiveBigIntegerField(editable=False, null=True),
        ),
        migrations.RunPython(make, drop),
    ]
