"""Weights from a file of `torch.save` as it was before PyTorch 1.6, read without torch, whose import takes longer than the reading.

Such a file is a number, a version, facts of the machine, a state dict whose tensors name their storages, and the storages' names, each
pickled; then the storages one after the other, each behind its length. What is pickled is read as a list of operations, of which those are
known that lay out such a dict; nothing of it is run (docs/decisions/008).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from seewhy.errors import WeightsMismatch

MAGIC = 0x1950A86A20F9469CFC6C
KINDS: Mapping[str, str] = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
TENSOR = "torch._utils _rebuild_tensor_v2"
DICT = "collections OrderedDict"

Stack: TypeAlias = list[Any]


def read_pth(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The state dict in a file's bytes, its tensors as arrays, in the file's order.

    Raises:
        WeightsMismatch: it is no such file, or holds other things than tensors.
    """
    file = BytesIO(data)
    try:
        if _value(file) != MAGIC:
            raise ValueError("it begins otherwise")
        _, _, tensors, keys = (_value(file) for _ in range(4))
        kinds = {key: KINDS[kind] for (_, kind, key, *_), *_ in tensors.values()}
        storages = {key: _storage(file, kinds[key]) for key in keys}
        return {name: _tensor(storages[storage[2]], *placed) for name, (storage, *placed) in tensors.items()}
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise WeightsMismatch(f"this is no state dict as PyTorch wrote them before 1.6 ({error})") from error


def _value(file: BytesIO) -> Any:
    """What the next pickle in a file lays out: numbers, texts, tuples, lists, dicts, and of tensors what they are built from."""
    stack, memo = list[Any](), dict[Any, Any]()
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in LAYS:
            LAYS[name](stack, argument)
        elif name not in ("PROTO", "STOP"):
            raise ValueError(f"it holds the operation {name}")
    (value,) = stack
    return value


MARK = object()


def _marked(stack: Stack) -> Stack:
    """What was put on the stack since the last mark, taken from it."""
    at = len(stack) - 1 - stack[::-1].index(MARK)
    taken = stack[at + 1 :]
    del stack[at:]
    return taken


def _tuple(count: int) -> Callable[[Stack, Any], None]:
    def lay(stack: Stack, _: Any) -> None:
        taken = tuple(stack[len(stack) - count :])
        del stack[len(stack) - count :]
        stack.append(taken)

    return lay


def _append(stack: Stack, _: Any) -> None:
    items = _marked(stack)
    stack[-1].extend(items)


def _set(stack: Stack, _: Any) -> None:
    items = _marked(stack)
    stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _set_one(stack: Stack, _: Any) -> None:
    value, key = stack.pop(), stack.pop()
    stack[-1][key] = value


def _reduce(stack: Stack, _: Any) -> None:
    arguments, named = stack.pop(), stack.pop()
    if named not in (TENSOR, DICT):
        raise ValueError(f"it names {named}")
    stack.append(arguments if named == TENSOR else {})


def _push(stack: Stack, argument: Any) -> None:
    stack.append(argument)


LAYS: Mapping[str, Callable[[Stack, Any], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "GLOBAL", "NONE"), _push),
    "NEWFALSE": lambda stack, _: stack.append(False),
    "NEWTRUE": lambda stack, _: stack.append(True),
    "MARK": lambda stack, _: stack.append(MARK),
    "EMPTY_DICT": lambda stack, _: stack.append({}),
    "EMPTY_LIST": lambda stack, _: stack.append([]),
    "EMPTY_TUPLE": _tuple(0),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": lambda stack, _: stack.append(tuple(_marked(stack))),
    "APPEND": lambda stack, _: stack[-2].append(stack.pop()),
    "APPENDS": _append,
    "SETITEMS": _set,
    "SETITEM": _set_one,
    "BINPERSID": lambda _stack, _: None,  # the tuple that is on the stack names a storage
    "REDUCE": _reduce,
    "BUILD": lambda stack, _: stack.pop(),  # the dict's notes on its modules' versions
}


def _storage(file: BytesIO, kind: str) -> npt.NDArray[Any]:
    count, type_ = int.from_bytes(file.read(8), "little"), np.dtype(kind)
    return np.frombuffer(file.read(count * type_.itemsize), type_, count)


def _tensor(values: npt.NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> npt.NDArray[Any]:
    """A tensor whose elements lie in a storage, in whatever order."""
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides, 0)) < 0 or last >= len(values):
        raise ValueError("a tensor reaches beyond its storage")
    size = values.itemsize
    view = np.lib.stride_tricks.as_strided(values[offset:], shape, [stride * size for stride in strides], writeable=False)
    return np.ascontiguousarray(view).reshape(shape)
