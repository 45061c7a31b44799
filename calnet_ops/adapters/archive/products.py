"""Light curves: read whole or not at all, and only as bytes."""

from dataclasses import replace
from http import HTTPStatus

import httpx

from calnet_ops.adapters.archive import ARCHIVE, Fetched, Validators
from calnet_ops.adapters.archive.body import PRODUCT
from calnet_ops.adapters.archive.client import ArchiveClient, unexpected
from calnet_ops.adapters.archive.headers import is_strong, read_validators
from calnet_ops.adapters.archive.partial import Partial
from calnet_ops.adapters.archive.retry import Again, Patience, insist
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.errors import IncompleteDownload, MissingAtSource

GONE = frozenset({403, 404, 410, 451})
"""Answers to which there is no file. S3 says 403 for a key that is not there to who may not list
the bucket; one file that nobody may have must not hold up its sector. If the archive shuts us out
altogether, all files are missing, and the checks of the sector stop it."""

TRIALS = 2
"""Tries of a question that is there to find out whether a host is down; one alone may be bad
luck."""


class Products:
    """Downloads that survive a bad line.

    Parameters
    ----------
    client
        From `open_client`.
    patience
        The retry policy.
    throttle
        Paces the bytes.
    source
        Name of the place they come from.
    """

    def __init__(
        self, client: ArchiveClient, patience: Patience, throttle: Throttle, source: str = ARCHIVE
    ) -> None:
        self._client = client
        self._patience = patience
        self._throttle = throttle
        self._source = source

    def fetch(self, url: str, held_etag: str = "") -> Fetched | None:
        """Bytes of a product; None if they are those that `held_etag` names.

        A weak ETag promises nothing, so it is not used.

        Raises
        ------
        MissingAtSource
            If there is no such product.
        ForeignProduct
            If it is longer than any light curve.
        ArchiveUnavailable, IncompleteDownload
            If every try failed.
        """
        partial = Partial()
        unless = {"If-None-Match": held_etag} if is_strong(held_etag) else {}

        def attempt(n_try: int) -> Fetched | None:
            if self._read_on(url, partial, unless):
                body = b"".join(partial.chunks)
                return Fetched(body, n_try, partial.validators, self._source)
            return None

        return insist(attempt, url, self._patience)

    def probe(self, url: str, *, on_trial: bool = False) -> Validators:
        """What the server says of a product, without its bytes.

        Parameters
        ----------
        url
            Of the product.
        on_trial
            Ask though the host failed often, but `TRIALS` times at most.

        Raises
        ------
        MissingAtSource
            If there is no such product.
        ArchiveUnavailable
            If every try failed.
        """

        def attempt(_n_try: int) -> Validators:
            with self._client.stream("HEAD", url, on_trial=on_trial) as answer:
                _expect_ok(url, answer)
                return read_validators(answer)

        n_try = min(TRIALS, self._patience.n_try) if on_trial else self._patience.n_try
        return insist(attempt, url, replace(self._patience, n_try=n_try))

    def _read_on(self, url: str, partial: Partial, unless: dict[str, str]) -> bool:
        """Read from where the last try stopped; False if nothing is new."""
        headers = partial.resume_headers() or unless
        with self._client.stream("GET", url, headers) as answer:
            match answer.status_code:
                case HTTPStatus.NOT_MODIFIED if headers is unless and unless:
                    return False
                case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    partial.check_ended(url, answer)
                    return True
                case HTTPStatus.PARTIAL_CONTENT:
                    partial.check_continues(url, answer)
                case _:
                    _expect_ok(url, answer)
                    partial.restart(answer)
            n_held, throttle = partial.n_held, self._throttle
            try:
                for chunk in self._client.read(answer, PRODUCT, n_held=n_held, throttle=throttle):
                    partial.chunks.append(chunk)
            except httpx.RemoteProtocolError as error:  # it ended the body before its end
                found, expected = f"{partial.n_held} bytes", "all that were announced"
                raise Again(IncompleteDownload(url, found=found, expected=expected)) from error
            partial.check_complete(url)
        return True


def _expect_ok(url: str, answer: httpx.Response) -> None:
    if answer.status_code in GONE:
        raise MissingAtSource(url, found=f"status {answer.status_code}", expected="a light curve")
    if answer.status_code != HTTPStatus.OK:
        raise unexpected(url, answer)
