"""Forms for existing models: to fix a rejected model, and to change a description."""

from typing import Any

from django.http import QueryDict

from contract.declared import DECLARED
from marketplace.accounts.models import User
from marketplace.checkpoints.changing import locked_fields
from marketplace.checkpoints.forms import AboutForm, ReadForm
from marketplace.checkpoints.models import Checkpoint

_SAID = ("name", *DECLARED)
_ABOUT = (
    "description",
    "dataset",
    "licence",
    "visibility",
    "team",
    "consent_recovery",
    "consent_preview",
)


class FixForm(ReadForm):
    """Form for the fields by which a worker reads a file. Missing fields keep their values."""

    def __init__(
        self, data: QueryDict | None = None, *, checkpoint: Checkpoint, **kwargs: Any
    ) -> None:
        self.checkpoint = checkpoint
        self.locked = locked_fields(checkpoint)
        now = _now(checkpoint)
        initial = {**now, **self._wanted(), **kwargs.pop("initial", {})}
        filled = None if data is None else self._filled(data, now)
        super().__init__(filled, initial=initial, **kwargs)
        for name in self.locked.fields:
            self.fields[name].disabled = True

    def _wanted(self) -> dict[str, Any]:
        """Return a change that is being checked, or that was refused and can be corrected."""
        known = self.locked.fields if self.checkpoint.is_final else frozenset()
        return {
            name: _as_shown(name, value)
            for name, value in self.checkpoint.pending.items()
            if name in _SAID and name not in known
        }

    def _filled(self, data: QueryDict, now: dict[str, Any]) -> QueryDict:
        filled = data.copy()
        for name in _SAID:
            if name not in filled:
                filled[name] = self.base_fields[name].prepare_value(now[name])
        return filled

    def changes(self) -> dict[str, Any]:
        """Return what differs from the row, and what was changed before and refused."""
        return {
            name: self.cleaned_data[name]
            for name in _SAID
            if (name in self.changed_data or name in self.checkpoint.pending)
            and name not in self.locked.fields
        }


class EditForm(FixForm, AboutForm):
    def __init__(
        self, data: QueryDict | None = None, *, checkpoint: Checkpoint, user: User
    ) -> None:
        about = {name: getattr(checkpoint, name) for name in _ABOUT}
        super().__init__(data, checkpoint=checkpoint, initial=about, user=user)

    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in _ABOUT} | self.changes()


def _now(checkpoint: Checkpoint) -> dict[str, Any]:
    return {name: _as_shown(name, getattr(checkpoint, name)) for name in _SAID}


def _as_shown(name: str, value: Any) -> Any:
    """Return the value as a select compares it. Unknown values are empty."""
    if name in {"channels", "image_size"} and not value:
        return None
    return str(value) if name == "channels" else value
