"""Receive bodies under a memory limit; test_huge_sizes.py runs this program."""

import resource

from zlinkcompat.wire.ws.frames import ZwsDecoder
from zlinkcompat.wire.zmtp.decoder import Decoder

for decoder, header in (
    (Decoder(), b"\2" + bytes([0, 0, 64]) + bytes(5)),
    (ZwsDecoder(), b"\x82\x7f" + bytes([0, 0, 64]) + bytes(6)),
):
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    decoder.get_buffer()[: len(header)] = header
    decoder.commit(len(header))
    assert decoder.next() is None
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), resource.RLIM_INFINITY))
    for _ in range(3):
        try:
            while True:
                decoder.commit(len(decoder.get_buffer()))
        except MemoryError:
            pass
        else:
            raise SystemExit("there is a limit")
        assert decoder.next() is None
    decoder.release_if_empty()
    del decoder
print("right")
