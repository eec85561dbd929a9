"""What a worker's machine lacks to confine the reader of uploads with."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="workerpulse",
            name="unconfined",
            field=models.CharField(
                blank=True,
                default="",
                help_text="what its machine lacks to confine the reader of uploads with",
                max_length=60,
            ),
            preserve_default=False,
        ),
    ]
