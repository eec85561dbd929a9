"""Scopes of tokens. Sessions have all of them."""

from django.db import models


class Scope(models.TextChoices):
    """The parts of the API. Every route needs exactly one of them."""

    READ = "read", "See and download what you may see"
    UPLOAD = "upload", "Upload models"
    WRITE = "write", "Change, share and delete your things; make pools"
    JOBS = "jobs", "Launch, cancel and resume jobs"
    ADAPT = "adapt", "Adapt meta-learners"
    ACCOUNT = "account", "Manage your tokens and teams"


ALL_SCOPES: list[str] = list(Scope.values)
