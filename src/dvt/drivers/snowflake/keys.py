"""Reads private keys, in the forms that dbt-snowflake takes."""

from __future__ import annotations

import base64
from pathlib import Path

from dvt.core.errors import BadOutput


def private_key(name: str, text: str | None, path: Path | None, passphrase: str | None) -> bytes | None:
    """Return a private key as the client takes it (DER, PKCS #8); None if neither text nor path is given.

    The text is PEM, or DER in base64. BadOutput says what is wrong with a key, never what it is.
    """
    if text is None and path is None:
        return None
    where = f"private_key_path {path}" if path else "private_key"
    try:
        data = path.read_bytes() if path else (text or "").strip().encode()
        return _decoded(data, passphrase.encode() if passphrase else None)
    except OSError as error:
        raise BadOutput(name, "snowflake", f"{where} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):  # its text may show a part of the key
        problem = f"{where} is no private key, or private_key_passphrase is not the one of it"
        raise BadOutput(name, "snowflake", problem) from None


def _decoded(data: bytes, passphrase: bytes | None) -> bytes:
    from cryptography.hazmat.primitives import serialization

    if data.lstrip().startswith(b"-"):
        key = serialization.load_pem_private_key(data, passphrase)
    else:
        key = serialization.load_der_private_key(base64.b64decode(data, validate=False), passphrase)
    return key.private_bytes(
        encoding=serialization.Encoding.DER,
        format=serialization.PrivateFormat.PKCS8,
        encryption_algorithm=serialization.NoEncryption(),
    )
