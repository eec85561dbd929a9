from collections.abc import Mapping
from typing import Any

from django.db import models

from contract.settings import preset_named, preset_values, run_title


class AlgorithmSpec(models.Model):
    """An algorithm with its settings as plain data. Workers publish it when they start."""

    name = models.CharField(max_length=60, primary_key=True)
    title = models.CharField(max_length=120)
    paper = models.CharField(max_length=200, blank=True)
    summary = models.TextField(blank=True)
    needs_recovery = models.BooleanField(default=True)
    settings = models.JSONField(default=list)
    presets = models.JSONField(default=list)
    version = models.CharField(max_length=40)
    published_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    def preset_named(self, name: object) -> Mapping[str, Any] | None:
        """Return the preset of this name, else the default one, or None if there are none."""
        return preset_named(self.presets, name)

    def preset_values(self, name: object) -> dict[str, Any]:
        """Return every setting's value under this preset, or the defaults if there are none."""
        return preset_values(self.settings, self.presets, name)

    def run_title(self, values: Mapping[str, Any]) -> str:
        return run_title(self.title, self.settings, self.presets, values)


class ArchitectureSpec(models.Model):
    """An architecture that uploads are recognised as."""

    name = models.CharField(max_length=120, primary_key=True)
    title = models.CharField(max_length=160)
    paper = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField(
        default=0, help_text="its place in the list, as the worker orders it"
    )
    published_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.title
