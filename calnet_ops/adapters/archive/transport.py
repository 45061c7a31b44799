"""httpx over urllib3, which boto3 brings along: light curves arrive for a third less CPU time."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import urllib3
from typing_extensions import override
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

CHUNK = 256 * 2**10
"""Most bytes that one read takes. It takes what is there, so that a slow body shows as such. With
the 64 KiB of httpx's own transport, threads spend their time on waiting for each other."""


class Transport(httpx.BaseTransport):
    """Connections, a few to a host.

    Parameters
    ----------
    connections
        To each host; who finds them all taken waits.
    tls
        Trusted authorities.
    """

    def __init__(self, connections: int, tls: ssl.SSLContext) -> None:
        self._pools = urllib3.PoolManager(maxsize=connections, block=True, ssl_context=tls)

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of the answer is still to be read."""
        limits = request.extensions["timeout"]
        with _told_by_httpx(request):
            answer = self._pools.request(
                request.method,
                str(request.url),
                headers={
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in request.headers.raw
                },
                timeout=urllib3.Timeout(connect=limits["connect"], read=limits["read"]),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        headers = [(_raw(name), _raw(value)) for name, value in answer.headers.items()]
        return httpx.Response(answer.status, headers=headers, stream=_Body(request, answer))

    @override
    def close(self) -> None:
        """Close all connections."""
        self._pools.clear()


def _raw(text: str) -> bytes:
    """Header as it came: urllib3 reads them as Latin-1, and a server may send any byte."""
    return text.encode("latin-1")


class _Body(httpx.SyncByteStream):
    """What is left of an answer."""

    def __init__(self, request: httpx.Request, answer: urllib3.BaseHTTPResponse) -> None:
        self._request = request
        self._answer = answer

    @override
    def __iter__(self) -> Iterator[bytes]:
        with _told_by_httpx(self._request):
            while chunk := self._answer.read1(CHUNK):
                yield chunk

    @override
    def close(self) -> None:
        """Give the connection back; one whose body was not read to its end is of no use."""
        self._answer.close()
        self._answer.release_conn()


@contextmanager
def _told_by_httpx(request: httpx.Request) -> Iterator[None]:
    """Say what goes wrong in the words of httpx."""
    try:
        yield
    except ReadTimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except NewConnectionError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except ConnectTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except ProtocolError as error:
        raise _broken(error, request) from error
    except SSLError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except HTTPError as error:
        raise httpx.NetworkError(str(error), request=request) from error


def _broken(error: ProtocolError, request: httpx.Request) -> httpx.TransportError:
    """Tell a connection that was cut from a body that ended before its end."""
    cause = error.args[-1] if error.args else error
    kind = httpx.ReadError if isinstance(cause, OSError) else httpx.RemoteProtocolError
    return kind(str(error), request=request)
