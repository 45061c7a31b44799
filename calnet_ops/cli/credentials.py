"""Secrets of an installation on one machine: made once, in files only their owner can read."""

import json
import secrets
from base64 import urlsafe_b64encode
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

from calnet_ops.adapters.signing import public_key

SIGNING_KEY, PUBLIC_KEY = "signing-key.pem", "signing-key.pub.pem"
"""Files of the key that models are signed with, generated once."""


@dataclass(frozen=True)
class Credentials:
    """Secrets of one installation, generated once and kept in a file only its owner can read."""

    s3_access_key: str
    s3_secret_key: str
    airflow_password: str
    mlflow_password: str
    vetter_password: str
    webhook_secret: str
    fernet_key: str
    jwt_secret: str

    @classmethod
    def load_or_make(cls, file: Path) -> "Credentials":
        """The ones in the file, which is made if it is not there."""
        if not file.exists():
            made = {name: secrets.token_urlsafe(48) for name in cls.__dataclass_fields__}
            made |= {name: secrets.token_hex(8) for name in made if name.endswith("_password")}
            made["s3_access_key"] = secrets.token_hex(10)
            made["fernet_key"] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
            write_secret(file, made)
        return cls(**json.loads(file.read_text()))


def write_mlflow_login(folder: Path, credentials: Credentials) -> None:
    """Configuration of MLflow's login; it reads the password only when it starts first."""
    login = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{folder / 'mlflow-auth.db'}",
        "admin_username": "keeper",
        "admin_password": credentials.mlflow_password,
        "authorization_function": "calnet_ops.adapters.registry.moved:authenticate",
        "auth_cache_ttl_seconds": "60",  # or each call costs the hash of a password
    }
    parser = ConfigParser(interpolation=None)
    parser["mlflow"] = login
    file = folder / "mlflow-auth.ini"
    file.touch(mode=0o600)
    with file.open("w") as stream:
        parser.write(stream)


def make_signing_key(folder: Path) -> None:
    """A key pair for models; one that is there stays, or no model would be trusted any more."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    file = folder / SIGNING_KEY
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.touch(mode=0o600)
        file.write_bytes(pem)
    public = public_key(str(file), "CALNET_SIGNING_KEY")
    (folder / PUBLIC_KEY).write_bytes(public.pem)


def write_secret(file: Path, content: object) -> None:
    """A JSON file that only its owner can read."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=1))
