"""Text that is encrypted by a passphrase: AES-256-GCM, with a key that scrypt makes of the passphrase."""

from __future__ import annotations

import base64
import os

from stigmer_tui.core.errors import StigmerError

SALT_SIZE, NONCE_SIZE = 16, 12
COST, BLOCK_SIZE, PARALLELISM = 2**15, 8, 1
"""Of scrypt (RFC 7914): a tenth of a second and 32 MB for each passphrase that is tried."""


def seal(text: str, passphrase: str) -> str:
    """ASCII. The same text never gives the same one twice."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, nonce = os.urandom(SALT_SIZE), os.urandom(NONCE_SIZE)
    data = AESGCM(_key(passphrase, salt)).encrypt(nonce, text.encode(), None)
    return base64.b64encode(salt + nonce + data).decode()


def unseal(sealed: str, passphrase: str) -> str:
    """Raises StigmerError for another passphrase, and for what was changed since."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.b64decode(sealed, validate=True)
        salt, nonce = data[:SALT_SIZE], data[SALT_SIZE : SALT_SIZE + NONCE_SIZE]
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, data[SALT_SIZE + NONCE_SIZE :], None).decode()
    except (InvalidTag, ValueError) as error:
        raise StigmerError("The passphrase is not the one that the key was encrypted with") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt, 32, COST, BLOCK_SIZE, PARALLELISM).derive(passphrase.encode())
