"""What the worker processes of the benchmarks do: pull, or copy without looking."""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

import httpx
import structlog

from calnet_ops.platform import Platform, open_platform, secret
from calnet_ops.steps.ingest import IngestShard, ingest_shard
from tests.support.s3_servers import s3_client

Item = TypeVar("Item")


def enter(environment: dict[str, str]) -> None:
    """Take on the environment of an installation."""
    os.environ.update(environment)
    be_quiet()


def be_quiet() -> None:
    """Log nothing but trouble."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("alembic").setLevel(logging.WARNING)


def pull(paths: Path, shards: Sequence[IngestShard]) -> int:
    """Pull shards, one after the other, as a worker of Airflow does; bytes stored."""
    return sum(ingest_shard(shard, _platform(paths))["n_bytes"] for shard in shards)


def enter_and_pull(environment: dict[str, str], paths: Path, shards: Sequence[IngestShard]) -> None:
    """Do all that a process does which pulls these shards."""
    enter(environment)
    pull(paths, shards)


def copy(paths: Path, files: Sequence[Path], threads: int) -> int:
    """Put files as they are with plain boto3; bytes stored."""
    return _put_all(paths, files, threads, lambda file: (file.name, file.read_bytes()))


def copy_from_mirror(paths: Path, urls: Sequence[str], threads: int) -> int:
    """Get files from a web server and put them as they are; bytes stored."""
    with httpx.Client(follow_redirects=True) as client:
        return _put_all(
            paths, urls, threads, lambda url: (url.rpartition("/")[2], client.get(url).content)
        )


def _put_all(
    paths: Path, items: Sequence[Item], threads: int, read: Callable[[Item], tuple[str, bytes]]
) -> int:
    platform = _platform(paths)
    client = s3_client(
        platform.paths.store.endpoint,
        secret("CALNET_S3_ACCESS_KEY"),
        secret("CALNET_S3_SECRET_KEY"),
        max_pool_connections=threads,
    )

    def put(item: Item) -> int:
        name, body = read(item)
        # a media type spares SeaweedFS trying to compress: without it the copy takes twice as long
        client.put_object(
            Bucket=platform.paths.store.bucket,
            Key=f"copy/{name}",
            Body=body,
            ContentType="application/fits",
        )
        return len(body)

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(put, items))


@cache
def _platform(paths: Path) -> Platform:
    return open_platform(paths)
