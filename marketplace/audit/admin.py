"""The log for the operator: to read."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.audit.models import Record
from marketplace.audit.states import Act


class ActFilter(admin.SimpleListFilter):
    """By what was done."""

    title, parameter_name = "act", "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every act."""
        return [(str(key), str(label)) for key, label in Act.choices]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Record]") -> "QuerySet[Record]":
        """Only records of the act."""
        return queryset.filter(act=self.value()) if self.value() else queryset


@admin.register(Record)
class RecordAdmin(admin.ModelAdmin):
    """Records, newest first; none can be added, changed or deleted here."""

    list_display = ["number", "at", "person", "act_name", "kind", "row", "address"]
    list_filter = [ActFilter]
    search_fields = ["person", "row", "address"]
    date_hierarchy = "at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False
