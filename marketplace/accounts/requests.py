"""What a view knows about its request once sign-in is required."""

from django.http import HttpRequest

from marketplace.accounts.models import User


class PersonRequest(HttpRequest):
    """A request of a signed-in person; `login_required` stands before every view that takes one."""

    user: User
