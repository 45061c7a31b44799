"""Signatures of models (OpenSSF model signing), made with a key of the installation's own."""

from calnet_ops.adapters.signing.check import PublicKey, public_key
from calnet_ops.adapters.signing.sign import Signer, open_signer

__all__ = ["PublicKey", "Signer", "open_signer", "public_key"]
