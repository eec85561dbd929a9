"""The table comes from the checkpoints app, whose migrations made and renamed it."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("accounts", "0002_token_scopes"),
        ("checkpoints", "0013_uploads_leave"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Upload",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("fields", models.JSONField(default=dict)),
                        ("metadata", models.TextField(blank=True)),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        ("length", models.BigIntegerField()),
                        ("offset", models.BigIntegerField(default=0)),
                        ("multipart", models.TextField(blank=True)),
                        ("lease", models.CharField(blank=True, max_length=32)),
                        ("lease_until", models.DateTimeField(null=True)),
                        ("expires_at", models.DateTimeField()),
                        ("finished_at", models.DateTimeField(null=True)),
                        ("held", models.BooleanField(default=False)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="uploads",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="accounts.team",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["owner", "expires_at"], name="upload_of_owner"),
                            models.Index(fields=["expires_at"], name="upload_expiry"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("offset__gte", 0), ("offset__lte", models.F("length"))
                                ),
                                name="upload_within_length",
                            )
                        ],
                    },
                )
            ]
        )
    ]
