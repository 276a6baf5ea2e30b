"""``python -m reliability soak --minutes 10``, and the other runs."""

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
    # A run of some targets leaves the figures of the others.
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
    parser.add_argument("--keep", action="store_true", help="put the figures in results.json")
    runs = parser.add_subparsers(required=True)

    one = runs.add_parser("soak", help="1,000 connections come and go at 64 a second")
    one.add_argument("--minutes", type=float, default=10)
    one.add_argument("--engine", choices=["hub", "thread"], default="hub")
    one.set_defaults(run=soak)

    one = runs.add_parser("load", help="10,000 connections on one ROUTER, beside pyzmq's")
    one.add_argument("--connections", type=int, default=10_000)
    one.add_argument("--rounds", type=int, default=3)
    one.set_defaults(run=load)

    one = runs.add_parser("faults", help="tests/faults with a fault at every byte")
    one.set_defaults(run=faults)

    one = runs.add_parser("fuzz", help="atheris on what a stranger's bytes reach")
    one.add_argument("--seconds", type=int, default=60, help="for each target")
    one.add_argument("--target", action="append", help="one of them; may be given again")
    one.set_defaults(run=fuzz)

    one = runs.add_parser("threads", help="200 native threads that ask 1,000 times, ten times")
    one.add_argument("--threads", type=int, default=200)
    one.add_argument("--requests", type=int, default=1000)
    one.add_argument("--rounds", type=int, default=10)
    one.set_defaults(run=threads)

    one = runs.add_parser("churn", help="threads that make, close and terminate")
    one.add_argument("--seconds", type=float, default=60)
    one.set_defaults(run=churn)

    one = runs.add_parser("closing", help="sockets are closed under other threads' calls")
    one.add_argument("--seconds", type=float, default=180)
    one.add_argument(
        "--switch-interval", type=float, default=1e-6, help="seconds, for sys.setswitchinterval"
    )
    one.set_defaults(run=closing)

    one = runs.add_parser("subscriber", help="a SUB that computes between its receives")
    one.add_argument("--seconds", type=float, default=5, help="that it computes each time")
    one.add_argument("--times", type=int, default=4)
    one.set_defaults(run=subscriber)

    one = runs.add_parser("gil", help="what the GIL costs round trips and heartbeats")
    one.set_defaults(run=gil)

    args = parser.parse_args()
    name, found = args.run(args)
    print(json.dumps({name: found}, indent=1))
    if args.keep:
        results.keep(name, found)
    sys.exit(bool(found.get("failures")))


if __name__ == "__main__":
    main()
