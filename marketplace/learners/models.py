from django.db import models

from marketplace.accounts.models import Owned
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job


class MetaLearner(Owned):
    """A finished meta-learner, the result of a job. Its files never change."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="learner")
    name = models.CharField(max_length=160)
    config = models.JSONField(default=dict)
    card = models.TextField(blank=True)
    provenance = models.JSONField(default=list)
    # [{"path", "size", "sha256"}]: the files for download, and their ETags.
    files = models.JSONField(default=list)
    # Models whose weights it contains, and which limit who may have it. Their rows outlive them,
    # because the frozen pool of its job protects them.
    copied_models = models.ManyToManyField(Checkpoint, related_name="copied_into")

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="learner_newest"),
            models.Index(fields=["owner", "-created_at"], name="learner_of_owner"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def size_bytes(self) -> int:
        return sum(entry["size"] for entry in self.files)
