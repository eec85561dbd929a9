"""Users, teams and tokens, and the ownership of rows."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.core.errors import DomainError
from marketplace.core.models import Row


class User(AbstractUser):
    """A user of this instance."""


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    MEMBER = "member", "Member"


class Team(Row):
    name = models.CharField(max_length=80, unique=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="member_once")]


class Invitation(Row):
    """An owner's wish to have someone in a team, who may accept or decline it.

    `name` is what the owner typed. `user` is null if no one has that name or has declined, which
    the owner cannot tell apart.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    name = models.CharField(max_length=150)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="invitations"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="invited_once"),
            models.UniqueConstraint("team", Lower("name"), name="invited_by_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} to {self.team}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


def all_scopes() -> list[str]:
    """Return the default scopes of a token. Migrations refer to this function."""
    return list(ALL_SCOPES)


class ApiToken(Row):
    """A token for the REST API. Only its hash is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, help_text="the first characters, to recognise it by")
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=all_scopes)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def scope_names(self) -> list[str]:
        """The scopes in their usual order."""
        return [scope for scope in ALL_SCOPES if scope in self.scopes]


class Visibility(models.TextChoices):
    """Visibility of a row to users other than its owner."""

    PRIVATE = "private", "Only me"
    TEAM = "team", "My team"
    PUBLIC = "public", "Everybody here"


class Owned(Row):
    """Base class: a row with an owner, who may share it with a team or everybody."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="%(class)ss"
    )
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(visibility="team") | models.Q(team__isnull=False),
                name="%(class)s_team_is_named",
            )
        ]

    @staticmethod
    def check_sharing(owner: User, visibility: str, team: Team | None) -> dict[str, Any]:
        """Return `visibility` and `team` as fields of a row of this owner.

        Raise DomainError with an error for each invalid field if the owner may not share so.
        """
        wrong = {}
        if visibility not in Visibility.values:
            wrong["visibility"] = f"Choose one of {', '.join(Visibility.values)}."
        elif visibility == Visibility.TEAM and team is None:
            wrong["team"] = "Choose the team that may see it."
        if team is not None and not team.members.filter(pk=owner.pk).exists():
            wrong["team"] = "You are not in that team."
        if wrong:
            raise DomainError(" ".join(wrong.values()), fields=wrong)
        return {"visibility": visibility, "team": team if visibility == Visibility.TEAM else None}

    @staticmethod
    def sharing_kept(owner: User, visibility: str, team: Team | None) -> dict[str, Any]:
        """Return the sharing of an existing row, or private if the owner has left the team."""
        try:
            return Owned.check_sharing(
                owner, visibility, team if visibility == Visibility.TEAM else None
            )
        except DomainError:
            return {"visibility": Visibility.PRIVATE, "team": None}
