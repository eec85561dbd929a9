from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_BADGES = {
    "valid": "good",
    "succeeded": "good",
    "rejected": "bad",
    "failed": "bad",
    "running": "accent badge--live",
    "validating": "accent badge--live",
    "cancelling": "warn badge--live",
    "cancelled": "warn",
    "queued": "info",
    "uploaded": "info",
}
_NOTES = {"error": "bad", "warning": "warn", "success": "good"}
_NOTE_ICONS = {"error": "alert", "warning": "alert", "success": "check"}
_SHORT_HASH = 12


@register.simple_tag
def icon(name: str) -> SafeString:
    """Render an icon of the sprite. It is decoration, and hidden from assistive technology."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("img/icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def nav_link(context: Context, url_name: str, title: str) -> SafeString:
    """Render a link of the main navigation. The current section is marked."""
    url = reverse(url_name)
    request = context.get("request")
    here = request is not None and request.path.startswith(url)
    mark = format_html(' aria-current="{}"', "page") if here else ""
    return format_html('<a href="{}"{}>{}</a>', url, mark, title)


@register.filter
def pool_if(name: str, shown: bool) -> str:
    """Return the pool's name if it is shared with the user."""
    return name if shown else "a pool that is not shared with you"


@register.filter
def badge(state: str) -> str:
    return _BADGES.get(str(state), "")


@register.filter
def note(level: str) -> str:
    return _NOTES.get(level, "info")


@register.filter
def note_icon(level: str) -> str:
    return _NOTE_ICONS.get(level, "info")


@register.filter
def short_hash(value: str) -> str:
    return str(value)[:_SHORT_HASH]


@register.filter
def megabytes(value: int | None) -> str:
    """Format bytes: 1.2 MB."""
    size = float(value or 0)
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


@register.filter
def count_short(value: int | None) -> str:
    """Format a count: 112 k, 11.2 M."""
    number = float(value or 0)
    for unit in ("", " k", " M"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g} G"


@register.filter
def duration(seconds: float | None) -> str:
    """Format seconds: 45 s, 3 min, 2 h 10 min."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    return f"{minutes} min" if hours == 0 else f"{hours} h {minutes % 60} min"


@register.filter
def field_title(name: str) -> str:
    """Format a setting's name as a title: outer_steps becomes “Outer steps”."""
    words = str(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]
