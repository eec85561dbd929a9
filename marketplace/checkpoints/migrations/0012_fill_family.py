"""Models that are there already get the family of their architecture."""

from django.db import migrations

from marketplace.checkpoints.families import family_of


def fill(apps, schema_editor):
    rows = apps.get_model("checkpoints", "Checkpoint").objects.using(schema_editor.connection.alias)
    named = rows.exclude(architecture="").order_by()
    for name in set(named.values_list("architecture", flat=True).distinct()):
        rows.filter(architecture=name).update(family=family_of(name))


class Migration(migrations.Migration):
    dependencies = [("checkpoints", "0011_family")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
