"""Signatures: made by OpenSSF's library, checked without it, and by it."""

import base64
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from calnet_ops.adapters.signing import open_signer, public_key
from calnet_ops.errors import ModelNotTrusted, WrongConfiguration
from calnet_ops.lineage import sha256_hex
from tests.support.signing_keys import private_pem

FILES = {"calnet.npz": b"weights", "model.json": b"{}"}


@pytest.fixture(scope="module")
def pem():
    return private_pem()


@pytest.fixture(scope="module")
def signature(pem):
    return open_signer(pem, "KEY").sign("abc", FILES)


def flipped(signature, field):
    """The signature with one letter of a part of its envelope changed."""
    bundle = json.loads(signature)
    envelope = bundle["dsseEnvelope"]
    held = envelope if field == "payload" else envelope["signatures"][0]
    body = bytearray(base64.b64decode(held[field]))
    body[len(body) // 2] ^= 1
    held[field] = base64.b64encode(body).decode()
    return json.dumps(bundle).encode()


def test_a_signature_vouches_for_each_file(pem, signature):
    found = public_key(pem, "KEY").signed_files("model.sig", signature)
    assert found == {name: sha256_hex(body) for name, body in FILES.items()}


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_other_curves_serve_as_well(curve):
    other = private_pem(curve)
    signed = open_signer(other, "KEY").sign("abc", FILES)
    assert set(public_key(other, "KEY").signed_files("model.sig", signed)) == set(FILES)


@pytest.mark.parametrize("field", ["payload", "sig"])
def test_a_changed_signature_is_refused(pem, signature, field):
    with pytest.raises(ModelNotTrusted, match=r"model\.sig.*signature"):
        public_key(pem, "KEY").signed_files("model.sig", flipped(signature, field))


def test_a_signature_by_another_key_is_refused(signature):
    with pytest.raises(ModelNotTrusted, match="another key"):
        public_key(private_pem(), "KEY").signed_files("model.sig", signature)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"dsseEnvelope": 3}', b"\xff"])
def test_something_else_is_refused(pem, body):
    with pytest.raises(ModelNotTrusted, match="damaged"):
        public_key(pem, "KEY").signed_files("model.sig", body)


def test_a_statement_of_another_kind_is_refused(pem):
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    from cryptography.hazmat.primitives import hashes

    kind, payload = "text/plain", b"{}"
    signed = key.sign(b"DSSEv1 10 text/plain 2 {}", ec.ECDSA(hashes.SHA256()))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"sig": base64.b64encode(signed).decode()}],
    }
    with pytest.raises(ModelNotTrusted):
        public_key(pem, "KEY").signed_files("s", json.dumps({"dsseEnvelope": envelope}).encode())


def test_a_key_is_taken_in_each_form(pem, tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem)
    private = serialization.load_pem_private_key(pem.encode(), None)
    der = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = public_key(pem, "KEY").pem.decode()
    forms = [pem, str(file), base64.b64encode(der).decode(), public]
    assert len({public_key(form, "KEY").fingerprint for form in forms}) == 1
    assert open_signer(forms[2], "KEY").sign("abc", FILES)


@pytest.mark.parametrize("text", ["secret-text", "c2VjcmV0", "-----BEGIN PUBLIC KEY-----\nx"])
def test_what_is_no_key_is_not_repeated(text):
    with pytest.raises(WrongConfiguration, match="openssl") as caught:
        public_key(text, "CALNET_SIGNING_KEY")
    assert text not in str(caught.value)


def test_a_key_of_another_kind_is_refused():
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(WrongConfiguration, match="P-256"):
        public_key(pem.decode(), "KEY")


@pytest.mark.parametrize("changed", [False, True])
def test_the_tool_of_openssf_verifies_the_same_signature(pem, signature, changed, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for name, body in FILES.items():
        (model / name).write_bytes(body)
    (model / "model.sig").write_bytes(signature)
    (model / "verdict-1.json").write_text("{}")  # the gate adds it later
    (tmp_path / "key.pem").write_bytes(public_key(pem, "KEY").pem)
    if changed:
        (model / "calnet.npz").write_bytes(b"Weights")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "model_signing", "verify", "key", str(model)),
            *("--signature", str(model / "model.sig"), "--ignore_unsigned_files"),
            *("--public_key", str(tmp_path / "key.pem")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is not changed, done.stdout + done.stderr
