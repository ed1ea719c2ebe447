"""Cheaper storage for old files: S3's storage classes, Azure's access tiers, a folder of its own on disk.

Nothing here deletes. A file is moved to a tier by its key, never by a rule over a folder: a cloud can't know which
files silver covers, and what is archived can't be read by the models any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from fsspec.asyn import sync

from storage.lake import Lake
from storage.policy import BRONZE, Policy

__all__ = ["ARCHIVE", "ARCHIVE_FOLDER", "COOL", "HOT", "Tiers", "open_tiers"]

HOT, COOL, ARCHIVE = "hot", "cool", "archive"
ARCHIVE_FOLDER = "archive/"
_TAG = "gondola-tier"
_S3_CLASSES = {"STANDARD_IA": COOL, "ONEZONE_IA": COOL, "GLACIER_IR": COOL, "GLACIER": ARCHIVE, "DEEP_ARCHIVE": ARCHIVE}
_S3_COOL_DAYS = 30  # S3 takes nothing into STANDARD_IA that is younger
_AZURE_TIERS = {"Cool": COOL, "Cold": COOL, "Archive": ARCHIVE}


class Tiers(Protocol):
    """What lifecycle needs of a storage's tiers."""

    def read(self) -> dict[str, str]:
        """The tier of each file of bronze; a file that is not named is hot."""
        ...

    def is_asked(self, key: str, tier: str) -> bool:
        """Whether a move has been asked for that the storage has yet to make."""
        ...

    def prepare(self) -> None:
        """Tell the storage what it must know before files are moved; again is harmless."""
        ...

    def move(self, key: str, tier: str) -> None:
        """Put a file into a tier, or ask the storage to; again is harmless."""
        ...

    def document(self, policy: Policy) -> dict[str, Any]:
        """The storage's own lifecycle configuration, as its tools take it."""
        ...


def open_tiers(lake: Lake) -> Tiers:
    """The tiers of a lake's storage."""
    if lake.uri.startswith("s3://"):
        return _S3Tiers(lake)
    if lake.uri.startswith("az://"):
        return _AzureTiers(lake)
    return _FolderTiers(lake)


