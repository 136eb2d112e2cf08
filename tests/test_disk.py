"""What is written is there whole, or what was there before is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from seewhy.disk import check_writable, write_file, write_folder
from seewhy.errors import NotWritten


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.bin"
    write_file(file, b"one")
    write_file(file, lambda sink: sink.write(b"two"))
    assert file.read_bytes() == b"two"
    assert [p.name for p in file.parent.iterdir()] == ["a.bin"]


def test_a_full_disk_leaves_the_file_before(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    file = tmp_path / "a.bin"
    write_file(file, b"one")
    (tmp_path / f".a.bin.{os.getpid()}.new").symlink_to("/dev/full")
    with pytest.raises(NotWritten, match=r"a\.bin could not be written .*No space left"):
        write_file(file, b"two")
    assert file.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_what_fails_half_way_leaves_the_folder_before(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_folder(folder, {"a": b"1", "b/c": b"2"})
    with pytest.raises(NotWritten):
        write_folder(folder, {"a": b"3", "a/b": b"a file can't be a folder"})
    assert {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == {"a": b"1", "c": b"2"}
    write_folder(folder, {"a": b"3"})
    assert [p.name for p in folder.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_place_that_is_no_folder_is_refused_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "m")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWritten, match="Not a directory"):
        check_writable(tmp_path / "file" / "m")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_write_protected_place_is_refused_before_the_work(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(NotWritten, match="Permission denied"):
        check_writable(tmp_path / "m")
