"""What an audience is made with, and what its name had better not say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from syncd.model.members import Fact

AudienceValue = str | int | bool | tuple[str, ...]
AudienceOptions = Mapping[str, AudienceValue]
NO_OPTIONS: AudienceOptions = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AudienceOption:
    """A key that an audience of this platform may be made with: `audience: {name: N, KEY: ...}`.

    Attributes:
        kind: `text`, `number`, `flag` (true or false) or `words` (a list of them).
        least: Of a number.
        most: Of a number; of a text or of one word, how many characters. 0 for no limit.
        words: The values that a text, or each of several words, may have; none for any.
        fact: What rows of such an audience carry, and of no other: it is a `flag`.
    """

    name: str
    help: str
    kind: Literal["text", "number", "flag", "words"] = "text"
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()
    fact: Fact | None = None

    def fault(self, value: AudienceValue) -> str:
        """What a value should be and is not, as a text that follows its key; "" if it fits."""
        match self.kind, value:
            case "flag", bool():
                fault = ""
            case "number", int() if not isinstance(value, bool):
                fits = self.least <= value and (not self.most or value <= self.most)
                fault = "" if fits else f"must be {self._wanted()}, not {value}"
            case "words", tuple():
                fault = next(filter(None, map(self._wrong, value)), "")
            case "text", str():
                fault = self._wrong(value)
            case _:
                fault = f"must be {self._wanted()}"
        return fault

    def _wanted(self) -> str:
        to = f"to {self.most}" if self.most else "or more"
        kinds = {
            "flag": "true or false",
            "number": f"a number, {self.least} {to}",
            "words": "a list of words",
            "text": "text",
        }
        return kinds[self.kind]

    def _wrong(self, text: str) -> str:
        if self.words and text not in self.words:
            return f"{text} is none of {', '.join(self.words)}"
        if self.most and len(text) > self.most:
            return f"must have at most {self.most} characters, not {len(text)}"
        return ""


@dataclass(frozen=True, slots=True)
class Wording:
    """Words for which a platform flags an audience that has them in its name or description.

    Attributes:
        about: What those words are about, for people: "health or finances".
        words: In lower case, without accents; one that ends in * stands for all that begin so.
    """

    about: str = ""
    words: frozenset[str] = field(default=frozenset(), repr=False)

    def found(self, *texts: str) -> tuple[str, ...]:
        """The words of the texts that are such words, in their order."""
        if not self.words:
            return ()
        stems = "|".join(re.escape(one).replace(r"\*", r"\w*") for one in sorted(self.words))
        pattern = re.compile(rf"(?<!\w)(?:{stems})(?!\w)")
        plain = " / ".join(map(_plain, texts))
        return tuple(dict.fromkeys(match.group() for match in pattern.finditer(plain)))


def _plain(text: str) -> str:
    """In lower case, without accents, parted by blanks."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(one for one in parts if not unicodedata.combining(one))
    return " ".join(re.split(r"[\s_.-]+", kept))


NO_WORDING = Wording()


def worded(wording: Wording, name: str, options: AudienceOptions) -> tuple[str, ...]:
    """The words that a platform would flag an audience for that is made so."""
    texts: Iterable[str] = (name, str(options.get("description", "")))
    return wording.found(*texts)


def chosen_facts(
    options: Iterable[AudienceOption], given: AudienceOptions
) -> Mapping[Fact, AudienceOption]:
    """Facts that an audience is made for, each with the option that says so."""
    return {one.fact: one for one in options if one.fact is not None and given.get(one.name)}


def facts_apart(options: Iterable[AudienceOption]) -> Mapping[Fact, AudienceOption]:
    """Facts for which an audience must be made, each with the option that does it."""
    return {one.fact: one for one in options if one.fact is not None}
