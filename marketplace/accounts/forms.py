"""Shape of what comes in about people, teams and tokens."""

from django import forms


class ProfileForm(forms.Form):
    """What a person says about themselves."""

    first_name = forms.CharField(required=False, max_length=150, label="First name")
    last_name = forms.CharField(required=False, max_length=150, label="Last name")
    email = forms.EmailField(
        required=False,
        label="E-mail",
        help_text="Only your operator sees it; nothing is sent without a mail server.",
    )


class TokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(
        max_length=80, label="Name", help_text="Where it is used, so that you recognise it later."
    )


class TeamForm(forms.Form):
    """A new team."""

    name = forms.CharField(max_length=80, label="Name of the team")


class MemberForm(forms.Form):
    """Somebody to add to a team."""

    username = forms.CharField(max_length=150, label="User name")
