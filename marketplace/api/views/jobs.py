"""`jobs/`."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.scopes import Scope
from marketplace.api import examples
from marketplace.api.filters import JobFilter
from marketplace.api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from marketplace.api.serializers.jobs import (
    JobEventSerializer,
    JobLaunchSerializer,
    JobSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.core.whole_numbers import whole_number
from marketplace.jobs.models import Job
from marketplace.jobs.selectors import job_curves, job_events, jobs_visible_to
from marketplace.jobs.services import job_cancel, job_launch, job_resume
from marketplace.pools.models import Pool
from marketplace.pools.selectors import pools_visible_to

_ONE = examples.answer("A job under way", examples.JOB)
_SINCE = OpenApiParameter("since", OpenApiTypes.INT, description="only entries above this number")


class JobView(RowView):
    """Jobs that you may see."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    problems = {
        "create": ("409",),
        "cancel": ("403", "409"),
        "resume": ("400", "403", "409"),
        "metrics": ("400",),
        "events": ("400",),
    }

    scopes = {"create": Scope.JOBS, "cancel": Scope.JOBS, "resume": Scope.JOBS}

    def get_queryset(self) -> "QuerySet[Job]":
        return jobs_visible_to(self.request.user).select_related("learner")

    @extend_schema(summary="List jobs", examples=[_ONE])
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(JobSerializer)

    @extend_schema(
        summary="Launch a job",
        request=JobLaunchSerializer,
        responses={201: JobSerializer},
        parameters=[IDEMPOTENCY_KEY],
        examples=[
            _ONE,
            examples.body("200 steps of FREE+", examples.JOB_BODY),
            examples.body("FREE as it was published, in 50 steps", examples.PRESET_BODY),
        ],
    )
    def create(self, request: Request) -> Response:
        """Settings that are left out come from the preset, or have the defaults that `GET
        algorithms/` lists."""
        said = self.read(JobLaunchSerializer).validated_data
        job = job_launch(
            owner=self.user,
            pool=self._pool(said.pop("pool")),
            idempotency_key=idempotency_key(request),
            **said,
        )
        where = {"Location": request.build_absolute_uri(f"{job.pk}/")}
        return Response(JobSerializer(job).data, status.HTTP_201_CREATED, headers=where)

    @extend_schema(summary="One job", examples=[_ONE])
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes its state and progress."""
        return Response(JobSerializer(self.get_object()).data)

    @extend_schema(
        summary="The curves of a job",
        parameters=[_SINCE],
        responses=OpenApiTypes.OBJECT,
        examples=[examples.answer("Two curves", examples.METRICS)],
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def metrics(self, request: Request, pk: str) -> Response:
        """`{"NAME": [[step, value], …]}`, at most about a thousand points per curve."""
        return Response(job_curves(self.get_object(), since=_since(request)))

    @extend_schema(
        summary="The log of a job",
        parameters=[_SINCE],
        responses=JobEventSerializer(many=True),
        examples=[examples.answer("A line", examples.EVENT)],
    )
    @action(detail=True, filterset_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """Oldest first."""
        page = self.paginate_queryset(job_events(self.get_object(), since=_since(request)))
        return self.get_paginated_response(JobEventSerializer(page, many=True).data)

    @extend_schema(summary="Cancel a job", request=None, responses=JobSerializer, examples=[_ONE])
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stops after the current step. 409 if the job has ended or is ending."""
        return Response(JobSerializer(job_cancel(job=self.get_own(), by=self.user)).data)

    @extend_schema(
        summary="Resume a cancelled or failed job",
        request=None,
        responses=JobSerializer,
        examples=[_ONE],
    )
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Continues from the last snapshot. 409 in any other state."""
        return Response(JobSerializer(job_resume(job=self.get_own(), by=self.user)).data)

    def _pool(self, pk: UUID) -> Pool:
        pool = pools_visible_to(self.user).filter(pk=pk).first()
        if pool is None:
            raise ValidationError({"pool": [f"There is no pool {pk} that you may see."]})
        return pool


def _since(request: Request) -> int:
    number = whole_number(request.query_params.get("since") or "0")
    if number is None:
        raise ValidationError({"since": ["Give a whole number."]})
    return number
