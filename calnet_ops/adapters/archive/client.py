"""HTTP as we speak it with an archive: polite, bounded, and with allowed hosts only."""

import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Self

import httpx

import calnet_ops
from calnet_ops.adapters.archive.body import Bound, read_body, read_small
from calnet_ops.adapters.archive.breaker import Breaker
from calnet_ops.adapters.archive.headers import retry_after_s
from calnet_ops.adapters.archive.retry import CAP_S, Again
from calnet_ops.adapters.archive.throttle import Throttle
from calnet_ops.adapters.archive.transport import Transport
from calnet_ops.errors import ArchiveUnavailable, CalnetError, IncompleteDownload

CONNECTIONS_PER_HOST = 4
"""MAST strained under 100 (lightkurve issue 993); four each to five hosts fetched 55,986 files
without a single 429."""

READ_S = 60.0
"""A body that stalls so long is given up and resumed [s]."""

ATTEMPT_S = 180.0
"""A body that has not ended after so long is given up and resumed [s]: a light curve takes about
4 s of one connection to MAST, so a server that drips is meant."""

CONNECT_S = 20.0

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be better next time."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Both 302 and 307 were seen of MAST."""

MAX_REDIRECTS = 5


class ArchiveClient:
    """Requests to the hosts of an archive and to no others.

    Parameters
    ----------
    client
        Must not follow redirects by itself.
    hosts
        Hosts, with their port if it is not the scheme's, that may be asked.
    attempt_s
        Longest time that a body may take [s].
    breaker
        Remembers hosts that are down.
    """

    def __init__(
        self, client: httpx.Client, hosts: Iterable[str], attempt_s: float, breaker: Breaker
    ) -> None:
        self._client = client
        self._hosts = frozenset(hosts)
        self._attempt_s = attempt_s
        self._breaker = breaker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        *,
        on_trial: bool = False,
    ) -> Iterator[httpx.Response]:
        """Answer of the host that redirects lead to; its body is still to be read.

        Parameters
        ----------
        method, url, headers
            Of the request.
        on_trial
            Ask also a host that failed often, to find out whether it is still down.

        Raises
        ------
        Again
            If the host is busy, or redirects to where we do not go.
        LeftAlone
            If the host has failed so often, or asked for so long a rest, that it is not asked.
        httpx.RequestError
            If there is no answer.
        """
        here = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            with self._request(method, here, headers or {}, on_trial=on_trial) as answer:
                if answer.status_code not in REDIRECTS:
                    yield answer
                    return
                read_small(answer)
                here = self.redirected(here, answer.headers.get("Location", ""))
        raise Again(
            ArchiveUnavailable(url, found="another redirect", expected=f"at most {MAX_REDIRECTS}")
        )

    def read(
        self,
        answer: httpx.Response,
        bound: Bound,
        *,
        n_held: int = 0,
        throttle: Throttle | None = None,
    ) -> Iterator[bytes]:
        """Chunks of the body of an answer of `stream`, see `body.read_body`."""
        return read_body(answer, bound, self._attempt_s, n_held, throttle)

    @contextmanager
    def _request(
        self, method: str, url: httpx.URL, headers: dict[str, str], *, on_trial: bool
    ) -> Iterator[httpx.Response]:
        """One answer of one host, counted by the breaker."""
        host = url.netloc.decode()
        self._breaker.ask(host, on_trial=on_trial)
        try:
            with self._client.stream(method, url, headers=headers) as answer:
                _expect_not_busy(str(url), answer)
                yield answer
        except Again as again:
            # a body that was cut is the trouble of one file: the host did answer
            cut = isinstance(again.error, IncompleteDownload)
            self._breaker.count(host, str(url), failed=not cut)
            if again.asked_s > CAP_S and answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                self._breaker.leave(host, again.asked_s)  # other statuses are about one file
            raise
        except httpx.RequestError:
            self._breaker.count(host, str(url), failed=True)
            raise
        except CalnetError:
            self._breaker.count(host, str(url), failed=False)
            raise
        self._breaker.count(host, str(url), failed=False)

    def redirected(self, here: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads.

        Raises
        ------
        Again
            If it leads to where we do not go: an archive that sends us elsewhere is not believed.
        """
        try:
            there = here.join(location)
        except (httpx.InvalidURL, ValueError):
            there = httpx.URL("")
        downgrade = here.scheme == "https" and there.scheme != "https"
        known = there.netloc.decode() in self._hosts and not there.userinfo
        if not location or downgrade or there.scheme not in {"http", "https"} or not known:
            raise Again(
                ArchiveUnavailable(
                    str(here),
                    found=f"a redirect to {location[:200]!r}",
                    expected=f"one to {', '.join(sorted(self._hosts))}",
                    cure="A host that the archive really uses belongs to `redirects` of paths.json",
                )
            )
        return there


def open_client(
    bases: Iterable[str],
    contact: str,
    *,
    redirects: Iterable[str] = (),
    read_s: float = READ_S,
    attempt_s: float = ATTEMPT_S,
    breaker: Breaker | None = None,
) -> ArchiveClient:
    """HTTP client with few connections per host and a name that tells who asks.

    Parameters
    ----------
    bases
        Base URLs.
    contact
        Address of the people who run this installation.
    redirects
        Hosts that may be redirected to besides those of the bases.
    read_s, attempt_s
        Longest silence of a server, and longest time that a body may take [s].
    breaker
        Remembers hosts that are down; a new one by default.
    """
    hosts = {httpx.URL(base).netloc.decode() for base in bases} | {*map(str.lower, redirects)}
    agent = f"calnet-ops/{calnet_ops.__version__}" + (f" ({contact})" if contact else "")
    client = httpx.Client(
        # bytes are to be counted and hashed as they are stored
        headers={"User-Agent": agent, "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(read_s, connect=CONNECT_S, pool=None),
        follow_redirects=False,
        transport=Transport(CONNECTIONS_PER_HOST, _tls()),
    )
    return ArchiveClient(client, hosts, attempt_s, breaker or Breaker())


def unexpected(url: str, answer: httpx.Response) -> ArchiveUnavailable:
    """Error for a status that is neither success nor a known trouble."""
    missing = answer.status_code == HTTPStatus.NOT_FOUND
    return ArchiveUnavailable(
        url,
        found=f"status {answer.status_code}",
        expected="status 200",
        cure="See what the archive has with `calnet-ops sectors --poll`." if missing else "",
    )


@cache
def _tls() -> ssl.SSLContext:
    """Trusted authorities, read once: it takes 20 ms for each connection pool."""
    return httpx.create_ssl_context()


def _expect_not_busy(url: str, answer: httpx.Response) -> None:
    if answer.status_code in BUSY:
        read_small(answer)
        raise Again(unexpected(url, answer), retry_after_s(answer))
