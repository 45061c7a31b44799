"""Signatures checked with nothing but `cryptography`.

A shard that scores checks the model that it loads. The library that signs costs a process 0.9 s
and 73 MB to import, this 0.04 s; a test holds both against each other.
"""

import base64
import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from calnet_ops.errors import ModelNotTrusted, WrongConfiguration

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://model_signing/signature/v1.0"
"""What a signature of OpenSSF model signing 1 says of itself."""

HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
"""Hash that goes with each curve (sigstore's specification)."""

BEGIN = "-----BEGIN"
"""How a key in PEM begins."""


class PublicKey:
    """A key that checks signatures.

    Parameters
    ----------
    key
        On one of the curves of `HASHES`.
    """

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        self._key = key
        self.pem = key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.fingerprint = hashlib.sha256(self.pem).hexdigest()
        """SHA-256 of its PEM form, which signatures name."""

    def signed_files(self, what: str, signature: bytes) -> dict[str, str]:
        """SHA-256 of each file that a signature vouches for, by name.

        Parameters
        ----------
        what
            Name of the signature, for messages.
        signature
            A sigstore bundle, as `Signer.sign` makes it.

        Raises
        ------
        ModelNotTrusted
            If it is damaged, was not made with this key, or is of another kind.

        References
        ----------
        DSSE 1.0 (envelope, pre-authentication encoding), in-toto Statement 1, OpenSSF model
        signing 1.0 (predicate).
        """
        try:
            envelope = json.loads(signature)["dsseEnvelope"]
            payload = base64.b64decode(envelope["payload"], validate=True)
            signed = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
            kind = envelope["payloadType"]
            self._key.verify(signed, _encode(kind, payload), ec.ECDSA(HASHES[self._key.curve.name]))
            return _files(kind, json.loads(payload))
        except InvalidSignature as error:
            raise self._not_trusted(what, "a signature by another key, or changed") from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise self._not_trusted(what, f"a damaged signature ({error!r:.80})") from error

    def _not_trusted(self, what: str, found: str) -> ModelNotTrusted:
        return ModelNotTrusted(
            what, found=found, expected=f"a signature by key {self.fingerprint[:16]}"
        )


def public_key(text: str, name: str) -> PublicKey:
    """A public key, or the public half of a private one.

    Parameters
    ----------
    text
        The key in PEM or as the base64 of its DER form, or the name of a file with its PEM form.
    name
        Where the text comes from, for messages.

    Raises
    ------
    WrongConfiguration
        If it is not a key on one of the curves that models are signed with.
    """
    body = key_bytes(text, name)
    try:
        key = _load(body)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise no_key(name) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in HASHES:
        raise no_key(name)
    return PublicKey(key)


def key_bytes(text: str, name: str) -> bytes:
    """PEM or DER form of a key, see `public_key`."""
    if text.startswith(BEGIN):
        return text.encode()
    with contextlib.suppress(OSError, ValueError):  # the other form is no name of a file
        return Path(text).read_bytes()
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise no_key(name) from error


def no_key(name: str) -> WrongConfiguration:
    """What to say of something that is no key; not what it is, as it may be a secret."""
    return WrongConfiguration(
        f"environment variable {name}",
        found="no such key",
        expected="an elliptic-curve key (P-256, P-384 or P-521): PEM, its file, or base64 of DER",
        cure="Make one with: openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
    )


def _load(body: bytes) -> Any:
    if body.startswith(BEGIN.encode()):
        if b"PUBLIC" in body:
            return serialization.load_pem_public_key(body)
        return serialization.load_pem_private_key(body, None).public_key()
    try:
        return serialization.load_der_public_key(body)
    except ValueError:
        return serialization.load_der_private_key(body, None).public_key()


def _encode(kind: str, payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def _files(kind: str, statement: Mapping[str, Any]) -> dict[str, str]:
    """Digests of a statement of the one kind that is made here."""
    said = kind, statement["_type"], statement["predicateType"]
    if said != (PAYLOAD, STATEMENT, PREDICATE):
        raise ValueError(f"a statement of another kind: {said}")
    resources = statement["predicate"]["resources"]
    if any(resource["algorithm"] != "sha256" for resource in resources):
        raise ValueError("a digest other than SHA-256")
    return {resource["name"]: resource["digest"] for resource in resources}
