"""Shape of what comes in about pools."""

from typing import Any

from django import forms

from marketplace.checkpoints.forms import CheckpointFilterForm, SharingForm


class PoolForm(SharingForm):
    """A pool's name, its models and who may see it."""

    name = forms.CharField(max_length=120, label="Name of the pool")
    checkpoints = forms.MultipleChoiceField(required=False)

    field_order = ["name", "visibility", "team"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The service checks the ids; here any will do.
        self.fields["checkpoints"] = AnyValuesField(required=False)


class MembersForm(forms.Form):
    """The models of a pool that exists."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checkpoints"] = AnyValuesField(required=False)


class AnyValuesField(forms.MultipleChoiceField):
    """A list of values that are checked elsewhere."""

    def valid_value(self, value: str) -> bool:
        """Any."""
        return True


class CandidateFilterForm(CheckpointFilterForm):
    """The catalogue's filters, for choosing the models of a pool."""

    def filters(self) -> dict[str, Any]:
        """Only what may enter a pool."""
        return {**super().filters(), "consent": super().filters().get("consent") or "recovery"}
