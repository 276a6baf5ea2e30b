"""A certificate for the cases over TLS, which nobody verifies: made once for each process."""

import atexit
import shutil
import subprocess
import tempfile
from functools import cache

TRANSPORTS = ("tls", "wss")


@cache
def files():
    """Paths (str) of the certificate and its key."""
    folder = tempfile.mkdtemp(prefix="bench-")
    atexit.register(shutil.rmtree, folder, True)
    chain, key = f"{folder}/chain.pem", f"{folder}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=bench", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key
