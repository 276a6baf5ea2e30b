"""A self-signed certificate for the cases over TLS. The clients of these cases do not verify it."""

import subprocess
from functools import cache

TRANSPORTS = ("tls", "wss")


@cache
def made(folder):
    """Make the certificate in ``folder`` at the first call; return the paths of it and of its key.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        openssl is not installed, or it failed.
    """
    chain, key = f"{folder}/chain.pem", f"{folder}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=bench", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key