class _FolderTiers:
    """A disk has one price: compaction is all that `cool` can mean, and the archive is a folder one can move away."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def read(self) -> dict[str, str]:
        cool = {entry.key: COOL for entry in self._lake.find(BRONZE, ".parquet")}
        return cool | {entry.key: ARCHIVE for entry in self._lake.find(f"{ARCHIVE_FOLDER}{BRONZE}", ".parquet")}

    def is_asked(self, key: str, tier: str) -> bool:  # noqa: ARG002
        return False

    def prepare(self) -> None:
        pass

    def move(self, key: str, tier: str) -> None:
        if tier != ARCHIVE:
            return
        # A copy first, then the deletion: killed in between, both are there and the next time ends it.
        if self._lake.is_local:
            self._lake.put_file(ARCHIVE_FOLDER + key, Path(self._lake.url(key)))
        else:
            self._lake.put(ARCHIVE_FOLDER + key, self._lake.get(key))
        self._lake.delete(key)

    def document(self, policy: Policy) -> dict[str, Any]:  # noqa: ARG002
        return {"rules": []}


class _S3Tiers:
    """Files are tagged when they are due; rules of the bucket move what bears the tag, within about a day."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._bucket, _, root = lake.uri.removeprefix("s3://").partition("/")
        self._root = f"{root}/" if root else ""

    def read(self) -> dict[str, str]:
        with self._lake.native(BRONZE) as (filesystem, path):
            found = filesystem.find(path, detail=True)
        start = len(path) - len(BRONZE)
        return {
            name[start:]: _S3_CLASSES[info["StorageClass"]]
            for name, info in found.items()
            if info.get("StorageClass") in _S3_CLASSES
        }

    def is_asked(self, key: str, tier: str) -> bool:
        with self._lake.native(key) as (filesystem, path):
            return bool(filesystem.get_tags(path).get(_TAG) == tier)

    def prepare(self) -> None:
        with self._lake.native(BRONZE) as (filesystem, _):
            existing = self._existing_rules(filesystem)
            ours = self._rules()
            names = {rule["ID"] for rule in ours}
            merged = [rule for rule in existing if rule.get("ID") not in names] + ours
            if merged != existing:
                filesystem.call_s3(
                    "put_bucket_lifecycle_configuration",
                    Bucket=self._bucket,
                    LifecycleConfiguration={"Rules": merged},
                )

    def move(self, key: str, tier: str) -> None:
        with self._lake.native(key) as (filesystem, path):
            filesystem.put_tags(path, filesystem.get_tags(path) | {_TAG: tier})

    def document(self, policy: Policy) -> dict[str, Any]:  # noqa: ARG002
        return {"Rules": self._rules()}

    def _existing_rules(self, filesystem: Any) -> list[dict[str, Any]]:
        try:
            answer = filesystem.call_s3("get_bucket_lifecycle_configuration", Bucket=self._bucket)
        except OSError as error:
            if "NoSuchLifecycleConfiguration" in f"{error} {error.__cause__}":
                return []
            raise
        return list(answer.get("Rules", []))

    def _rules(self) -> list[dict[str, Any]]:
        # The name holds the lake's folder: a bucket may hold more than one lake.
        def rule(name: str, **rest: Any) -> dict[str, Any]:
            return {"ID": f"gondola-{name}-{self._root.rstrip('/') or 'bucket'}"[:255], "Status": "Enabled"} | rest

        def tagged(tier: str) -> dict[str, Any]:
            return {"And": {"Prefix": f"{self._root}{BRONZE}/", "Tags": [{"Key": _TAG, "Value": tier}]}}

        return [
            rule(COOL, Filter=tagged(COOL), Transitions=[{"Days": _S3_COOL_DAYS, "StorageClass": "STANDARD_IA"}]),
            rule(ARCHIVE, Filter=tagged(ARCHIVE), Transitions=[{"Days": 1, "StorageClass": "GLACIER"}]),
            # Parts of uploads that were killed cost money and are shown by no listing.
            rule("uploads", Filter={"Prefix": self._root}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 7}),
        ]


class _AzureTiers:
    """The tier is set on each blob, at once; no rights on the account are needed."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def read(self) -> dict[str, str]:
        with self._lake.native(BRONZE) as (filesystem, path):
            container, _, prefix = path.partition("/")
            found = sync(filesystem.loop, _blob_tiers, filesystem, container, f"{prefix}/")
            start = len(prefix) - len(BRONZE)
            return {name[start:]: _AZURE_TIERS[tier] for name, tier in found.items() if tier in _AZURE_TIERS}

    def is_asked(self, key: str, tier: str) -> bool:  # noqa: ARG002
        return False

    def prepare(self) -> None:
        pass

    def move(self, key: str, tier: str) -> None:
        with self._lake.native(key) as (filesystem, path):
            container, _, name = path.partition("/")
            sync(filesystem.loop, _set_blob_tier, filesystem, container, name, tier.capitalize())

    def document(self, policy: Policy) -> dict[str, Any]:
        # Only what stays readable: a rule over a folder would archive files that silver does not cover.
        rule = policy.rule(BRONZE)
        if rule is None:
            return {"rules": []}
        folder = f"{self._lake.uri.removeprefix('az://').rstrip('/')}/{BRONZE}/"
        definition = {
            "actions": {"baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": rule.cool_after_days}}},
            "filters": {"blobTypes": ["blockBlob"], "prefixMatch": [folder]},
        }
        return {"rules": [{"enabled": True, "name": "gondola-cool", "type": "Lifecycle", "definition": definition}]}


async def _blob_tiers(filesystem: Any, container: str, prefix: str) -> dict[str, str]:
    async with filesystem.service_client.get_container_client(container=container) as client:
        blobs: AsyncIterator[Any] = client.list_blobs(name_starts_with=prefix)
        return {blob.name: str(getattr(blob.blob_tier, "value", blob.blob_tier)) async for blob in blobs}


async def _set_blob_tier(filesystem: Any, container: str, name: str, tier: str) -> None:
    async with filesystem.service_client.get_blob_client(container, name) as client:
        await client.set_standard_blob_tier(tier)
