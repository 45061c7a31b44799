"""Pages, scripts and tables: asked at a measured pace, and not sent again if unchanged."""

from http import HTTPStatus

from calnet_ops.adapters.archive.body import PAGE
from calnet_ops.adapters.archive.client import ArchiveClient, unexpected
from calnet_ops.adapters.archive.headers import firm_date, unless_still
from calnet_ops.adapters.archive.retry import Patience, insist
from calnet_ops.adapters.archive.shelf import Page, PageShelf
from calnet_ops.adapters.archive.throttle import Throttle

REQUESTS_PER_S = 2.0
"""What is asked of catalogue services: archive.stsci.edu states no number, its neighbours do."""


class Pages:
    """The small documents of an archive.

    Parameters
    ----------
    client
        From `open_client`.
    shelf
        Keeps what was read, to ask for it conditionally.
    pace
        Requests a second, in this process.
    patience
        The retry policy.
    """

    def __init__(
        self, client: ArchiveClient, shelf: PageShelf, pace: Throttle, patience: Patience
    ) -> None:
        self._client = client
        self._shelf = shelf
        self._pace = pace
        self._patience = patience

    def fetch(self, url: str, patience: Patience | None = None) -> Page:
        """A page as it is now; the server is always asked.

        Raises
        ------
        ArchiveUnavailable
            If the archive failed every try, or has no such page.
        """

        def attempt(_n_try: int) -> Page:
            held = self._shelf.load(url)
            self._pace.take()
            with self._client.stream("GET", url, unless_still(held.condition)) as answer:
                if answer.status_code == HTTPStatus.NOT_MODIFIED and held.is_meant_by(answer):
                    return held
                if answer.status_code != HTTPStatus.OK:
                    raise unexpected(url, answer)
                page = Page.of(b"".join(self._client.read(answer, PAGE)), answer)
            self._shelf.save(url, page)
            return page

        return insist(attempt, url, patience or self._patience)

    def forget(self, url: str) -> None:
        """Ask for all of a page next time, whatever version it was said to be."""
        self._shelf.drop(url)

    def is_dated(self, url: str, since: str) -> bool:
        """Whether a page is certainly still the one with that Last-Modified, without reading it."""

        def attempt(_n_try: int) -> bool:
            held = self._shelf.load(url)
            self._pace.take()
            with self._client.stream("HEAD", url, unless_still(held.condition)) as answer:
                if answer.status_code == HTTPStatus.NOT_MODIFIED and held.is_meant_by(answer):
                    return held.validators.last_modified == since
                if answer.status_code != HTTPStatus.OK:
                    raise unexpected(url, answer)
                return firm_date(answer) == since

        return bool(since) and insist(attempt, url, self._patience)
