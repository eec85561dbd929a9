"""A client that knows its token."""

from rest_framework.test import APIClient

from marketplace.accounts.models import ApiToken


class Narrow(APIClient):
    """A client that knows its token."""

    row: ApiToken
    secret: str
