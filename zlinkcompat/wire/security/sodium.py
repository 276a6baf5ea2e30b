"""The cryptography of CURVE: libsodium, called through PyNaCl.

PyNaCl is imported at the first use, so that programs without CURVE do not load it. All keys are 32
bytes. What cannot be opened is None, never an exception: it is what peers send.
"""

from functools import cache

#: Bytes that a box is longer than what is in it.
MAC_SIZE = 16


@cache
def bindings():
    """PyNaCl's ``nacl.bindings``; None if it cannot be imported."""
    try:
        from nacl import bindings
    except ImportError:
        return None
    return bindings


def missing():
    """What to do to have CURVE; "" if it is there."""
    return "" if bindings() else "CURVE needs PyNaCl, which is not installed: pip install PyNaCl"


def keypair():
    """A new ``(public key, secret key)``."""
    return bindings().crypto_box_keypair()


def public_of(secret_key):
    """The public key of a secret one."""
    return bindings().crypto_scalarmult_base(secret_key)


def shared_key(public_key, secret_key):
    """What both sides compute once for many boxes; None if ``public_key`` is a weak one."""
    return _opened(bindings().crypto_box_beforenm, public_key, secret_key)


def box(data, nonce, public_key, secret_key):
    """``data`` for the owner of ``public_key``, from that of ``secret_key``; None if it is weak."""
    return _opened(bindings().crypto_box, data, nonce, public_key, secret_key)


def open_box(data, nonce, public_key, secret_key):
    """What is in a box from the owner of ``public_key``, or None."""
    return _opened(bindings().crypto_box_open, data, nonce, public_key, secret_key)


def seal(data, nonce, key):
    """A box by a :func:`shared_key`."""
    return bindings().crypto_box_afternm(data, nonce, key)


def open_sealed(data, nonce, key):
    """What is in a box by a :func:`shared_key`, or None."""
    return _opened(bindings().crypto_box_open_afternm, data, nonce, key)


def secret_box(data, nonce, key):
    """A box by a key that only this side has."""
    return bindings().crypto_secretbox(data, nonce, key)


def open_secret_box(data, nonce, key):
    """What is in a :func:`secret_box`, or None."""
    return _opened(bindings().crypto_secretbox_open, data, nonce, key)


def _opened(function, *arguments):
    from nacl.exceptions import CryptoError

    try:
        return function(*arguments)
    except CryptoError:
        return None


def addresses():
    """Where libsodium's ``crypto_box_easy_afternm`` and ``..._open_easy_afternm`` are (ints).

    The compiled codec calls them there: PyNaCl's way in Python costs 2.4 us each."""
    from nacl import _sodium

    ffi, lib = _sodium.ffi, _sodium.lib
    return tuple(
        int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        for name in ("crypto_box_easy_afternm", "crypto_box_open_easy_afternm")
    )
