"""The tree's arithmetic against published vectors (transparency-dev/merkle, RFC 9162 hashing)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.helpers import TESTS

from seewhy.agent.ledger.tree import (
    EMPTY,
    Subtree,
    consistency_path,
    consistent,
    grown,
    included,
    inclusion_path,
    leaf_hash,
    node_hash,
    root,
)

VECTORS: dict[str, list[dict[str, Any]]] = json.loads((TESTS / "golden" / "merkle.json").read_text(encoding="utf-8"))
LEAVES = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [  # of the trees over the first 0, 1, 2, … of them
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def raw(text: str) -> bytes:
    return base64.b64decode(text)


def subtrees(leaves: list[bytes]) -> Subtree:
    """Of leaves in memory, by the definition."""

    def of(level: int, place: int) -> bytes:
        return leaf_hash(leaves[place]) if level == 0 else node_hash(of(level - 1, 2 * place), of(level - 1, 2 * place + 1))

    return of


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_published_roots(size: int) -> None:
    assert root(size, subtrees(LEAVES)).hex() == ROOTS[size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda v: v["name"])
def test_published_inclusion_proofs(vector: dict[str, Any]) -> None:
    found = included(
        raw(vector["leafHash"] or ""),
        vector["leafIdx"],
        vector["treeSize"],
        [raw(p) for p in vector["proof"] or ()],
        raw(vector["root"] or ""),
    )
    assert found is not vector["wantErr"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda v: v["name"])
def test_published_consistency_proofs(vector: dict[str, Any]) -> None:
    found = consistent(
        vector["size1"], vector["size2"], raw(vector["root1"] or ""), raw(vector["root2"] or ""), [raw(p) for p in vector["proof"] or ()]
    )
    assert found is not vector["wantErr"]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 70), st.data())
def test_every_proof_that_is_made_holds_and_no_other_leaf_has_it(size: int, data: st.DataObject) -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
    of = subtrees(leaves)
    top, index, old = root(size, of), data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    path = inclusion_path(index, size, of)
    assert included(leaf_hash(leaves[index]), index, size, path, top)
    assert not included(leaf_hash(b"another"), index, size, path, top)
    ties = consistency_path(old, size, of)
    assert consistent(old, size, root(old, of), top, ties)
    assert not consistent(old, size, leaf_hash(b"another"), top, ties)


def test_a_tree_that_grows_leaf_by_leaf_is_the_same() -> None:
    kept = dict[tuple[int, int], bytes]()

    def of(level: int, place: int) -> bytes:
        return kept[level, place]

    for size, data in enumerate(LEAVES * 5):
        kept[0, size] = leaf_hash(data)
        kept.update({(level, place): node for level, place, node in grown(size, kept[0, size], of)})
        assert root(size + 1, of) == root(size + 1, subtrees(LEAVES * 5))


def test_proofs_of_nothing_are_refused() -> None:
    of = subtrees(LEAVES)
    assert root(0, of) == EMPTY
    with pytest.raises(ValueError, match="none at 8"):
        inclusion_path(8, 8, of)
    with pytest.raises(ValueError, match="no tree"):
        consistency_path(9, 8, of)
