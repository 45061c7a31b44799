"""The public bucket of TESS products, read without credentials."""

from functools import cached_property
from typing import TYPE_CHECKING

from calnet_ops import keys
from calnet_ops.adapters.archive import Fetched, Validators
from calnet_ops.errors import ArchiveUnavailable, MissingAtSource

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class PublicBucket:
    """Light curves in a bucket that anyone may read."""

    def __init__(self, endpoint: str | None, bucket: str) -> None:
        self.name = bucket
        self._endpoint = endpoint

    def fetch(self, file_name: str) -> Fetched:
        """Bytes of a light curve."""
        from botocore.exceptions import BotoCoreError, ClientError

        key = keys.public_key(file_name)
        what = f"s3://{self.name}/{key}"
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key)
            body = answer["Body"].read()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004
                raise MissingAtSource(what, found="status 404", expected="a light curve") from error
            raise ArchiveUnavailable(what, found=str(error), expected="a light curve") from error
        except BotoCoreError as error:
            raise ArchiveUnavailable(what, found=str(error), expected="a light curve") from error
        return Fetched(body, 1, Validators(answer["ETag"], "", len(body)), self.name)

    @cached_property
    def _client(self) -> "S3Client":
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
        return boto3.client(
            "s3", endpoint_url=self._endpoint, region_name="us-east-1", config=config
        )
