"""The elements of one JSON array of any size, without holding it.

Nearly always the text up to some `}` before a `,` is a run of whole elements. Whether it is, the parser says: a text
that parses as a list can't end within an element. Where no such cut parses, brackets and texts are counted instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from gondola.sources.events.streams import MAX_RECORD_BYTES, Stream

__all__ = ["array_blocks"]

_BLANKS = b" \t\r\n"
_CUT = re.compile(rb"\}\s*,\s*\{")
_NEXT = re.compile(rb",\s*(\{)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|["\[\]{},]', re.DOTALL)
_OPENING, _CLOSING, _ENDING = (b"{", b"["), (b"}", b"]"), (b",", b"]")
_GUESSES = 3
_any = msgspec.json.Decoder()
_list = msgspec.json.Decoder(list[msgspec.Raw])


def array_blocks(stream: Stream) -> Iterator[list[bytes]]:
    """Lists of elements, each as the bytes it is.

    What stands after the array's end, and the half element that a cut array ends with, come as elements too: they are
    refused by name and not lost. An array that is not closed is said in the stream's `damage`.
    """
    blocks = stream.blocks()
    rest = next(blocks, b"").lstrip(_BLANKS)[1:]  # without the opening bracket
    for block in blocks:
        elements, rest = _whole_elements(rest + block)
        if elements:
            yield elements
        if len(rest) > 2 * MAX_RECORD_BYTES:  # an element that does not end, or what stands after the array
            *found, rest = _pieces(rest)
            if len(rest) > MAX_RECORD_BYTES:
                found, rest = [*found, rest], b""
            yield found
    elements, rest, closed = _scan(rest)
    rest = rest.strip(_BLANKS)
    if not closed and rest.endswith(b"]"):  # the end, behind a broken element
        rest, closed = rest[:-1].strip(_BLANKS), True
    if rest:
        elements += _pieces(rest)
    if elements:
        yield elements
    if not closed and stream.damage is None:
        stream.damage = "the JSON array is not closed: the file was cut while it was written or sent"


def _whole_elements(text: bytes) -> tuple[list[bytes], bytes]:
    """The elements that end in a text, and the rest, which begins with the next one."""
    end = len(text)
    for _ in range(_GUESSES):
        cut = _last_cut(text, end)
        if cut is None:
            break
        try:
            found = _list.decode(b"[" + text[: cut.start() + 1] + b"]")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            end = cut.start() + 1
        else:
            return [bytes(item) for item in found], text[cut.end() - 1 :]
    elements, rest, closed = _scan(text)
    return elements, b"]" + rest if closed else rest  # the end is seen again, with what follows it


def _last_cut(text: bytes, end: int) -> re.Match[bytes] | None:
    for window in (1 << 14, len(text)):
        cut = None
        for cut in _CUT.finditer(text, max(0, end - window), end):  # noqa: B007 - the last one is wanted
            pass
        if cut is not None:
            return cut
    return None


def _scan(text: bytes) -> tuple[list[bytes], bytes, bool]:
    """Elements by counting brackets, the rest, and whether the array's end was met."""
    elements: list[bytes] = []
    depth, start = 0, 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in _OPENING:
            depth += 1
        elif token == b'"':  # a text without an end
            break
        elif depth == 0 and token in _ENDING:
            if element := text[start : match.start()].strip(_BLANKS):
                elements += _pieces(element)
            start = match.end()
            if token == b"]":
                return elements, text[start:], True
        elif token in _CLOSING:
            depth = max(0, depth - 1)
    return elements, text[start:], False


def _pieces(element: bytes) -> list[bytes]:
    """An element; where it is broken and seems to have swallowed others, each of them."""
    if not _is_whole(element):
        cuts = list(_CUT.finditer(element))
        starts, ends = [0, *(cut.end() - 1 for cut in cuts)], [*(cut.start() + 1 for cut in cuts), len(element)]
        return [part for a, b in zip(starts, ends, strict=True) for part in _head_and_tail(element[a:b])]
    return [element]


def _head_and_tail(piece: bytes) -> list[bytes]:
    """A piece; where it is a broken element without an end, and a whole one, both."""
    if not _is_whole(piece):
        for match in _NEXT.finditer(piece):
            if _is_whole(piece[match.start(1) :]):
                return [piece[: match.start()], piece[match.start(1) :]]
    return [piece]


def _is_whole(text: bytes) -> bool:
    try:
        _any.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True
