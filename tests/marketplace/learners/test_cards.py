"""Model cards come from people's names among other things; nothing in them may run."""

import pytest

from marketplace.learners.cards import card_html

CARD = """---
library_name: freehold
---

# FREE on birds

| Setting | Value |
| --- | --- |
| head | prototypes |

## Made from

| Teacher |
| --- |
| wren |

## Limits

Data-free does not mean private.
"""


def test_a_card_becomes_headings_and_tables_without_its_front_matter():
    html = card_html(CARD)
    assert "library_name" not in html
    assert "<h2>FREE on birds</h2>" in html
    assert "<td>prototypes</td>" in html


def test_the_lineage_is_left_to_the_pages_own_table():
    html = card_html(CARD)
    assert "wren" not in html
    assert "<h3>Limits</h3>" in html


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
def test_nothing_in_a_card_can_run_or_load_anything(hostile):
    html = card_html(hostile)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.org" onclick' not in html
