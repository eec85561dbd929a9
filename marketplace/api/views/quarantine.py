"""`checkpoints/{id}/quarantine/`, for staff."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.permissions import can_operate
from marketplace.api import examples
from marketplace.api.serializers.checkpoints import CheckpointSerializer, QuarantineSerializer
from marketplace.api.views.base import RowView
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.selectors import checkpoints_judged_by

_ONE = examples.answer("The model", examples.CHECKPOINT)


class QuarantineView(RowView):
    """Any model, for staff. Others get 403 for a model that they may see, and 404 otherwise."""

    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    filter_backends = ()
    problems = {"create": ("409",), "destroy": ("409",)}

    def get_queryset(self) -> "QuerySet[Checkpoint]":
        return checkpoints_judged_by(self.request.user)

    @extend_schema(
        summary="Put a model into quarantine",
        request=QuarantineSerializer,
        responses={200: CheckpointSerializer},
        examples=[_ONE, examples.body("Why", {"reason": "Trained on pictures of people."})],
    )
    def create(self, request: Request, pk: str) -> Response:
        """Staff only. Hides the model from all but its owner and staff. Jobs that use it stop."""
        row = self._row()
        reason = self.read(QuarantineSerializer).validated_data["reason"]
        row = checkpoint_quarantine(checkpoint=row, by=self.user, reason=reason)
        return Response(CheckpointSerializer(row).data)

    @extend_schema(
        summary="Take a model out of quarantine",
        responses={200: CheckpointSerializer},
        examples=[_ONE],
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Staff only. The model is as it was before, and jobs that were stopped can be resumed."""
        row = checkpoint_release(checkpoint=self._row(), by=self.user)
        return Response(CheckpointSerializer(row).data)

    def _row(self) -> Checkpoint:
        row: Checkpoint = self.get_object()
        if not can_operate(self.user):
            raise PermissionDenied("Only the staff of this instance may do that.")
        return row
