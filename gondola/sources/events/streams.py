"""Bytes of a file as it is read: unpacked, in blocks, and what they look like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from isal import isal_zlib

from gondola.errors import DataContractError
from gondola.sources.events.pii import EMAIL_BYTES

__all__ = ["MAX_RECORD_BYTES", "Stream", "detect"]

BLOCK_BYTES = 4 << 20
MAX_RECORD_BYTES = 4 << 20  # a longer record is no event
_GZIP = b"\x1f\x8b"
_GZIP_WBITS = 31
_PIECE_BYTES = 1 << 18  # what a damaged place costs at most
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OVERLAP = 256  # an address may lie across two blocks


class Stream:
    """A file's bytes, unpacked and without a byte order mark.

    A packed file that ends early or is damaged gives what can be unpacked, and then says so in `damage`.
    """

    def __init__(self, path: Path) -> None:
        self.damage: str | None = None
        self.has_emails = False  # of what has been read
        self._path = path
        with path.open("rb") as file:
            self.is_packed = file.read(2) == _GZIP

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes, for a look at them."""
        data = b""
        for block in self._unpacked():
            data += block
            if len(data) >= size:
                break
        self.damage = None
        return data[:size].removeprefix(_BOM)

    def blocks(self) -> Iterator[bytes]:
        """All bytes, a few megabytes at a time."""
        first, tail = True, b""
        for data in self._unpacked():
            block = data.removeprefix(_BOM) if first else data
            first = False
            if not self.has_emails and (b"@" in block or b"%40" in block):
                self.has_emails = EMAIL_BYTES.search(tail + block) is not None
            tail = block[-_OVERLAP:]
            yield block

    def unpacked_file(self, folder: Path) -> IO[bytes]:
        """The file as one that can be sought in; unpacked into a nameless file where it is packed."""
        if not self.is_packed:
            return self._path.open("rb")
        file: IO[bytes] = TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
        for block in self._unpacked():
            file.write(block)
        file.seek(0)
        return file

    def _unpacked(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            if not self.is_packed:
                while block := file.read(BLOCK_BYTES):
                    yield block
                return
            yield from self._gunzip(file)

    def _gunzip(self, file: IO[bytes]) -> Iterator[bytes]:
        # Not gzip.open: it throws away what it has unpacked when the end is missing.
        unpacker = isal_zlib.decompressobj(wbits=_GZIP_WBITS)
        data = file.read(1 << 16)
        while True:
            try:
                block = unpacker.decompress(data, _PIECE_BYTES)
            except isal_zlib.error as error:  # type: ignore[misc]  # the stub calls it a module's attribute
                self.damage = f"the gzip file is damaged ({error})"
                return
            if block:
                yield block
            if unpacker.eof:
                data = unpacker.unused_data or file.read(1 << 16)
                if not data.strip(b"\0"):
                    return
                if not (data.startswith(_GZIP) or _GZIP.startswith(data)):
                    self.damage = "other bytes follow the end of the gzip file"
                    return
                unpacker = isal_zlib.decompressobj(wbits=_GZIP_WBITS)
                continue
            data = unpacker.unconsumed_tail or file.read(1 << 16)
            if not data and not block:
                self.damage = "the gzip file ends early: it was cut or damaged while it was written or sent"
                return


def detect(head: bytes) -> str:
    """The format of a file, by its first bytes: `parquet`, `json` (an array), `jsonl` or `csv`.

    Raises:
        DataContractError: It is empty, or no text.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(_UTF16):
        message = "the file is UTF-16; save it as UTF-8"
        raise DataContractError(message)
    start = head.lstrip()
    if not start:
        message = "the file is empty; an event file has at least a header or one record"
        raise DataContractError(message)
    if start.startswith(b"["):
        return "json"
    if start.startswith(b"{"):
        return "jsonl"
    if any(byte < 9 for byte in start[:512]):
        message = "the file is neither text nor Parquet; send JSON lines, a JSON array, CSV or Parquet"
        raise DataContractError(message)
    return "csv"
