from typing import Any

from django import forms

from marketplace.checkpoints.forms import CheckpointFilterForm, SharingForm


class PoolForm(SharingForm):
    name = forms.CharField(max_length=120, label="Name of the pool")
    checkpoints = forms.MultipleChoiceField(required=False)

    field_order = ["name", "visibility", "team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Any id is valid here. The service checks them.
        self.fields["checkpoints"] = AnyValuesField(required=False)


class MembersForm(forms.Form):
    """The models of an existing pool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checkpoints"] = AnyValuesField(required=False)


class AnyValuesField(forms.MultipleChoiceField):
    """A list of values that are validated elsewhere."""

    def valid_value(self, value: str) -> bool:
        return True


class CandidateFilterForm(CheckpointFilterForm):
    """The catalogue's filters, restricted to models that may enter a pool."""

    def filters(self) -> dict[str, Any]:
        return {**super().filters(), "consent": super().filters().get("consent") or "recovery"}
