"""The small changes: what people get wrong in a function, as operators on its syntax tree.

Each operator takes a node and what is around it, and yields what could stand in its place.  They
are listed in OPERATORS, with a sentence that says what they do; nothing else makes mutants.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

EMPTIED = "emptied"
"""Name of the function that mutants call to empty an argument; whoever runs them provides it."""


@dataclass(frozen=True)
class Around:
    """What an operator may know beside the node."""

    twins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> names that are told apart from it by their place alone, such as kh and kw."""
    asked: frozenset[str] = frozenset()
    """Functions whose arguments are the caller's: those that the exercise asks for."""


Replacement = ast.AST | list[ast.stmt]
Change = Callable[[ast.AST, Around], Iterator[Replacement]]


@dataclass(frozen=True)
class Operator:
    """One kind of small change."""

    name: str
    does: str
    change: Change


def twins_of(function: ast.AST) -> dict[str, tuple[str, ...]]:
    """The names in a function that are easily taken for one another: neighbours in an unpacking
    (`kh, kw = …`), variables of nested loops, and arguments that follow each other."""
    groups: list[list[str]] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store):
            groups.append([n.id for n in node.elts if isinstance(n, ast.Name)])
        if isinstance(node, ast.For):
            inner = [n for n in node.body if isinstance(n, ast.For)]
            loops = [n.target.id for n in (node, *inner) if isinstance(n.target, ast.Name)]
            groups.append(loops)
        if isinstance(node, ast.arguments):
            groups.append([a.arg for a in node.args])
    found: dict[str, list[str]] = {}
    for group in groups:
        for one, other in pairwise(n for n in group if n != "_"):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
    return {name: tuple(dict.fromkeys(others)) for name, others in found.items()}


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(changed, name, copy.deepcopy(value))
    return changed


def _exchanged(items: list[ast.expr]) -> Iterator[list[ast.expr]]:
    for place in range(len(items) - 1):
        if ast.dump(items[place]) != ast.dump(items[place + 1]):
            pair = [items[place + 1], items[place]]
            yield [*items[:place], *pair, *items[place + 2 :]]


def _neighbours(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, (ast.Tuple, ast.List)):
        for items in _exchanged(node.elts):
            yield _with(node, elts=items)


_ANY_ORDER = ("min", "max", "minimum", "maximum")


