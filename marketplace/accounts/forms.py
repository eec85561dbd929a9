from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from marketplace.accounts.models import Role
from marketplace.accounts.scopes import Scope

_LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("never", "until revoked")]


class ProfileForm(forms.Form):
    first_name = forms.CharField(required=False, max_length=150, label="First name")
    last_name = forms.CharField(required=False, max_length=150, label="Last name")
    email = forms.EmailField(
        required=False,
        label="E-mail",
        help_text="Only your operator sees it; nothing is sent without a mail server.",
    )


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=80, label="Name", help_text="Where it is used, so that you recognise it later."
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )
    days = forms.ChoiceField(choices=_LIFETIMES, initial="90", label="How long it works")

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return None if days == "never" else timezone.now() + timedelta(days=int(days))


class TeamForm(forms.Form):
    name = forms.CharField(max_length=80, label="Name of the team")


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class MemberForm(RoleForm):
    username = forms.CharField(max_length=150, label="User name")
    role = forms.ChoiceField(choices=Role.choices, required=False)

    def clean_role(self) -> str:
        return self.cleaned_data["role"] or Role.MEMBER
