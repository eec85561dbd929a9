"""Content negotiation."""

from collections.abc import Sequence

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AvailableFormatNegotiation(DefaultContentNegotiation):
    """Falls back to the first renderer, so that a browser gets JSON rather than a 406."""

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],  # type: ignore[override]
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        for wanted in self.get_accept_list(request):
            media_type = wanted.split(";")[0].strip()
            for renderer in renderers:
                if renderer.media_type == media_type:
                    return renderer, media_type
        return renderers[0], renderers[0].media_type
