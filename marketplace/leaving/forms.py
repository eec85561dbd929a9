from typing import Any

from django import forms

from marketplace.accounts.models import User
from marketplace.core.rate_limits import Policy, take

ATTEMPTS = Policy("closing", quota=5, window_s=300)


class CloseForm(forms.Form):
    """The user name and the password, so that no one closes an account by a slip or for another."""

    username = forms.CharField(
        max_length=150,
        label="Your user name",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if name != self._user.get_username():
            raise forms.ValidationError("This is not your user name.")
        return name

    def clean(self) -> None:
        """Check the password, at most a few times."""
        if self.errors:
            return
        if not take(ATTEMPTS, f"person-{self._user.pk}").allowed:
            self.add_error(None, "Too many attempts; try again in five minutes.")
        elif not self._user.check_password(self.cleaned_data["password"]):
            self.add_error("password", "This is not your password.")
