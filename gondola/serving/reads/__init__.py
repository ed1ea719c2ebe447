"""Answers from the published copy, one module for each area; what every face of the platform shows comes from here.

Open the copies once in a process, take a `Snapshot` for each question or page, and hand it to the functions:

    copies = PublishedCopies(settings)
    with copies.snapshot() as snapshot:
        answer = products.search(snapshot, "arroz")

All answers of one snapshot come from one version, also when a build is published meanwhile. An `Answer` holds the rows
as Arrow columns, the version, and what is known of the coverage; what there is nothing to say about is null.
"""

from gondola.serving.reads.answers import Answer, Coverage, CursorError, Page
from gondola.serving.reads.copies import (
    BusyError,
    DataVersion,
    NotBuiltError,
    PublishedCopies,
    Snapshot,
    VersionGoneError,
)

__all__ = [
    "Answer",
    "BusyError",
    "Coverage",
    "CursorError",
    "DataVersion",
    "NotBuiltError",
    "Page",
    "PublishedCopies",
    "Snapshot",
    "VersionGoneError",
]
