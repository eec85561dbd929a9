"""Uploads are an app of their own: their table is renamed, and every row stays."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("checkpoints", "0012_fill_family")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("upload", "uploads_upload")],
            state_operations=[migrations.DeleteModel("upload")],
        )
    ]
