"""Looks for planted values in whatever a program left behind, in every form they may take."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def forms(value: str) -> Mapping[str, bytes]:
    """A value and its digests, as text and as bytes, by what each is called.

    Values are looked for as written, lower-cased, without spaces, and both; each of these
    also as its SHA-256 in hex, in capitals, in bytes, and in both alphabets of base64.
    """
    found: dict[str, bytes] = {}
    for name, text in _spellings(value).items():
        digest = hashlib.sha256(text.encode()).digest()
        found[name] = text.encode()
        found[f"base64 of {name}"] = base64.b64encode(text.encode()).rstrip(b"=")
        found[f"hex digest of {name}"] = digest.hex().encode()
        found[f"upper hex digest of {name}"] = digest.hex().upper().encode()
        found[f"bytes of the digest of {name}"] = digest
        found[f"base64 digest of {name}"] = base64.b64encode(digest).rstrip(b"=")
        found[f"url-safe base64 digest of {name}"] = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return found


def _spellings(value: str) -> Mapping[str, str]:
    packed = value.replace(" ", "")
    return {
        "the value": value,
        "the lower-cased value": value.lower(),
        "the value without spaces": packed,
        "the lower-cased value without spaces": packed.lower(),
        "the value without its plus": packed.removeprefix("+"),
    }


def leaks(canaries: Iterable[str], places: Mapping[str, bytes]) -> list[str]:
    """Say which canary was found where and in which form, one sentence each.

    Of places with the same content only the first is named.
    """
    needles: dict[bytes, str] = {}
    for canary in canaries:
        for name, needle in forms(canary).items():
            needles.setdefault(needle, f"{canary[:3]}... ({name})")
    # Thousands of needles: only those whose beginning is there are looked for whole.
    width = min(map(len, needles))
    begun: dict[bytes, list[bytes]] = {}
    for needle in needles:
        begun.setdefault(needle[:width], []).append(needle)
    first = {content: place for place, content in reversed(list(places.items()))}
    return sorted(
        f"{needles[needle]} stands in {place}"
        for content, place in first.items()
        for beginning in _windows(content, width) & begun.keys()
        for needle in begun[beginning]
        if needle in content
    )


def _windows(content: bytes, width: int) -> set[bytes]:
    return {content[start : start + width] for start in range(len(content) - width + 1)}


def files_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a directory, by its path there."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
