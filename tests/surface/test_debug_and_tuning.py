"""Test the build information and the table of settings."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from programs import environment, run

import zlinkcompat as zmq
from zlinkcompat import debug, tuning
from zlinkcompat.debug import build_info, compiled_modules


def info(**variables):
    return json.loads(
        run(
            """
        import json
        from zlinkcompat.debug import build_info
        print(json.dumps(build_info()))
    """,
            **variables,
        )
    )


def test_build_info_of_the_pure_fallback():
    told = info(ZLINKCOMPAT_PURE="1")
    assert told["pure"] is True and told["compiled"] is False
    assert told["modules"] and not any(told["modules"].values())


def test_build_info_of_the_compiled_build():
    """Either all modules are compiled or, if the build had no compiler, none."""
    told = info(ZLINKCOMPAT_PURE=None)
    assert told["pure"] is False
    assert set(told["modules"].values()) == {told["compiled"]}


@pytest.mark.parametrize("value", ["0", "", "yes"])
def test_only_1_selects_the_pure_fallback(value):
    assert info(ZLINKCOMPAT_PURE=value)["pure"] is False


def test_build_info_names_the_versions():
    told = build_info()
    assert told["python"] == sys.version.split()[0]
    assert told["version"].count(".") == 2
    assert set(told["modules"]) == set(compiled_modules())


def test_whole_message_path_is_compiled():
    assert {
        "zlinkcompat._backend.socket",
        "zlinkcompat._backend.socket_handle",
        "zlinkcompat.core.receive",
        "zlinkcompat.core.send",
        "zlinkcompat.core.socket",
        "zlinkcompat.engine.connection",
        "zlinkcompat.routing.pipe",
        "zlinkcompat.wire.zmtp.decoder",
        "zlinkcompat.wire.zmtp.encoder",
        "zlinkcompat.transports.socket_stream",
    } <= set(compiled_modules())


def test_pure_fallback_talks_to_the_compiled_build():
    """Two processes exchange messages: one uses the pure-Python fallback, the other this build."""
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import zlinkcompat as zmq\n"
                "with zmq.Context() as context, context.socket(zmq.REP) as rep:\n"
                "    rep.bind('tcp://127.0.0.1:*')\n"
                "    print(rep.last_endpoint.decode(), flush=True)\n"
                "    rep.send(rep.recv()[::-1])\n"
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(ZLINKCOMPAT_PURE="1"),
    )
    with server:
        endpoint = server.stdout.readline().strip()
        assert (
            run(
                f"""
            import zlinkcompat as zmq
            with zmq.Context() as context, context.socket(zmq.REQ) as req:
                req.connect("{endpoint}")
                req.send(b"abc")
                print(req.recv())
        """,
                ZLINKCOMPAT_PURE=None,
            )
            == "b'cba'\n"
        )
    assert server.returncode == 0


@pytest.mark.parametrize("look", [debug.counters, debug.connections])
def test_debug_functions_refuse_a_closed_socket(look):
    with zmq.Context() as context:
        sock = context.socket(zmq.PAIR)
        sock.close()
        with pytest.raises(zmq.ZMQError) as caught:
            look(sock)
    assert caught.value.errno == zmq.ENOTSOCK


# -- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", tuning.TABLE, ids=lambda setting: setting.name)
def test_setting_has_a_default_and_a_description(monkeypatch, setting):
    monkeypatch.delenv(setting.variable, raising=False)
    assert tuning.get(setting.name) == setting.default
    assert setting.allows(setting.default)
    assert setting.effect and setting.unit


@pytest.mark.parametrize("setting", tuning.TABLE, ids=lambda setting: setting.name)
def test_environment_overrides_the_option(monkeypatch, setting):
    value = setting.least + 1
    monkeypatch.setenv(setting.variable, str(value))
    assert setting.variable.startswith(("ZLINK_", "ZMQ_ASIO_"))
    assert tuning.get(setting.name) == tuning.get(setting.name, chosen=0) == value


@pytest.mark.parametrize("setting", tuning.TABLE, ids=lambda setting: setting.name)
def test_setting_out_of_bounds_is_refused(monkeypatch, setting):
    for value in (setting.least - 1, setting.greatest + 1):
        monkeypatch.setenv(setting.variable, str(value))
        with pytest.raises(ValueError, match=f"{setting.variable}='{value}'"):
            tuning.get(setting.name)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "1 ", "0x10", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_non_numeric_setting_is_refused(monkeypatch, text):
    monkeypatch.setenv("ZLINK_BATCH_TIME", text)
    with pytest.raises(ValueError, match=r"ZLINK_BATCH_TIME.*microseconds"):
        tuning.get("batch_time")


def test_unknown_setting_is_a_key_error():
    with pytest.raises(KeyError):
        tuning.get("nothing")


@pytest.mark.parametrize(
    "setting",
    [setting for setting in tuning.TABLE if setting.name != "read_buffer"],
    ids=lambda setting: setting.name,
)
@pytest.mark.parametrize("more", [0, 1])
def test_messages_arrive_with_any_setting(setting, more):
    assert (
        run(
            """
        import zlinkcompat as zmq
        with zmq.Context() as context, context.socket(zmq.PUSH) as push, \\
                context.socket(zmq.PULL) as pull:
            push.bind("tcp://127.0.0.1:*")
            pull.connect(push.last_endpoint)
            pull.rcvtimeo = push.sndtimeo = 10_000
            sent = [bytes([number]) * number * 100 for number in range(200)]
            for message in sent:
                push.send(message)
            push.send_multipart([b"x" * 200_000, b"end"])
            print([pull.recv() for _ in sent] == sent, len(pull.recv_multipart()[0]))
    """,
            **{setting.variable: str(max(setting.least, 0) + more)},
        )
        == "True 200000\n"
    )


def test_tables_of_the_manual_match_the_code():
    """If this test fails, run ``python tools/generate_docs.py``."""
    root = Path(__file__).resolve().parents[2]
    made = runpy.run_path(str(root / "tools" / "generate_docs.py"))
    for name in made["TABLES"]:
        assert made["page"](name) == (root / "docs" / name).read_text()
