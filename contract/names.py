"""One check of the letters in a name that other people see.

Names are shown beside each other and decide whom one trusts, so they hold no invisible characters,
none that turn the direction of text, and no word that mixes alphabets whose letters look alike.
"""

import re
import unicodedata

RESERVED = frozenset(
    {
        *("admin", "administrator", "anonymous", "api", "everyone", "freehold", "me", "moderator"),
        *("official", "operator", "public", "root", "security", "staff", "support", "system"),
    }
)
"""Names that an account or a team would use only to be taken for the instance itself."""
_LOOKALIKES = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# They join letters of Persian and Indic words, and people in an emoji.
_JOINERS = "\u200c\u200d"
_WORD = re.compile(r"[^\W\d_]+")


def cleaned_name(name: str) -> str:
    """Return the name in Unicode's composed form (NFC), with single spaces between its words."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def name_problem(name: str) -> str:
    """Return what is wrong with the letters of a cleaned name, as a sentence, or an empty text."""
    for index, letter in enumerate(name):
        if letter in _JOINERS and 0 < index < len(name) - 1 and not name[index - 1].isascii():
            continue
        if unicodedata.category(letter) in _HIDDEN:
            code = f"U+{ord(letter):04X}"
            return f"It contains the invisible character {code}; type the name again without it."
    for word in _WORD.findall(name):
        if len(alphabets := sorted(_alphabets(word))) > 1:
            found = " and ".join(alphabet.capitalize() for alphabet in alphabets)
            return f"“{word}” mixes {found} letters, which look alike; use one alphabet in a word."
    return ""


def is_reserved(name: str) -> bool:
    """Return whether people would take the owner of the name for the instance or its operator."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "", folded) in RESERVED


def _alphabets(word: str) -> set[str]:
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in word)
    return _LOOKALIKES & set(names)
