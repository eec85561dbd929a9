"""Filters for lists."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field

from marketplace.accounts.models import Visibility
from marketplace.checkpoints.families import FAMILIES
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.search import knowing, says, with_class_text
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool

if TYPE_CHECKING:
    Rows = QuerySet[Any]
else:
    Rows = QuerySet


# The range of the filtered database columns.
_LEAST, _MOST = 1, 32_767
MOST_WORDS = 8


@extend_schema_field({"type": "integer", "minimum": _LEAST, "maximum": _MOST})
class WholeNumberFilter(filters.Filter):
    """A small integer. `NumberFilter` takes decimals, and converting 1e1000000 takes a minute."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=_LEAST, max_value=_MOST, **kwargs)


class OwnedFilter(filters.FilterSet):
    """`mine`, `owner`, `visibility` and `search`, for every model with an owner."""

    searched: tuple[str, ...] = ("name", "owner__username")

    mine = filters.BooleanFilter(method="keep_mine", label="only your own, or only other people's")
    owner = filters.CharFilter(field_name="owner__username", label="the owner's user name")
    visibility = filters.ChoiceFilter(choices=Visibility.choices)
    search = filters.CharFilter(method="keep_matching", label="text to look for")

    def keep_mine(self, rows: Rows, name: str, value: bool) -> Rows:
        mine = Q(owner=self.request.user)
        return rows.filter(mine if value else ~mine)

    def keep_matching(self, rows: Rows, name: str, value: str) -> Rows:
        """Keep rows in which every word occurs in one of the searched fields."""
        for word in value.split()[:MOST_WORDS]:
            found = Q()
            for field in self.searched:
                found |= Q(**{f"{field}__icontains": word})
            rows = rows.filter(found)
        return rows


class CheckpointFilter(OwnedFilter):
    """Filters for checkpoints. `search` also looks at class names."""

    family = filters.ChoiceFilter(
        choices=FAMILIES, label="family of the architecture, such as `resnet` or `vit`"
    )
    knows = filters.CharFilter(
        method="keep_knowing", label="part of a class name; separate several with commas"
    )
    min_image_size = WholeNumberFilter(field_name="image_size", lookup_expr="gte")
    max_image_size = WholeNumberFilter(field_name="image_size", lookup_expr="lte")
    state = filters.ChoiceFilter(choices=CheckpointState.choices)
    architecture = filters.CharFilter(field_name="architecture")
    channels = WholeNumberFilter(field_name="channels")
    image_size = WholeNumberFilter(field_name="image_size")
    dataset = filters.CharFilter(field_name="dataset", lookup_expr="iexact")
    licence = filters.ChoiceFilter(choices=Licence.choices)
    consent_recovery = filters.BooleanFilter(field_name="consent_recovery")
    checked = filters.BooleanFilter(
        field_name="checked_at",
        lookup_expr="isnull",
        exclude=True,
        label="whether the owner has checked it with pictures",
    )
    ordering = filters.OrderingFilter(fields=["created_at", "name", "size_bytes", "n_classes"])

    class Meta:
        model = Checkpoint
        fields: list[str] = []

    def keep_matching(self, rows: Rows, name: str, value: str) -> Rows:
        """Keep rows in which every word occurs, as on the page, or is in the owner's name."""
        for word in value.split()[:MOST_WORDS]:
            rows = with_class_text(rows).filter(says(word) | Q(owner__username__icontains=word))
        return rows

    def keep_knowing(self, rows: Rows, name: str, value: str) -> Rows:
        return knowing(rows, value)


class PoolFilter(OwnedFilter):
    ordering = filters.OrderingFilter(fields=["created_at", "name"])

    class Meta:
        model = Pool
        fields: list[str] = []


class JobFilter(OwnedFilter):
    searched = ("algorithm", "title", "pool__name", "owner__username")

    state = filters.ChoiceFilter(choices=JobState.choices)
    pool = filters.UUIDFilter(field_name="pool_id")
    algorithm = filters.CharFilter(field_name="algorithm")
    ordering = filters.OrderingFilter(fields=["created_at", "finished_at"])

    class Meta:
        model = Job
        fields: list[str] = []


class LearnerFilter(OwnedFilter):
    pool = filters.UUIDFilter(field_name="job__pool_id")
    algorithm = filters.CharFilter(field_name="job__algorithm")
    ordering = filters.OrderingFilter(fields=["created_at", "name"])

    class Meta:
        model = MetaLearner
        fields: list[str] = []
