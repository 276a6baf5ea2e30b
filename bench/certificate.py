"""A certificate for the cases over TLS; no end verifies it."""

import subprocess
from functools import cache

TRANSPORTS = ("tls", "wss")


@cache
def made(folder):
    """Make it in ``folder``, once; returns the paths (str) of the certificate and its key.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        There is no openssl, or it cannot.
    """
    chain, key = f"{folder}/chain.pem", f"{folder}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=bench", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key
