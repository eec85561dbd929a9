"""`algorithms/` and `architectures/`."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin

from marketplace.algorithms.models import AlgorithmSpec, ArchitectureSpec
from marketplace.algorithms.selectors import algorithms_published, architectures_published
from marketplace.api.serializers.algorithms import AlgorithmSerializer, ArchitectureSerializer
from marketplace.api.views.base import RowViewSet


@extend_schema_view(
    list=extend_schema(summary="List algorithms with all their settings"),
    retrieve=extend_schema(summary="One algorithm"),
)
class AlgorithmView(ListModelMixin, RetrieveModelMixin, RowViewSet):
    """Algorithms that the workers have published."""

    queryset = AlgorithmSpec.objects.none()
    serializer_class = AlgorithmSerializer
    filterset_fields: list[str] = []

    def get_queryset(self) -> "QuerySet[AlgorithmSpec]":
        return algorithms_published()


@extend_schema_view(
    list=extend_schema(summary="List architectures that uploads are recognised as"),
    retrieve=extend_schema(summary="One architecture"),
)
class ArchitectureView(ListModelMixin, RetrieveModelMixin, RowViewSet):
    """Architectures that the workers have published."""

    queryset = ArchitectureSpec.objects.none()
    serializer_class = ArchitectureSerializer
    filterset_fields: list[str] = []

    def get_queryset(self) -> "QuerySet[ArchitectureSpec]":
        return architectures_published()
