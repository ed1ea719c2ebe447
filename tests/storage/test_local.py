from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from gondola.errors import ConfigurationError, LakeUnavailableError
from storage.lake import Lake


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake.open(str(tmp_path))
    lake.put("a/b", b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LakeUnavailableError, match="No space left") as caught:
            lake.put("a/b", b"new")
    assert "has room" in str(caught.value)
    assert lake.get("a/b") == b"old"
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]


def test_files_are_as_readable_as_others_of_the_user(tmp_path: Path) -> None:
    Lake.open(str(tmp_path)).put("a", b"")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_folder_that_cannot_be_read_is_not_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", forbidden)  # the mode of a folder does not stop root
    with pytest.raises(ConfigurationError, match="owner and mode"):
        Lake.open(str(tmp_path)).find()
