"""The page as one file: its scripts in one, its policy, its frame."""

import base64
import hashlib
import re

from django.conf import settings
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.adaptation.offline import offline_parts
from marketplace.learners.models import MetaLearner

STATIC = settings.BASE_DIR / "static"


def test_the_policy_knows_script_and_styles_and_nobody_else() -> None:
    parts = offline_parts(STATIC)
    for name in ("script", "styles"):
        digest = base64.b64encode(hashlib.sha256(parts[name].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in parts["policy"]
    assert "default-src 'none'" in parts["policy"]
    for word in ("http", "unsafe-inline", "unsafe-eval", "connect-src"):
        assert word not in parts["policy"].replace("wasm-unsafe-eval", "")
    assert "url(" not in parts["styles"]


def test_the_frame_names_no_address_and_nobody(
    client: Client, alice: User, learner: MetaLearner
) -> None:
    client.force_login(alice)
    answer = client.get(reverse("learner_offline_frame", args=[learner.pk]))
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/plain")
    assert text.count("[[material]]") == 2
    assert text.index("[[material]]") < text.index('<script type="module">')
    elements = text[: text.index('<script type="text/plain"')]
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', elements)
    assert "alice" not in text
    assert "csrf" not in elements
    assert str(learner.pk) not in text


def test_a_stranger_gets_no_frame(client: Client, charlie: User, learner: MetaLearner) -> None:
    client.force_login(charlie)
    assert client.get(reverse("learner_offline_frame", args=[learner.pk])).status_code == 404
