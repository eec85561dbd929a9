from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("algorithms", "0002_all_names")]
    operations = [
        migrations.AddField(
            model_name="algorithmspec",
            name="presets",
            field=models.JSONField(default=list),
        ),
    ]
