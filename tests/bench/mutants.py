"""Faults to plant in a module: its syntax tree, changed in one place at a time.

Left alone is what says nothing of behaviour: annotations, type variables and aliases,
decorators, docstrings, imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

_UNSAID = {"annotation", "returns", "decorator_list", "bases", "type_params", "format_spec"}
_TYPES = {"TypeVar", "ParamSpec"}
_SWAPPED_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node hangs in a tree, and so where another may be put."""

    parent: ast.AST = field(repr=False)
    name: str
    index: int | None

    def put(self, node: ast.AST) -> None:
        """Exchange what hangs there; the tree is not for anything else afterwards."""
        if self.index is None:
            setattr(self.parent, self.name, node)
        else:
            getattr(self.parent, self.name)[self.index] = node


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one place."""

    line: int
    was: str
    now: str
    place: Place = field(repr=False)
    node: ast.AST = field(repr=False)

    def plant(self) -> None:
        """Make the change in the tree that this mutant was found in."""
        self.place.put(self.node)


def mutants(tree: ast.Module) -> list[Mutant]:
    """Every change of every place, in the order of the source."""
    found = []
    for place, node in _places(tree):
        where = node.target if isinstance(node, ast.comprehension) else node
        for new in _changed(node):
            assert isinstance(where, ast.expr | ast.stmt)  # nothing else is changed
            ast.fix_missing_locations(ast.copy_location(new, where))
            found.append(Mutant(where.lineno, _said(node), _said(new), place, new))
    return sorted(found, key=lambda one: one.line)


def _places(parent: ast.AST) -> Iterator[tuple[Place, ast.AST]]:
    for name, value in ast.iter_fields(parent):
        if name in _UNSAID:
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(node, ast.AST) and not _silent(node):
                yield Place(parent, name, index if isinstance(value, list) else None), node
                yield from _places(node)


def _silent(node: ast.AST) -> bool:
    """A docstring, an import, a type's alias or variable."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(value=ast.Subscript(value=ast.Name(id="tuple" | "Literal"))):
            return True
        case ast.Assign(value=ast.Call(func=ast.Name(id=name))):
            return name in _TYPES
        case _:
            return False


def _changed(node: ast.AST) -> Iterator[ast.AST]:
    for of_kind in (_operator, _constant, _statement, _condition, _fewer):
        yield from of_kind(node)


def _operator(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            for place, op in enumerate(ops):
                for other in _COMPARED[type(op)]:
                    yield ast.Compare(left, [*ops[:place], other(), *ops[place + 1 :]], others)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _RECKONED:
            yield ast.BinOp(left, _RECKONED[type(op)](), right)
            yield left
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if name in _SWAPPED_CALLS:
                yield ast.Call(ast.Name(_SWAPPED_CALLS[name], ast.Load()), args, keywords)
        case _:
            pass


def _constant(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool() as truth):
            yield ast.Constant(not truth)
        case ast.Constant(value=int() | float() as number):
            yield ast.Constant(number + 1)
        case ast.Constant(value=str() as text):
            yield ast.Constant(f"XX{text}")
        case ast.FormattedValue(value=value, conversion=conversion, format_spec=ast.JoinedStr()):
            yield ast.FormattedValue(value, conversion)
        case _:
            pass


def _statement(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=value) if not isinstance(value, ast.Constant | None):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Yield()):
            yield ast.Expr(ast.Yield(ast.Constant(None)))
        case ast.Expr() | ast.Raise():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Pass()
            if type(op) in _RECKONED:
                yield ast.AugAssign(target, _RECKONED[type(op)](), value)
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case _:
            pass


def _condition(node: ast.AST) -> Iterator[ast.AST]:
    """Conditions that no operator states are turned round."""
    plain = ast.Name | ast.Attribute | ast.Call | ast.NamedExpr
    match node:
        case ast.If(test=test, body=body, orelse=orelse) if isinstance(test, plain):
            yield ast.If(_not(test), body, orelse)
        case ast.While(test=test, body=body, orelse=orelse) if isinstance(test, plain):
            yield ast.While(_not(test), body, orelse)
        case ast.IfExp(test=test, body=body, orelse=orelse) if isinstance(test, plain):
            yield ast.IfExp(_not(test), body, orelse)
        case _:
            pass


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _fewer(node: ast.AST) -> Iterator[ast.AST]:
    """One part of several left out."""
    match node:
        case ast.BoolOp(op=op, values=values):
            for rest in _rests(values):
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from (ast.Call(func, rest, keywords) for rest in _rests(args))
            yield from (ast.Call(func, args, named) for named in _rests(keywords))
        case ast.Set(elts=elts) if len(elts) > 1:
            yield from (ast.Set(rest) for rest in _rests(elts))
        case ast.List(elts=elts, ctx=ast.Load()):
            yield from (ast.List(rest, ast.Load()) for rest in _rests(elts))
        case ast.Tuple(elts=elts, ctx=ast.Load()):
            yield from (ast.Tuple(rest, ast.Load()) for rest in _rests(elts))
        case ast.Dict(keys=keys, values=values):
            pairs = zip(_rests(keys), _rests(values), strict=True)
            yield from (ast.Dict(some, theirs) for some, theirs in pairs)
        case ast.comprehension(target=target, iter=source, ifs=ifs, is_async=is_async):
            yield from (ast.comprehension(target, source, rest, is_async) for rest in _rests(ifs))
        case _:
            pass


def _rests(of: list[T]) -> list[list[T]]:
    return [[*of[:place], *of[place + 1 :]] for place in range(len(of))]


def _said(node: ast.AST) -> str:
    line = ast.unparse(node).partition("\n")[0]
    return line if len(line) <= 100 else f"{line[:97]}..."
