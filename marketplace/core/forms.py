"""Widgets and errors shared by the forms of several apps."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from marketplace.core.errors import DomainError


class PlainSelect(forms.Select):
    """A select without groups, rendered directly: Django's renders a template for every option."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (key, SafeString(" selected") if str(key) == chosen else "", title)
                for key, title in self.choices
            ),
        )
        built = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        said = ((key, text) for key, text in built.items() if text is not False)
        return format_html("<select{}>{}</select>", format_html_join("", ' {}="{}"', said), options)


class SuggestingInput(forms.TextInput):
    """A text input with suggestions, for lists too long for a select."""

    def __init__(
        self, suggestions: Callable[[], Iterable[str]], attrs: dict[str, Any] | None = None
    ) -> None:
        super().__init__(attrs)
        self._suggestions = suggestions

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        place = f"{(attrs or {}).get('id', name)}_list"
        field = super().render(name, value, {**(attrs or {}), "list": place}, renderer)
        options = format_html_join(
            "", '<option value="{}">', ((one,) for one in self._suggestions())
        )
        return format_html('{}<datalist id="{}">{}</datalist>', field, place, options)


def show_refusal(form: forms.BaseForm, error: DomainError) -> None:
    """Add the errors of a DomainError to the fields that they are about."""
    placed = False
    for name, sentence in error.fields.items():
        if name in form.fields:
            form.add_error(name, sentence)
            placed = True
    if not placed:
        sentences = " ".join(error.fields.values()) or str(error)
        form.add_error(None, sentences)
