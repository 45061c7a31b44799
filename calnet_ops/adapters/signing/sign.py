"""Models signed with OpenSSF model signing and a key of one's own."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from calnet_ops.adapters.signing.check import BEGIN, PublicKey, key_bytes, public_key

SIGNATURE = "model.sig"


class Signer:
    """Signs the files of models.

    Parameters
    ----------
    pem
        Private key on one of the curves of `check.HASHES`.
    public
        Its public half.
    """

    def __init__(self, pem: bytes, public: PublicKey) -> None:
        self._pem = pem
        self.public = public

    def sign(self, name: str, files: Mapping[str, bytes]) -> bytes:
        """Signature of a folder with these files: a sigstore bundle.

        The same files give another signature each time; all of them are valid.

        Parameters
        ----------
        name
            Of the model.
        files
            Contents by file name.
        """
        from model_signing.signing import Config

        with tempfile.TemporaryDirectory() as folder:
            model, key = Path(folder, name), Path(folder, "key.pem")
            model.mkdir()
            key.touch(mode=0o600)
            key.write_bytes(self._pem)
            for part, body in files.items():
                (model / part).write_bytes(body)
            signature = Path(folder, SIGNATURE)
            config = Config()  # type: ignore[no-untyped-call]
            config.use_elliptic_key_signer(private_key=key).sign(model, signature)
            return signature.read_bytes()


def open_signer(text: str, name: str) -> Signer:
    """Signer with the private key in a text, see `public_key`.

    Raises
    ------
    WrongConfiguration
        If it is not a key on one of the curves that models are signed with.
    """
    public = public_key(text, name)
    body = key_bytes(text, name)
    if not body.startswith(BEGIN.encode()):
        key = serialization.load_der_private_key(body, None)
        body = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    return Signer(body, public)
