"""People, teams and tokens for the operator."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from marketplace.accounts.models import ApiToken, Membership, Team, User

admin.site.register(User, UserAdmin)


class MembershipInline(admin.TabularInline):
    """The members of a team."""

    model = Membership
    extra = 0


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams."""

    list_display = ["name", "created_at"]
    inlines = [MembershipInline]


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens; their secret is not known to anybody here."""

    list_display = ["prefix", "name", "user", "created_at", "last_used_at"]
    readonly_fields = ["prefix", "digest", "last_used_at"]
