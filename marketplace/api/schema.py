"""The OpenAPI document: tokens and errors, described alike for every operation."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework import serializers

from marketplace.api.permissions import scope_of
from marketplace.api.problems import MEDIA_TYPE

_MEANING = {
    "400": "The request is invalid; `errors` says why, field by field.",
    "401": "No token, or one that is not valid.",
    "403": "You may see it, but not do that with it, or your token lacks the scope (`scope`).",
    "404": "It does not exist, or you may not see it.",
    "409": "Not possible in the present state; `detail` says which state that is.",
    "412": "“Tus-Resumable” names an unsupported version.",
    "413": "The request is too large.",
    "415": "Unsupported media type.",
    "423": "Another connection is sending the same upload.",
    "429": "Too many calls, or too many at once; `Retry-After` says how many seconds to wait.",
    "460": "The checksum does not match the piece.",
    "503": "No worker answered in time, or too many requests are waiting; `Retry-After` then says "
    "how many seconds to wait.",
    "507": "The disk or your quota is full.",
}


class ProblemSerializer(serializers.Serializer):
    """An error as RFC 9457 defines it: what is wrong, and how to fix it."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="field name -> error messages",
    )
    scope = serializers.CharField(required=False, help_text="the scope that the token lacks")


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "marketplace.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Make a token in your settings, or ask your operator for one "
            "(`python manage.py token_create USERNAME`).",
        }


class Schema(AutoSchema):
    """Adds the problem documents that an operation can answer with."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for code in sorted(self._problem_codes() - set(bodies)):
            body = self._get_response_for_code(  # type: ignore[no-untyped-call]
                ProblemSerializer, code, media_types=[MEDIA_TYPE]
            )
            bodies[code] = {**body, "description": _MEANING[code]}
        return bodies

    def _problem_codes(self) -> set[str]:
        own = getattr(self.view, "problems", {}).get(self._action(), ())
        codes = {"401", "403", "429", *own}
        if "{" in self.path or self._is_list_view():
            codes.add("404")
        if self._is_list_view():
            codes.add("400")
        if self.method in {"POST", "PUT", "PATCH"} and self.get_request_serializer():
            codes |= {"400", "413", "415"}
        return codes

    def get_description(self) -> str:  # type: ignore[override]
        said = super().get_description()
        return f"{said}\n\nNeeds the scope `{scope_of(self.view, self.method)}`."

    def _action(self) -> str:
        return getattr(self.view, "action", "") or self.method.lower()
