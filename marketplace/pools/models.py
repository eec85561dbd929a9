from django.db import models

from marketplace.accounts.models import Owned
from marketplace.checkpoints.models import Checkpoint


class Pool(Owned):
    """A choice of checkpoints. A job freezes it, unless it ends before its first step."""

    name = models.CharField(max_length=120)
    frozen_at = models.DateTimeField(null=True)
    checkpoints = models.ManyToManyField(Checkpoint, through="PoolMember")

    class Meta(Owned.Meta):
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="pool_of_owner")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None


class PoolMember(models.Model):
    """A checkpoint's position in a pool."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="members")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="pools")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["pool", "checkpoint"], name="checkpoint_once_in_pool")
        ]