def _arguments(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if not isinstance(node, ast.Call) or any(isinstance(a, ast.Starred) for a in node.args):
        return
    if ast.unparse(node.func).rpartition(".")[2] not in _ANY_ORDER:
        for items in _exchanged(node.args):
            yield _with(node, args=items)


def _twin(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in around.twins.get(node.id, ()):
            yield _with(node, id=other)


def _constant(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(2 * value if value else 1.0)


def _plus(node: ast.expr, amount: int) -> ast.expr:
    operator = ast.Add() if amount > 0 else ast.Sub()
    return ast.BinOp(copy.deepcopy(node), operator, ast.Constant(abs(amount)))


def _off_by_one(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper"):
            bound = getattr(node, name)
            if bound is not None and not isinstance(bound, ast.Constant):
                yield _with(node, **{name: _plus(bound, 1)})
                yield _with(node, **{name: _plus(bound, -1)})
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        end = min(1, len(node.args) - 1)
        if not isinstance(node.args[end], ast.Constant):
            shorter = [*node.args]
            shorter[end] = _plus(node.args[end], -1)
            yield _with(node, args=shorter)
        if len(node.args) == 1:
            yield _with(node, args=[ast.Constant(1), node.args[0]])


_OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}


def _comparison(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _OTHER_COMPARISONS.get(type(operator), ()):
                ops = [*node.ops]
                ops[place] = other()
                yield _with(node, ops=ops)


_OTHER_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mod,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
_IN_ORDER = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)


def _arithmetic(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp):
        if other := _OTHER_ARITHMETIC.get(type(node.op)):
            yield _with(node, op=other())
        if isinstance(node.op, _IN_ORDER):
            yield _with(node, left=node.right, right=node.left)


def _operand_dropped(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp):
        yield copy.deepcopy(node.left)
        yield copy.deepcopy(node.right)


def _rounding(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        upwards = ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right)
        yield copy.deepcopy(ast.UnaryOp(ast.USub(), upwards))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = node.operand
        if (
            isinstance(inner, ast.BinOp)
            and isinstance(inner.op, ast.FloorDiv)
            and isinstance(inner.left, ast.UnaryOp)
        ):
            yield _with(inner, left=inner.left.operand)


def _sign(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield copy.deepcopy(node.operand)


def _accumulation(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.AugAssign):
        yield copy.deepcopy(ast.Assign([node.target], node.value, lineno=node.lineno))
        if other := _OTHER_ARITHMETIC.get(type(node.op)):
            yield _with(node, op=other())


_OTHER_NAMES = {
    "min": "max",
    "minimum": "maximum",
    "argmin": "argmax",
    "floor": "ceil",
    "sum": "mean",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "any": "all",
    "uint8": "int64",
    "float32": "float64",
    "vstack": "hstack",
    "cos": "sin",
    "rows": "columns",
    "append": "extend",
    "reduce_sum": "reduce_mean",
    "reduce_max": "reduce_min",
    "log": "log2",
    "permutation": "arange",
    "normal": "uniform",
    "break": "continue",
}
_OTHER = _OTHER_NAMES | {other: name for name, other in _OTHER_NAMES.items()}


def _opposite(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Attribute) and node.attr in _OTHER:
        yield _with(node, attr=_OTHER[node.attr])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OTHER:
        yield _with(node, func=ast.Name(_OTHER[node.func.id], ast.Load()))
    if isinstance(node, ast.Attribute) and node.attr == "inf":
        yield ast.Constant(0.0)


def _call_dropped(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        yield copy.deepcopy(node.func.value)
    elif node.args and not isinstance(node.args[0], ast.Starred):
        yield copy.deepcopy(node.args[0])


def _is_module(node: ast.expr) -> bool:
    """Something of a module, as np or np.lib: there is nothing without the call."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("np", "tf", "keras", "math", "random")


def _argument_dropped(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Call):
        for place in range(len(node.keywords)):
            yield _with(node, keywords=node.keywords[:place] + node.keywords[place + 1 :])
        if node.args:
            yield _with(node, args=node.args[:-1])


def _kind_of_numbers(node: ast.AST, around: Around) -> Iterator[Replacement]:
    makers = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "array", "asarray")
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in makers
        and not any(k.arg == "dtype" for k in node.keywords)
    ):
        whole = ast.keyword("dtype", ast.Name("int", ast.Load()))
        yield _with(node, keywords=[*node.keywords, whole])


def _slice_bound(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Slice):
        for name in ("lower", "upper", "step"):
            if getattr(node, name) is not None:
                yield _with(node, **{name: None})


def _one_of_a_batch(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        first = node.slice.elts[0]
        if isinstance(first, ast.Slice) and not (first.lower or first.upper or first.step):
            alone = [ast.Slice(None, ast.Constant(1), None), *node.slice.elts[1:]]
            yield _with(node, slice=_with(node.slice, elts=alone))


def _loop_once(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, (ast.For, ast.While)):
        yield _with(node, body=[*node.body, ast.Break()])


def _condition(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, (ast.If, ast.IfExp)):
        yield _with(node, test=ast.Constant(True))
        yield _with(node, test=ast.Constant(False))
    if isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for place in range(len(node.values)):
            rest = node.values[:place] + node.values[place + 1 :]
            yield _with(node, values=rest) if len(rest) > 1 else copy.deepcopy(rest[0])
    if isinstance(node, ast.comprehension) and node.ifs:
        yield _with(node, ifs=[])


def _statement_dropped(node: ast.AST, around: Around) -> Iterator[Replacement]:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and not docstring:
        yield ast.Pass()
    if isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def _argument_emptied(node: ast.AST, around: Around) -> Iterator[Replacement]:
    if isinstance(node, ast.FunctionDef) and node.name in around.asked:
        described = ast.get_docstring(node) is not None
        for argument in node.args.args:
            (emptying,) = ast.parse(f"{argument.arg} = {EMPTIED}({argument.arg})").body
            yield _with(node, body=[*node.body[:described], emptying, *node.body[described:]])


OPERATORS = (
    Operator("neighbours", "two neighbours in a tuple or list change places", _neighbours),
    Operator("arguments", "two neighbouring arguments of a call change places", _arguments),
    Operator("twin", "kw for kh, columns for rows, x for dy: the name beside it", _twin),
    Operator("constant", "a number is one more, one less, twice as large", _constant),
    Operator("off by one", "a slice or a range begins or ends one sooner or later", _off_by_one),
    Operator("comparison", "< for <=, < for >, == for !=", _comparison),
    Operator("arithmetic", "- for +, + for *, * for /; operands change places", _arithmetic),
    Operator("operand", "one side of a sum, a product, a quotient is missing", _operand_dropped),
    Operator("rounding", "ceil for floor, and floor for ceil", _rounding),
    Operator("sign", "a minus or a not is missing", _sign),
    Operator("accumulation", "= for +=, -= for +=", _accumulation),
    Operator("opposite", "max for min, mean for sum, ones for zeros, 0 for inf, …", _opposite),
    Operator("call", "clip, abs, astype, … is not called", _call_dropped),
    Operator("argument", "axis, seed, dtype or the last argument is left out", _argument_dropped),
    Operator("kind of numbers", "a new array holds integers", _kind_of_numbers),
    Operator("slice", "a slice loses its begin, its end or its step", _slice_bound),
    Operator("batch", "only the first image of a batch is looked at", _one_of_a_batch),
    Operator("loop", "a loop ends after its first turn", _loop_once),
    Operator("condition", "a condition always or never holds; or for and", _condition),
    Operator("statement", "an assignment or a call is missing", _statement_dropped),
    Operator(
        "emptied", "an array, list or dictionary of the caller's is emptied", _argument_emptied
    ),
)
"""All of them.  A change that nobody would make does no harm; one that is missing hides a hole."""


@dataclass(frozen=True)
class Place:
    """Where a node hangs in a tree."""

    parent: ast.AST
    name: str
    index: int | None
    node: ast.AST

    def put(self, replacement: Replacement) -> None:
        """Hang something else there."""
        if self.index is None:
            setattr(self.parent, self.name, replacement)
        else:
            getattr(self.parent, self.name)[self.index] = replacement


def places(tree: ast.AST) -> Iterator[Place]:
    """Every node below a tree with its place, in a fixed order."""
    for name, value in ast.iter_fields(tree):
        row: Iterable[tuple[int | None, object]]
        row = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, node in row:
            if isinstance(node, ast.AST):
                yield Place(tree, name, index, node)
                yield from places(node)
