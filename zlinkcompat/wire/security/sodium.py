"""The cryptography of CURVE: libsodium, called through PyNaCl.

PyNaCl is imported on first use, so that programs without CURVE do not load it. All keys have 32
bytes. A box that cannot be opened gives None instead of an exception, because peers send them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


#: The number of bytes by which a box exceeds its content.
MAC_SIZE = 16


@cache
def bindings() -> Any:
    """Return PyNaCl's ``nacl.bindings``; None if it cannot be imported."""
    try:
        from nacl import bindings
    except ImportError:
        return None
    return bindings


def missing() -> str:
    """Return what to do to get CURVE; "" if it is available."""
    return "" if bindings() else "CURVE needs PyNaCl, which is not installed: pip install PyNaCl"


def keypair() -> tuple[bytes, bytes]:
    """Return a new ``(public key, secret key)``."""
    return bindings().crypto_box_keypair()


def public_of(secret_key: bytes) -> bytes:
    """Return the public key that belongs to a secret key."""
    return bindings().crypto_scalarmult_base(secret_key)


def shared_key(public_key: bytes, secret_key: bytes) -> Any:
    """Return the key that both sides compute once for many boxes; None for a weak public key."""
    return _opened(bindings().crypto_box_beforenm, public_key, secret_key)


def box(data: bytes, nonce: bytes, public_key: bytes, secret_key: bytes) -> Any:
    """Encrypt ``data`` for the owner of ``public_key``; None if that key is weak."""
    return _opened(bindings().crypto_box, data, nonce, public_key, secret_key)


def open_box(data: bytes, nonce: bytes, public_key: bytes, secret_key: bytes) -> bytes | None:
    """Return the content of a box from the owner of ``public_key``, or None."""
    return _opened(bindings().crypto_box_open, data, nonce, public_key, secret_key)


def seal(data: bytes, nonce: bytes, key: bytes) -> bytes:
    """Return a box that is encrypted with a :func:`shared_key`."""
    return bindings().crypto_box_afternm(data, nonce, key)


def open_sealed(data: bytes, nonce: bytes, key: bytes) -> Any:
    """Return the content of a box that is encrypted with a :func:`shared_key`, or None."""
    return _opened(bindings().crypto_box_open_afternm, data, nonce, key)


def secret_box(data: bytes, nonce: bytes, key: bytes) -> bytes:
    """Return a box that is encrypted with a key which only this side has."""
    return bindings().crypto_secretbox(data, nonce, key)


def open_secret_box(data: bytes, nonce: bytes, key: bytes) -> bytes | None:
    """Return the content of a :func:`secret_box`, or None."""
    return _opened(bindings().crypto_secretbox_open, data, nonce, key)


def _opened(function: Callable[..., Any], *arguments: Any) -> bytes | None:
    from nacl.exceptions import CryptoError

    try:
        return function(*arguments)
    except CryptoError:
        return None


def addresses() -> Any:
    """Return the addresses (ints) of libsodium's functions ``crypto_box_..._afternm``.

    The compiled codec calls them directly, which is much faster than PyNaCl's Python functions."""
    from nacl import _sodium

    ffi, lib = _sodium.ffi, _sodium.lib
    return tuple(
        int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        for name in ("crypto_box_easy_afternm", "crypto_box_open_easy_afternm")
    )
