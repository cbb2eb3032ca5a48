"""A YAML file as plain values, with the line of every key.

Scalars are read as YAML 1.2 reads them: `NO` is a country and not false, `0123` an
account number and not octal, `12:30` a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from syncd.errors import ConfigError

# Where a value stands: ("syncs", "whales-meta", "guard"); list items by number.
Keys = tuple[str, ...]

MAX_NODES = 20_000  # aliases of aliases can make a small file stand for millions of values

INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a configuration.

    Attributes:
        line: In its file, from 1; 0 where none is known.
        text: Begins with the key's path; never repeats a value that may be secret.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, before anybody asks whether it makes sense.

    Attributes:
        data: Mappings with text keys, lists, and scalars.
        lines: Line of every key and list item, from 1.
        problems: Keys that stand twice, and values of a kind that is not read.
    """

    data: object = field(repr=False)
    lines: Mapping[Keys, int] = field(repr=False)
    problems: tuple[Problem, ...]


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's few kinds of scalar."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  # PyYAML's own way: a table on the class


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))


class _Reader:
    """Walks the nodes of one document and notes lines and problems on its way."""

    def __init__(self) -> None:
        self.lines: dict[Keys, int] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._nodes = 0

    def value(self, node: yaml.Node, keys: Keys) -> object:
        self._nodes += 1
        if id(node) in self._open or self._nodes > MAX_NODES:
            return self._refuse(node, keys, "aliases make this too large or endless: write it out")
        self._open.add(id(node))
        try:
            match node:
                case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                    return self._mapping(node, keys)
                case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                    return self._sequence(node, keys)
                case yaml.ScalarNode():
                    return self._scalar(node, keys)
                case _:
                    return self._refuse(node, keys, "YAML tags are not read")
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, keys, "a key must be plain text")
                continue
            here = (*keys, key.value)
            line = key.start_mark.line + 1
            if key.value in found:
                first = self.lines[here]
                self.problems.append(
                    Problem(line, f"{dotted(here)}: stands twice, first in line {first}")
                )
                continue
            self.lines[here] = line
            found[key.value] = self.value(value, here)
        return found

    def _sequence(self, node: yaml.SequenceNode, keys: Keys) -> list[object]:
        found = []
        for number, item in enumerate(node.value):
            here = (*keys, str(number))
            self.lines[here] = item.start_mark.line + 1
            found.append(self.value(item, here))
        return found

    def _scalar(self, node: yaml.ScalarNode, keys: Keys) -> object:
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return node.value
            case "null":
                return None
            case "bool":
                return node.value == "true"
            case "int" if INTEGER.match(node.value):
                return int(node.value)
            case "float" if FLOAT.match(node.value):
                return float(node.value)
            case _:
                return self._refuse(node, keys, "YAML tags are not read")

    def _refuse(self, node: yaml.Node, keys: Keys, why: str) -> object:
        self.problems.append(Problem(node.start_mark.line + 1, f"{dotted(keys)}: {why}"))
        return None


def dotted(keys: Keys) -> str:
    """Write a path the way messages show it."""
    return ".".join(keys) or "the file"


def read(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        syncd.errors.ConfigError: It cannot be read, or is not one YAML document.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ConfigError(
            f"there is no configuration at {path}: `syncd init` writes one, "
            "`--config PATH` or $SYNCD_CONFIG names another"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8 text", where=str(path)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"is not YAML: {error.problem or error.context}", where=where) from None
    except yaml.YAMLError:
        raise ConfigError("holds characters that YAML does not allow", where=str(path)) from None
    if node is None:
        raise ConfigError("is empty: `syncd init` writes one to start from", where=str(path))
    reader = _Reader()
    data = reader.value(node, ())
    return Document(data, reader.lines, tuple(reader.problems))
