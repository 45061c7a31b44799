"""Objects in an S3 bucket, written once under names that tell where they came from."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import get_environ_proxies

from calnet_ops.adapters.store.facts import from_metadata, to_metadata
from calnet_ops.adapters.store.quick import Answer, Quick
from calnet_ops.adapters.store.tables import from_parquet, to_parquet
from calnet_ops.errors import KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import sha256_hex

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

CONNECTIONS = 16
"""Sockets kept open to the store; more threads than this never read at once in a task."""

REGION = "us-east-1"
"""Signed for; servers of one's own take it, AWS redirects."""

GONE = frozenset({"404", "NoSuchKey", "NotFound"})
REFUSED = frozenset({"412", "PreconditionFailed"})


class Store:
    """A bucket in which every key is written at most once.

    Parameters
    ----------
    connect
        Makes the boto3 S3 client when it is first needed: that takes 0.6 s of CPU.
    bucket
        Name of the bucket.
    quick
        Tried before the client when objects are read and written, if there is one.
    """

    def __init__(
        self, connect: Callable[[], "S3Client"], bucket: str, quick: Quick | None = None
    ) -> None:
        self._connect = connect
        self._quick = quick
        self.bucket = bucket

    @cached_property
    def _client(self) -> "S3Client":
        return self._connect()

    def uri(self, key: str) -> str:
        """Address of a key: ``s3://bucket/key``."""
        return f"s3://{self.bucket}/{key}"

    def make_bucket(self) -> None:
        """Make the bucket if it is not there yet."""
        try:
            with self._asking(""):
                self._client.head_bucket(Bucket=self.bucket)
        except MissingInput:
            with self._asking(""):
                self._client.create_bucket(Bucket=self.bucket)

    def save_new(
        self,
        key: str,
        body: bytes,
        content_type: str = "application/octet-stream",
        *,
        facts: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> bool:
        """Write an object unless the key exists; the server checks that it got these bytes.

        Parameters
        ----------
        key, body, content_type
            Name, bytes and media type.
        facts
            Kept with the object, see `load_facts`; names of lower-case letters, digits, ``_-``.
        digest
            SHA-256 of `body` in hex, if it is known already.

        Returns
        -------
        created
            False if the same bytes were there already: running again is free. Their facts stay.

        Raises
        ------
        KeyTaken
            If the key holds other bytes.
        ServiceUnavailable
            If the server got other bytes than `digest` names, or does not answer.
        ValueError
            If the facts are too long, see `facts.MAX_BYTES`.
        """
        digest = digest or sha256_hex(body)
        metadata = to_metadata({**(facts or {}), "sha256": digest})
        try:
            self._write(key, body, content_type, _in_base64(digest), metadata)
        except _RefusedError as error:
            held = self.load_facts(key).get("sha256", "")
            if held != digest:
                raise KeyTaken(
                    self.uri(key),
                    found=f"sha256 {held[:16] or 'unknown'}",
                    expected=f"sha256 {digest[:16]}",
                    cure="Raise the VERSION of the step whose results changed.",
                ) from error
            return False
        return True

    def load_facts(self, key: str) -> dict[str, str]:
        """What was said of an object when it was written, and its ``sha256``.

        Raises
        ------
        MissingInput
            If there is no such key.
        """
        answer = self._try("HEAD", key)
        if answer.status == HTTPStatus.OK:
            return _facts(answer)
        with self._asking(key):
            head = self._client.head_object(Bucket=self.bucket, Key=key)
        return from_metadata(head["Metadata"])

    def load_with_facts(self, key: str) -> tuple[bytes, dict[str, str]]:
        """Bytes of an object and what `load_facts` gives, in one request.

        Raises
        ------
        MissingInput
            If there is no such key.
        """
        quick = self._try("GET", key)
        if quick.status == HTTPStatus.OK:
            return quick.body, _facts(quick)
        with self._asking(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), from_metadata(answer["Metadata"])

    def load(self, key: str) -> bytes:
        """Bytes of an object.

        Raises
        ------
        MissingInput
            If there is no such key.
        """
        return self.load_with_facts(key)[0]

    def exists(self, key: str) -> bool:
        """Whether a key is there, so that its work is done."""
        status = self._try("HEAD", key).status
        if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
            return status == HTTPStatus.OK
        try:
            with self._asking(key):
                self._client.head_object(Bucket=self.bucket, Key=key)
        except MissingInput:
            return False
        return True

    def iter_keys(self, prefix: str) -> Iterator[str]:
        """All keys below a prefix, sorted."""
        return (item["Key"] for item in self._listed(prefix))

    def iter_written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """All keys below a prefix, sorted, and when each was written: UTC without a zone."""
        for item in self._listed(prefix):
            yield item["Key"], item["LastModified"].astimezone(UTC).replace(tzinfo=None)

    def save_table(self, key: str, table: pa.Table) -> bool:
        """Write a table as Parquet; the same table gives the same bytes."""
        return self.save_new(key, to_parquet(table), "application/vnd.apache.parquet")

    def load_table(self, key: str, columns: list[str] | None = None) -> pa.Table:
        """Read a table, or some columns of it.

        Raises
        ------
        MissingInput
            If there is no such key.
        DamagedObject
            If its bytes are no table.
        """
        table = from_parquet(self.uri(key), self.load(key), columns)
        return table if columns is None else table.select(columns)

    def load_pointer(self, key: str) -> tuple[bytes | None, str]:
        """Bytes and tag of a pointer; (None, "") when it has never been set."""
        try:
            with self._asking(key):
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
                return answer["Body"].read(), answer["ETag"]
        except MissingInput:
            return None, ""

    def move_pointer(self, key: str, body: bytes, seen_tag: str) -> bool:
        """Move a pointer if nobody else moved it since `seen_tag` was read.

        Returns
        -------
        moved
            Whether it holds `body` now. A refusal may be of our own second try: boto repeats a
            write whose answer was lost.
        """
        condition = {"IfMatch": seen_tag} if seen_tag else {"IfNoneMatch": "*"}
        try:
            with self._asking(key):
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentType="application/json",
                    ChecksumSHA256=_in_base64(sha256_hex(body)),
                    **condition,  # type: ignore[arg-type]
                )
        except _RefusedError:
            return self.load_pointer(key)[0] == body
        return True

    def remove(self, key: str) -> None:
        """Remove an object that is no result, such as the state of a training; gone is gone."""
        with self._asking(key):
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def download(self, prefix: str, folder: Path) -> int:
        """Copy all objects below a prefix to a local folder; how many."""
        count = 0
        for key in self.iter_keys(prefix):
            target = folder / key.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.load(key))
            count += 1
        return count

    def _listed(self, prefix: str) -> "Iterator[ObjectTypeDef]":
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        with self._asking(prefix):
            for page in pages:
                yield from page.get("Contents", [])

    def _write(
        self, key: str, body: bytes, content_type: str, checksum: str, metadata: dict[str, str]
    ) -> None:
        """Write unless the key is there."""
        headers = {
            "Content-Type": content_type,
            "If-None-Match": "*",
            "x-amz-checksum-sha256": checksum,
            **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
        }
        status = self._try("PUT", key, headers, body).status
        if status == HTTPStatus.PRECONDITION_FAILED:
            raise _RefusedError
        if status == HTTPStatus.OK:
            return
        with self._asking(key):
            self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                IfNoneMatch="*",
                ContentType=content_type,
                ChecksumSHA256=checksum,
                Metadata=metadata,
            )

    def _try(
        self, method: str, key: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """The quick way, if there is one."""
        if self._quick is None:
            return Answer(0)
        return self._quick.ask(method, self.bucket, key, headers, body)

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        """Turn what can go wrong with a request into errors of ours."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in GONE:
                raise MissingInput(
                    self.uri(key), found="no such key", expected="an object"
                ) from error
            if code in REFUSED:
                raise _RefusedError from error
            raise self._unavailable(key, error) from error
        except BotoCoreError as error:
            raise self._unavailable(key, error) from error

    def _unavailable(self, key: str, error: Exception) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"object store, {self.uri(key)}", found=str(error), expected="an answer"
        )


class _RefusedError(Exception):
    """The condition of a write does not hold."""


def _facts(answer: Answer) -> dict[str, str]:
    start = "x-amz-meta-"
    named = {name.lower(): value for name, value in answer.headers.items()}
    return from_metadata(
        {name.removeprefix(start): text for name, text in named.items() if name.startswith(start)}
    )


def _in_base64(digest: str) -> str:
    return b64encode(bytes.fromhex(digest)).decode()


def open_store(endpoint: str | None, bucket: str, access_key: str, secret_key: str) -> Store:
    """Connect to a bucket of an S3 server, or of AWS if `endpoint` is None.

    Notes
    -----
    The signature covers the SHA-256 that a write names, and the server compares what it got with
    that. So boto need not hash the body again to sign it, which it does by default unless the
    connection is encrypted, and which SeaweedFS 4.48 would not look at: it stores other bytes
    than those signed for, but refuses other bytes than ``x-amz-checksum-sha256`` names.
    """
    connect = partial(_connect, endpoint, access_key, secret_key)
    if endpoint is None or not endpoint.startswith("http://") or get_environ_proxies(endpoint):
        return Store(connect, bucket)
    return Store(connect, bucket, Quick(endpoint, REGION, access_key, secret_key, CONNECTIONS))


def _connect(endpoint: str | None, access_key: str, secret_key: str) -> "S3Client":
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            signature_version="s3v4",
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "max_attempts": 4},
            s3={"addressing_style": "path", "payload_signing_enabled": False},
        ),
    )
