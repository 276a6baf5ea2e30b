"""The command line of the long runs, for instance ``python -m reliability soak --minutes 10``."""

import argparse
import json
import sys

from reliability import results


def soak(args):
    from reliability.soak import run

    return f"soak-{args.engine}", run(args.engine, args.minutes)


def load(args):
    from reliability.load import run

    return "load", run(args.connections, args.rounds)


def faults(args):
    from reliability.faults import run

    return "faults", run()


def fuzz(args):
    from reliability.fuzz import NAMES, run

    found = run(args.seconds, args.target or NAMES)
    # Keep the stored results of targets that are not in this run.
    before = results.load().get("fuzz", {"targets": {}})
    found["targets"] = {**before["targets"], **found["targets"]}
    return "fuzz", found


def threads(args):
    from reliability.crowds import run_rounds

    return "threads", run_rounds(args.threads, args.requests, args.rounds)


def churn(args):
    from reliability.crowds import run_churn

    return "churn", run_churn(args.seconds)


def closing(args):
    from reliability.crowds import run_closing

    return "closing", run_closing(args.seconds, args.switch_interval)


def subscriber(args):
    from reliability.computing import run

    return "subscriber", run(args.seconds, args.times)


def gil(args):
    from reliability.gil import run

    return "gil", run()


def main():
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="store the results in results.json")
    runs = parser.add_subparsers(required=True)

    one = runs.add_parser("soak", help="keep 1,000 connections open and replace 64 each second")
    one.add_argument("--minutes", type=float, default=10)
    one.add_argument("--engine", choices=["hub", "thread"], default="hub")
    one.set_defaults(run=soak)

    one = runs.add_parser(
        "load", help="make 10,000 connections to one ROUTER of zlinkcompat, then of pyzmq"
    )
    one.add_argument("--connections", type=int, default=10_000)
    one.add_argument("--rounds", type=int, default=3)
    one.set_defaults(run=load)

    one = runs.add_parser("faults", help="run tests/faults with a fault at every byte")
    one.set_defaults(run=faults)

    one = runs.add_parser("fuzz", help="fuzz the code that handles a peer's bytes, with atheris")
    one.add_argument("--seconds", type=int, default=60, help="how long to fuzz each target")
    one.add_argument("--target", action="append", help="fuzz only this target (may be repeated)")
    one.set_defaults(run=fuzz)

    one = runs.add_parser(
        "threads", help="let 200 native threads send 1,000 requests each, ten times"
    )
    one.add_argument("--threads", type=int, default=200)
    one.add_argument("--requests", type=int, default=1000)
    one.add_argument("--rounds", type=int, default=10)
    one.set_defaults(run=threads)

    one = runs.add_parser("churn", help="let threads create and close sockets and contexts")
    one.add_argument("--seconds", type=float, default=60)
    one.set_defaults(run=churn)

    one = runs.add_parser("closing", help="close sockets while other threads call them")
    one.add_argument("--seconds", type=float, default=180)
    one.add_argument(
        "--switch-interval",
        type=float,
        default=1e-6,
        help="the value for sys.setswitchinterval, in seconds",
    )
    one.set_defaults(run=closing)

    one = runs.add_parser("subscriber", help="receive in a SUB that computes in between")
    one.add_argument("--seconds", type=float, default=5, help="how long each computation takes")
    one.add_argument("--times", type=int, default=4)
    one.set_defaults(run=subscriber)

    one = runs.add_parser("gil", help="measure how the GIL affects round trips and heartbeats")
    one.set_defaults(run=gil)

    args = parser.parse_args()
    name, found = args.run(args)
    print(json.dumps({name: found}, indent=1))
    if args.keep:
        results.keep(name, found)
    sys.exit(bool(found.get("failures")))


if __name__ == "__main__":
    main()
