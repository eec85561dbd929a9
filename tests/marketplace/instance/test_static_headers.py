"""The worker that sees pictures has a policy of its own."""

from marketplace.instance.static_headers import add_headers


def headers_of(url: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    add_headers(headers, "/srv/anything", url)
    return headers


def test_the_worker_that_sees_pictures_may_ask_nobody() -> None:
    for url in ("/static/js/device/worker.js", "/static/js/device/worker.0a1b2c3d4e5f.js"):
        policy = headers_of(url)["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "connect-src" not in policy
        assert "'unsafe-eval'" not in policy.split()


def test_other_files_have_no_policy() -> None:
    assert headers_of("/static/js/adaptation/page.js") == {}
