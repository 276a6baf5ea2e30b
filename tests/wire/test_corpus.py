"""Run the fuzzer's corpus through both builds of the codecs.

Both builds must give the same results, and raise only what the fuzzer's target expects.
"""

import pytest
from builds import CODECS, CURVE, ZWS

from reliability.connections import Place
from reliability.fuzz import CORPUS, NAMES
from reliability.targets import TARGETS, Codecs


@pytest.fixture(autouse=True)
def place():
    """At the end, close the sockets that the target ``connection`` shares between inputs."""
    yield
    Place.leave()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the sdist leaves out the fuzzer's corpus")
@pytest.mark.parametrize("name", NAMES)
def test_both_builds_agree_on_the_corpus(name):
    inputs = sorted(path.read_bytes() for path in (CORPUS / name).iterdir())
    assert len(inputs) > 5
    for data in filter(None, inputs):
        results = [
            TARGETS[name](Codecs(CODECS[build], ZWS[build], CURVE[build]), data) for build in CODECS
        ]
        assert all(result == results[0] for result in results), data
