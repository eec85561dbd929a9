"""From a refusal of a service to errors beside the fields of a form."""

from django import forms

from marketplace.core.errors import DomainError


def show_refusal(form: forms.BaseForm, error: DomainError) -> None:
    """Put the sentences of a DomainError where the person can mend them."""
    placed = False
    for name, sentence in error.fields.items():
        if name in form.fields:
            form.add_error(name, sentence)
            placed = True
    if not placed:
        sentences = " ".join(error.fields.values()) or str(error)
        form.add_error(None, sentences)
