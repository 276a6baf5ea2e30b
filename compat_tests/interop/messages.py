"""The messages of the matrix; both processes can compute them from a size and a salt."""

import functools
import hashlib

MIB = 1 << 20
SINGLE_FRAMES = ((0,), (1,), (255,), (256,), (8191,), (8192,), (5 * MIB,))
PART_COUNTS = (1, 2, 3, 10, 100)
MULTIPARTS = tuple(tuple((i * 37) % 300 for i in range(n)) for n in PART_COUNTS)
SHAPES = SINGLE_FRAMES + MULTIPARTS

PROBE = b"\xffprobe"

# Use a prime, so that a comparison detects data that are shifted by any power of two.
_PERIOD = 4093


@functools.lru_cache(maxsize=256)
def part(size, salt):
    """Return `size` bytes that depend on `salt`; the first is neither 0 nor 1.

    XPUB and XSUB read a first byte of 0 or 1 as a subscription.
    """
    block = b"#" + hashlib.shake_128(str(salt).encode()).digest(_PERIOD - 1)
    return (block * (size // _PERIOD + 1))[:size]


def build(shape, salt):
    """Return the parts of a message; `shape` has their sizes."""
    return [part(size, f"{salt}/{i % 7}") for i, size in enumerate(shape)]


def digest(frame):
    """Return the size and hash of one frame, which a peer reports instead of the frame."""
    return [len(frame), hashlib.blake2b(frame, digest_size=12).hexdigest()]


def digests(parts):
    """Return the `digest` of each part of a message."""
    return [digest(p) for p in parts]


def expected(salt):
    """Return what the other end must report for one pass over `SHAPES`."""
    return [digests(build(shape, salt)) for shape in SHAPES]
