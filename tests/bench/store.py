"""What a write to the store and a read cost its client, beside plain boto3."""

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
                "put": lambda: [
                    store.save_new(f"{next(numbers)}", body, "application/fits", digest=digest)
                    for _ in range(N_WRITE)
                ],
                "plain put": lambda: [
                    plain.put_object(
                        Bucket=store.bucket,
                        Key=f"{next(numbers)}",
                        Body=body,
                        ContentType="application/fits",
                    )
                    for _ in range(N_WRITE)
                ],
                "get": lambda: [store.load(f"{number}") for number in range(N_WRITE)],
                "plain get": lambda: [
                    plain.get_object(Bucket=store.bucket, Key=f"{number}")["Body"].read()
                    for number in range(N_WRITE)
                ],
            }
        )
    return [
        Figure(f"store_{kind}_ms", took[kind] / N_WRITE, "ms", took[f"plain {kind}"] / N_WRITE)
        for kind in ("put", "get")
    ]
