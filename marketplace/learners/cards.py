import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS = {
    "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote",
    "table", "thead", "tbody", "tr", "th", "td", "a", "hr", "br",
}  # fmt: skip
_LINKS = {"http", "https", "mailto"}


def card_html(card: str) -> SafeString:
    """Render the card's Markdown without its front matter. The HTML cannot run or load anything."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    html = markdown.render(_without_front_matter(card))
    clean = nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_LINKS)
    # The page has its own h1, so the card's headings move down one level.
    for level in (3, 2, 1):
        clean = clean.replace(f"<h{level}>", f"<h{level + 1}>")
        clean = clean.replace(f"</h{level}>", f"</h{level + 1}>")
    return mark_safe(clean)


def _without_front_matter(card: str) -> str:
    if not card.startswith("---\n"):
        return card
    _, _, rest = card[4:].partition("\n---")
    return rest.lstrip("-\n")
