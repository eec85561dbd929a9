from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from marketplace.audit.models import Record
from marketplace.audit.states import Act


class ActFilter(admin.SimpleListFilter):
    title, parameter_name = "act", "act"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), str(label)) for key, label in Act.choices]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Record]") -> "QuerySet[Record]":
        return queryset.filter(act=self.value()) if self.value() else queryset


@admin.register(Record)
class RecordAdmin(admin.ModelAdmin):
    """Records, newest first. They are read-only."""

    list_display = ["number", "at", "person", "act_name", "kind", "row", "address"]
    list_filter = [ActFilter]
    search_fields = ["person", "row", "address"]
    date_hierarchy = "at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
