"""What a write to the store costs its client, beside plain boto3."""

import itertools
import os
from pathlib import Path

from calnet_ops.lineage import sha256_hex
from tests.bench.measure import Figure, medians_ms
from tests.support.s3_servers import s3_server

N_WRITE = 30
FILE_BYTES = 2_013_120
"""A light curve of a sector of 27 days."""


def measure(folder: Path, _known: object) -> list[Figure]:
    """CPU time of a client that writes a light curve whose SHA-256 it knows already."""
    body = os.urandom(FILE_BYTES)
    digest, numbers = sha256_hex(body), itertools.count()
    with s3_server(folder) as server:
        store, plain = server.platform.store, server.client()
        took = medians_ms(
            {
                "ours": lambda: [
                    store.save_new(f"{next(numbers)}", body, "application/fits", digest=digest)
                    for _ in range(N_WRITE)
                ],
                "plain": lambda: [
                    plain.put_object(
                        Bucket=store.bucket,
                        Key=f"{next(numbers)}",
                        Body=body,
                        ContentType="application/fits",
                    )
                    for _ in range(N_WRITE)
                ],
            }
        )
    return [Figure("store_put_ms", took["ours"] / N_WRITE, "ms", took["plain"] / N_WRITE)]
