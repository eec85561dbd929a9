"""The documentation pages, without anything from other servers."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI; its own script comes from an address, so the strict policy holds."""

    template_name = "api/docs.html"
    url_name = "schema"
