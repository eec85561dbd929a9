"""Recognition of the licence that a file names."""

import re

from marketplace.checkpoints.models import Licence

_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
# Other usual spellings of the SPDX identifiers.
_ALSO: dict[str, Licence] = {
    "apache2": Licence.APACHE,
    "apache-2": Licence.APACHE,
    "apache2-0": Licence.APACHE,
    "apache-license-2-0": Licence.APACHE,
    "apache-license-version-2-0": Licence.APACHE,
    "mit-license": Licence.MIT,
    "bsd-3": Licence.BSD,
    "bsd-3-clause-license": Licence.BSD,
    "cc0": Licence.CC0,
    "cc0-1-0-universal": Licence.CC0,
    "": Licence.UNSTATED,
    "unknown": Licence.UNSTATED,
    "none": Licence.UNSTATED,
}


def licence_named(text: str) -> Licence:
    """Return the licence of an SPDX identifier in any case, or of a usual name, else OTHER."""
    key = _key(text)
    known = {_key(value): Licence(value) for value in Licence.values}
    return known.get(key) or _ALSO.get(key) or Licence.OTHER


def _key(text: str) -> str:
    return _NOT_LETTERS.sub("-", text.lower()).strip("-")
