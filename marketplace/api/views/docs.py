"""API documentation without assets from other servers."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI with its script at a URL, as the strict content security policy requires."""

    template_name = "api/docs.html"
    url_name = "schema"
