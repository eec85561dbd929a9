"""The page of the documentation."""

from django.test import Client

API = "/api/v1"


def test_the_documentation_needs_nothing_from_elsewhere_and_no_inline_script(
    client: Client,
) -> None:
    page = client.get(f"{API}/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "http://" not in html and "https://" not in html
    assert "<style" not in html and "<script>" not in html
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    script = client.get(f"{API}/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
