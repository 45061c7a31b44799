"""Who may look and judge: HTTP Basic, the same stand-alone and inside Airflow.

Airflow asks for no login in front of an application that a plugin mounts, so these pages
bring their own.
"""

import hashlib
import hmac
import ipaddress
import json
import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, status
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from calnet_ops.errors import WrongConfiguration
from calnet_ops.platform import secret

USERS_VARIABLE = "CALNET_WEB_USERS"
"""JSON object of names and passwords: ``{"vetter": "…"}``."""

TOKEN_HEADER = "X-CALNet-Token"  # noqa: S105
"""Header a page must send with a decision; other sites can neither read nor set it."""

_basic = HTTPBasic(realm="calnet-ops", auto_error=False)


class Login:
    """Checks names and passwords.

    Parameters
    ----------
    users
        Passwords by name; None reads CALNET_WEB_USERS when the first page is asked for.
    """

    def __init__(self, users: Mapping[str, str] | None = None) -> None:
        self._given = users

    @cached_property
    def users(self) -> Mapping[str, str]:
        """Passwords by name."""
        return read_users() if self._given is None else self._given

    def __call__(self, credentials: Annotated[HTTPBasicCredentials | None, Depends(_basic)]) -> str:
        """Name of the person who asks, or 401."""
        if credentials is not None and self._knows(credentials.username, credentials.password):
            return credentials.username
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            "name and password, please",
            {"WWW-Authenticate": 'Basic realm="calnet-ops", charset="UTF-8"'},
        )

    def _knows(self, name: str, password: str) -> bool:
        expected = self.users.get(name)
        same = secrets.compare_digest((expected or "").encode(), password.encode())
        return same and bool(expected)

    def token(self, name: str) -> str:
        """Proof that a request comes from our page; the same for every worker process."""
        key = hashlib.sha256(self.users[name].encode()).digest()
        return hmac.digest(key, f"decision by {name}".encode(), "sha256").hex()

    def check_origin(self, request: Request, name: str) -> None:
        """Refuse (403) what another site made the vetter's browser send."""
        origin = request.headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
        sent = request.headers.get(TOKEN_HEADER, "")
        if foreign or not secrets.compare_digest(sent.encode(), self.token(name).encode()):
            raise HTTPException(status.HTTP_403_FORBIDDEN, "not sent by the vetting page")


def read_users() -> dict[str, str]:
    """Names and passwords from CALNET_WEB_USERS.

    Raises
    ------
    WrongConfiguration
        If it is not set or is not a JSON object of texts.
    """
    try:
        users = json.loads(secret(USERS_VARIABLE))
    except json.JSONDecodeError as error:
        raise _unusable(f"no JSON ({error.msg})") from error
    if not isinstance(users, dict) or not all(isinstance(word, str) for word in users.values()):
        raise _unusable("other JSON")
    return users


def is_loopback(request: Request) -> bool:
    """Whether the request comes from this machine."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _unusable(found: str) -> WrongConfiguration:
    return WrongConfiguration(
        f"environment variable {USERS_VARIABLE}",
        found=found,
        expected='an object of names and passwords, {"vetter": "…"}',
    )
