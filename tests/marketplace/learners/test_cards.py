"""Model cards come from people's names among other things; nothing in them may run."""

from importlib import import_module

import pytest
from django.apps import apps

from marketplace.learners.cards import card_html
from marketplace.learners.models import MetaLearner

migration = import_module("marketplace.learners.migrations.0005_cards_without_teachers")
CARD = """---
library_name: freehold
---

# FREE on birds

| Setting | Value |
| --- | --- |
| head | prototypes |

## Limits

Data-free does not mean private.
"""


def test_a_card_becomes_headings_and_tables_without_its_front_matter() -> None:
    html = card_html(CARD)
    assert "library_name" not in html
    assert "<h2>FREE on birds</h2>" in html
    assert "<td>prototypes</td>" in html and "<h3>Limits</h3>" in html


def test_cards_of_earlier_releases_lose_their_list_of_teachers(learner: MetaLearner) -> None:
    with_list = CARD.replace("## Limits", "## Made from\n\n| wren |\n\n## Limits")
    rows = type(learner).objects
    for card, expected in ((with_list, CARD), (CARD, CARD), ("", "")):
        rows.update(card=card)
        migration.forget_teachers(apps, None)
        assert rows.get().card == expected


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/pixel.png)",
        '<img src="x" onerror="alert(1)">',
        '<a href="https://example.org" onclick="alert(1)">x</a>',
    ],
)
def test_nothing_in_a_card_can_run_or_load_anything(hostile: str) -> None:
    html = card_html(hostile)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.org" onclick' not in html
