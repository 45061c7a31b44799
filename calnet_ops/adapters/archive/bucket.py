"""The public bucket of TESS products, read without credentials."""

from typing import TYPE_CHECKING, cast

from calnet_ops import keys
from calnet_ops.adapters.archive import Fetched
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.products import Products
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.adapters.archive.throttle import Throttle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"
"""Of stpubdata."""

AWS = "https://s3.us-east-1.amazonaws.com"


class PublicBucket:
    """Light curves in a bucket that anyone may read.

    S3 answers an unsigned request for an object as any web server does, so boto3 says where the
    object is and the bytes come through the same bounded client as the archive's.

    Parameters
    ----------
    endpoint
        URL of an S3 server; None for AWS.
    bucket
        Its name; also the name of the source.
    contact
        Address of the people who run this installation.
    patience
        The retry policy.
    throttle
        Paces the bytes.
    """

    def __init__(
        self,
        endpoint: str | None,
        bucket: str,
        contact: str = "",
        *,
        patience: Patience | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self.name = bucket
        self._s3 = _open_anonymous(endpoint)
        self._client = open_client([self._url("")], contact)
        self._products = Products(
            self._client, patience or Patience(), throttle or Throttle(), source=bucket
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._s3.close()

    def fetch(self, file_name: str) -> Fetched:
        """Bytes of a light curve."""
        url = self._url(keys.public_key(file_name))
        return cast("Fetched", self._products.fetch(url))  # always new: no ETag is held

    def _url(self, key: str) -> str:
        place = {"Bucket": self.name, "Key": key or "-"}
        return self._s3.generate_presigned_url("get_object", place)


def _open_anonymous(endpoint: str | None) -> "S3Client":
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        signature_version=UNSIGNED, s3={"addressing_style": "path" if endpoint else "virtual"}
    )
    # never that of the environment, which may name our own S3 server
    return boto3.client("s3", endpoint_url=endpoint or AWS, region_name=REGION, config=config)
