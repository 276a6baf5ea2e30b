import os
import subprocess

import pytest
from hosts import ip


@pytest.fixture
def hosts():
    """Give ``(server, client, pull, plug)``: two hosts, functions to pull and plug the cable."""
    server, client = (f"zlc-{os.getpid()}-{name}" for name in "sc")
    try:
        ip("netns", "add", server)
        ip("netns", "add", client)
        ip(
            "link",
            "add",
            "cable",
            "netns",
            server,
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            client,
        )
        for name, address in ((server, "10.97.0.1/24"), (client, "10.97.0.2/24")):
            ip("-n", name, "address", "add", address, "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
    except (OSError, subprocess.CalledProcessError) as error:
        for name in (server, client):
            if os.path.exists(f"/run/netns/{name}"):
                ip("netns", "delete", name)
        # Most containers do not have the privilege that network namespaces need. Nothing else can
        # separate two hosts on one machine.
        pytest.skip(f"network namespaces: {getattr(error, 'stderr', None) or error}")
    yield (
        server,
        client,
        lambda: ip("-n", server, "link", "set", "cable", "down"),
        lambda: ip("-n", server, "link", "set", "cable", "up"),
    )
    for name in (server, client):
        ip("netns", "delete", name)
