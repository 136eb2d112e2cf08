"""A Merkle tree over the ledger's entries (RFC 9162, section 2.1): one entry's place under a head is proved without the others.

A leaf is an entry's chain hash, 32 bytes, which covers all its columns. Only arithmetic here; where the hashes of complete
subtrees come from is the caller's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

Subtree: TypeAlias = Callable[[int, int], bytes]  # (level, place) -> hash over leaves place * 2**level up to (place + 1) * 2**level
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Of one leaf's bytes."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def grown(size: int, leaf: bytes, subtree: Subtree) -> Iterator[tuple[int, int, bytes]]:
    """The complete subtrees that the leaf after the first `size` completes, smallest first, itself left out: (level, place, hash)."""
    level, place, right = 0, size, leaf
    while place % 2:
        right = node_hash(subtree(level, place - 1), right)
        level, place = level + 1, place // 2
        yield level, place, right


def root(size: int, subtree: Subtree) -> bytes:
    """Of the tree over the first `size` leaves."""
    return EMPTY if size == 0 else _range(0, size, subtree)


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes that lead from a leaf to the root (section 2.1.3.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    low, high, path = 0, size, list[bytes]()
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(middle, high, subtree))
            high = middle
        else:
            path.append(_range(low, middle, subtree))
            low = middle
    return path[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show that the tree over `new` leaves begins with that over `old` (section 2.1.4.1).

    Raises:
        ValueError: the old tree is empty or the larger one.
    """
    if not 0 < old <= new:
        raise ValueError(f"no tree of {old} leaves grows to one of {new}")
    low, high, whole, path = 0, new, True, list[bytes]()
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(middle, high, subtree))
            high = middle
        else:
            path.append(_range(low, middle, subtree))
            low, whole = middle, False
    return ([] if whole else [_range(low, high, subtree)]) + path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], top: bytes) -> bool:
    """Whether a path leads from a leaf to the root `top` (section 2.1.3.2)."""
    return len(top) == len(EMPTY) and top == root_above(leaf, index, size, path)


def root_above(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path leads to from a leaf; None where the path is of another tree's shape (section 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    at, last, reached = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            reached = node_hash(step, reached)
            while not at % 2 and at:
                at, last = at >> 1, last >> 1
        else:
            reached = node_hash(reached, step)
        at, last = at >> 1, last >> 1
    return reached if last == 0 else None


def consistent(old: int, new: int, before: bytes, now: bytes, path: Sequence[bytes]) -> bool:
    """Whether a path shows that the tree `now` over `new` leaves begins with the tree `before` over `old` (section 2.1.4.2)."""
    if 0 < old == new:
        return before == now and not path
    if not 0 < old < new or not path:
        return False
    steps = [before, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, new - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at % 2 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == before and second == now


def _range(low: int, high: int, subtree: Subtree) -> bytes:
    """The hash over leaves low to high of the tree's own splits (MTH, section 2.1.1)."""
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return subtree(level, low >> level)
    middle = low + _split(count)
    return node_hash(_range(low, middle, subtree), _range(middle, high, subtree))


def _split(count: int) -> int:
    """The largest power of two below a count."""
    return 1 << (count - 1).bit_length() - 1
