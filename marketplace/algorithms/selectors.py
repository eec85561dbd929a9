"""Reads about algorithms and architectures; everybody may."""

from django.db.models import QuerySet

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec


def algorithms_published() -> "QuerySet[AlgorithmSpec]":
    """Every algorithm that a worker has published."""
    return AlgorithmSpec.objects.all()


def architectures_published() -> "QuerySet[ArchitectureSpec]":
    """Every architecture that a worker has published."""
    return ArchitectureSpec.objects.all()
