"""Helpers for hand-written peers of TLS endpoints, and certificates that are refused."""

import datetime
import ssl

import certificates
import gevent
from guard import GUARD

TLS_UNSPECIFIED, TLS_CERTIFICATE = 0x40000000, 0x40000001

NOW = datetime.datetime.now(datetime.UTC)

DAY = datetime.timedelta(days=1)

EXPIRED = {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}

NOT_YET = {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}


def still_works(pull_sock, push):
    push(pull_sock.last_endpoint).send(b"undisturbed")
    assert pull_sock.recv() == b"undisturbed"


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.ca_pem().decode())
    return context


def in_thread(call, *args):
    """Run a blocking call of the standard library in another thread, so that this hub runs."""
    with gevent.Timeout(GUARD):
        return gevent.get_hub().threadpool.apply(call, args)


def port_of(sock):
    return int(sock.last_endpoint.rpartition(b":")[2].partition(b"/")[0])


def upgrade_request(path):
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def replace(path, data):
    """Replace a file atomically, as certbot and other programs do."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def der(pem):
    return ssl.PEM_cert_to_DER_cert(
        pem.decode().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
