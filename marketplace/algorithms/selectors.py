from django.db.models import QuerySet

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec


def algorithms_published() -> "QuerySet[AlgorithmSpec]":
    return AlgorithmSpec.objects.all()


def architectures_published() -> "QuerySet[ArchitectureSpec]":
    return ArchitectureSpec.objects.all()
