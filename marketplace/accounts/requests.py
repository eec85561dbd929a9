from django.http import HttpRequest

from marketplace.accounts.models import User


class PersonRequest(HttpRequest):
    """A request of a signed-in user. Every view that takes one has `login_required`."""

    user: User
