"""What a README.md says: the licence in its front matter and the first paragraph of prose."""

import time

import pytest

from metalearn.checkpoint.readme import MAX_DESCRIPTION, Readme, read_readme


def front(*lines: str) -> str:
    return "\n".join(["---", *lines, "---", ""])


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (["license: apache-2.0"], "apache-2.0"),
        (["tags:", "- birds", "license: 'MIT'  # of the weights"], "mit"),
        (["license: cc-by-4.0 # see below"], "cc-by-4.0"),
        (['licence: "cc0-1.0"'], "cc0-1.0"),
        (["license:", "- mit", "- apache-2.0"], "mit and apache-2.0"),
        (["license: [mit]"], "mit"),
        (["license: ['mit', apache-2.0]"], "mit and apache-2.0"),
        (["license: other", "license_name: Gemma", "license_link: LICENSE"], "gemma"),
        (["license: other"], "other"),
        (["license: unknown"], None),
        (["license:"], None),
        (["model:", "  license: mit"], None),
        (["datasets:", "- imagenet-1k", "language: en"], None),
        (["license: " + "x" * 61], None),
        (["license: a\x07b"], None),
    ],
)
def test_the_licence_is_read_from_the_flat_keys_of_the_front_matter(
    lines: list[str], licence: str | None
) -> None:
    assert read_readme(front(*lines)).licence == licence


@pytest.mark.parametrize(
    "text", ["license: mit\n", "# Birds\n---\nlicense: mit\n---\n", "---\nlicense: mit\n"]
)
def test_only_whole_front_matter_at_the_beginning_counts(text: str) -> None:
    assert read_readme(text).licence is None


def test_yaml_that_refers_to_itself_is_a_text_like_any_other() -> None:
    bomb = front("a: &a [x, x]", "b: &b [*a, *a]", "license: *b", "x: !!python/object:os.system []")
    assert read_readme(bomb).licence == "*b"


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("# Birds\n\nTells birds apart.\nSo it does.\n\nMore.", "Tells birds apart. So it does."),
        ("Birds\n=====\n\nTells birds apart.", "Tells birds apart."),
        (
            "# Birds\n[![ci](https://x.org/b.svg)](https://x.org)\n\n<!-- A\nsummary -->\n\nYes.",
            "Yes.",
        ),
        (
            "**Birds** of [Kew](https://kew.org), by `resnet18`, <b>fast</b> and _good_.",
            "Birds of Kew, by resnet18, fast and good.",
        ),
        ("# A\n\n- a list\n- of things\n\n> a quote\n\n| a | b |\n|---|---|\n\nProse.", "Prose."),
        ("```python\nimport this\n\nnot prose\n```\nProse.", "Prose."),
        ("    code\n\nsnake_case_name stays 2 * 3.", "snake_case_name stays 2 * 3."),
        ("# Model Card\n\n[More Information Needed]\n\n## Uses\n\nFor birds.", "For birds."),
        ("# Birds\n", None),
        ("", None),
    ],
)
def test_the_description_is_the_first_paragraph_of_prose_as_plain_text(
    body: str, description: str | None
) -> None:
    assert read_readme(body) == Readme(None, description)
    assert read_readme(front("license: mit") + body) == Readme("mit", description)


def test_brackets_without_end_are_no_crash() -> None:
    assert read_readme(front("license: " + "[" * 50_000 + "]" * 50_000)).licence is None


def test_lines_of_windows_and_a_byte_order_mark_change_nothing() -> None:
    text = "\ufeff" + (front("license: mit") + "# Birds\n\nTells birds apart.").replace(
        "\n", "\r\n"
    )
    assert read_readme(text) == Readme("mit", "Tells birds apart.")


def test_a_long_paragraph_ends_at_a_word() -> None:
    description = read_readme("birds " * 1_000).description
    assert description is not None and len(description) <= MAX_DESCRIPTION
    assert description.endswith("birds…")


@pytest.mark.parametrize(
    "part", ["[", "![", "<", "<!--", "](", "*a", "_", "---\n", "- ", "a: [", "[a]("]
)
def test_no_text_takes_long(part: str) -> None:
    begun = time.monotonic()
    read_readme(part * 1_000_000)
    read_readme(front("license: mit") + part * 1_000_000)
    assert time.monotonic() - begun < 3
