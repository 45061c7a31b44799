"""Signatures of stored models: made when a model is kept, checked whenever it is loaded."""

from collections.abc import Mapping
from pathlib import Path

import structlog

from calnet_ops import keys
from calnet_ops.adapters.signing import PublicKey
from calnet_ops.adapters.store import Store
from calnet_ops.errors import ModelNotTrusted
from calnet_ops.lineage import sha256_hex
from calnet_ops.platform import model_key, model_signer

SIGNED = (
    "calnet.npz",
    "calnet.tflite",
    "calnet.keras",
    "model.json",
    "evidence.json",
    "reference.parquet",
)
"""Parts of a model that a signature vouches for, if they are there. Verdicts and cards come
later, and are told by the ledger and made from these."""

log = structlog.get_logger()


def sign_model(model_id: str, store: Store) -> str:
    """Sign the parts of a stored model; free if the key at hand has signed it.

    Returns
    -------
    key
        Of the signature; empty where CALNET_SIGNING_KEY is not set, which is said aloud.

    Raises
    ------
    ModelNotTrusted
        If the key at hand has signed other parts.
    """
    signer = model_signer()
    if signer is None:
        log.warning("model_not_signed", model_id=model_id, cure="Set CALNET_SIGNING_KEY.")
        return ""
    names = [part for part in SIGNED if store.exists(keys.model(model_id, part))]
    parts = {name: store.load(keys.model(model_id, name)) for name in names}
    key = keys.signature(model_id, signer.public.fingerprint)
    if not store.exists(key):
        store.save_new(key, signer.sign(model_id, parts), "application/json")
    _check(model_id, parts, signer.public, store)
    log.info("model_signed", key=key, parts=names)
    return key


def check_parts(model_id: str, parts: Mapping[str, bytes], store: Store) -> None:
    """Check that parts of a model, as they were loaded, are those that were signed.

    Without a public key nothing can be checked: that is said aloud, once a process.

    Parameters
    ----------
    parts
        Contents by name.

    Raises
    ------
    ModelNotTrusted
        If a byte has changed, or the signature is missing or not by our key.
    """
    key = model_key()
    if key is None:
        _say_unchecked(f"models/{model_id}")
    else:
        _check(model_id, parts, key, store)


def check_file(file: Path, body: bytes) -> None:
    """Check a model file outside the store by the signature beside it, see `check_parts`.

    Raises
    ------
    ModelNotTrusted
        If there is a public key, and no signature by it that vouches for these bytes.
    """
    key = model_key()
    if key is None:
        _say_unchecked(file.name)
        return
    signature = file.with_name(keys.signature_name(key.fingerprint))
    if not signature.is_file():
        raise ModelNotTrusted(
            file.name,
            found="no signature",
            expected=f"{signature.name} beside it",
            cure="If you trust the file, unset CALNET_SIGNING_PUBLIC_KEY and CALNET_SIGNING_KEY, "
            "or register it with: calnet-ops model import FILE",
        )
    digests = key.signed_files(signature.name, signature.read_bytes()).values()
    if sha256_hex(body) not in digests:
        raise ModelNotTrusted(
            file.name, found="other bytes", expected=f"those that {signature.name} vouches for"
        )


def _check(model_id: str, parts: Mapping[str, bytes], key: PublicKey, store: Store) -> None:
    place = keys.signature(model_id, key.fingerprint)
    if not store.exists(place):
        raise _unsigned(model_id, place, store)
    signed = key.signed_files(place, store.load(place))
    for name, body in parts.items():
        if signed.get(name) != sha256_hex(body):
            raise ModelNotTrusted(
                keys.model(model_id, name),
                found="bytes that were not signed" if name in signed else "a file not signed",
                expected=f"SHA-256 {signed.get(name, 'of the signature')}",
                cure="Do not score with it. Find out who wrote it; put the signed file back from a "
                "backup, or train anew.",
            )


def _unsigned(model_id: str, place: str, store: Store) -> ModelNotTrusted:
    prefix = keys.model(model_id, "")
    others = [key for key in store.iter_keys(prefix) if key.endswith(".sig")]
    return ModelNotTrusted(
        prefix,
        found=f"signatures of other keys only ({', '.join(others)})" if others else "no signature",
        expected=place,
        cure=f"If you trust these files, run where CALNET_SIGNING_KEY is set: "
        f"calnet-ops model sign {model_id}",
    )


_SAID: set[str] = set()


def _say_unchecked(what: str) -> None:
    if what not in _SAID:
        _SAID.add(what)
        log.warning("model_not_checked", what=what, cure="Set CALNET_SIGNING_PUBLIC_KEY.")
