from django.conf import settings
from django.db import models

from marketplace.accounts.models import Team
from marketplace.core.models import Row


class Upload(Row):
    """A file that arrives in pieces (tus). The resulting checkpoint has the same id."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads"
    )
    # The uploader's description, validated at the beginning. The team is a separate column.
    fields = models.JSONField(default=dict)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL, related_name="+")
    metadata = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    length = models.BigIntegerField()
    offset = models.BigIntegerField(default=0)
    # The object store's name of the file.
    multipart = models.TextField(blank=True)
    # The connection that is appending, and until when it excludes others.
    lease = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # The file is kept until a manifest describes it.
    held = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["owner", "expires_at"], name="upload_of_owner"),
            models.Index(fields=["expires_at"], name="upload_expiry"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(offset__gte=0) & models.Q(offset__lte=models.F("length")),
                name="upload_within_length",
            )
        ]

    def __str__(self) -> str:
        return f"{self.offset} of {self.length} bytes"
