"""`pools/`."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.api import examples
from marketplace.api.filters import PoolFilter
from marketplace.api.serializers.pools import (
    PoolChangeSerializer,
    PoolCreateSerializer,
    PoolDetailSerializer,
    PoolSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.pools.models import Pool
from marketplace.pools.selectors import pools_visible_to
from marketplace.pools.services import pool_change_checkpoints, pool_create, pool_delete

_ONE = examples.answer("Two models", examples.POOL)


class PoolView(RowView):
    """Pools that you may see."""

    queryset = Pool.objects.none()
    serializer_class = PoolSerializer
    filterset_class = PoolFilter
    problems = {"partial_update": ("409",), "destroy": ("409",)}

    def get_queryset(self) -> "QuerySet[Pool]":
        return pools_visible_to(self.request.user)

    @extend_schema(summary="List pools")
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(PoolSerializer)

    @extend_schema(
        summary="Make a pool",
        request=PoolCreateSerializer,
        responses={201: PoolDetailSerializer},
        examples=[_ONE, examples.body("Two of your models", examples.POOL_BODY)],
    )
    def create(self, request: Request) -> Response:
        """The models must fit together, and their owners must have consented to recovery."""
        said = self.read(PoolCreateSerializer).validated_data
        row = pool_create(owner=self.user, checkpoint_ids=said.pop("checkpoints"), **said)
        where = {"Location": request.build_absolute_uri(f"{row.pk}/")}
        return Response(self._shown(row), status.HTTP_201_CREATED, headers=where)

    @extend_schema(summary="One pool", responses=PoolDetailSerializer, examples=[_ONE])
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes its models, and how they fit together."""
        return Response(self._shown(self.get_object()))

    @extend_schema(
        summary="Change the models of a pool",
        request=PoolChangeSerializer,
        responses=PoolDetailSerializer,
        examples=[_ONE],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only until a job has used the pool; from then on it is frozen."""
        row = self.get_own()
        chosen = self.read(PoolChangeSerializer).validated_data["checkpoints"]
        row = pool_change_checkpoints(pool=row, by=self.user, checkpoint_ids=chosen)
        return Response(self._shown(row))

    @extend_schema(summary="Delete a pool", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """A pool that a job has used stays."""
        pool_delete(pool=self.get_own())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _shown(self, row: Pool) -> Any:
        return PoolDetailSerializer(row, context=self.get_serializer_context()).data
