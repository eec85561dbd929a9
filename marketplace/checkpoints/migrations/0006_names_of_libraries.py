"""torchvision's architectures are called `torchvision/NAME`, which were `tv_NAME`."""

from django.db import migrations

OLD, NEW = "tv_", "torchvision/"


def rename(apps, schema_editor):
    rows = apps.get_model("checkpoints", "Checkpoint").objects.using(schema_editor.connection.alias)
    old = rows.filter(architecture__startswith=OLD)
    for name in set(old.order_by().values_list("architecture", flat=True).distinct()):
        rows.filter(architecture=name).update(architecture=NEW + name.removeprefix(OLD))


class Migration(migrations.Migration):
    dependencies = [("checkpoints", "0005_how_it_was_read")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
