"""Compare the outcomes of an application's tests on our engines with those on libzmq."""


def compare(application, reference, engine, result):
    """Compare a run on one of our engines with the run on libzmq.

    Parameters
    ----------
    application : Application
    reference, result : compat_tests.suites.Result
        The run on libzmq, and the run on our engine.
    engine : str

    Returns
    -------
    dict
        Tests whose outcome differs from libzmq's and is not explained by the table, with their
        texts.
    list
        Tests whose outcome the table explains as different, although it is the same.
    """
    explained = application.differences.get(engine, {})
    failed = {}
    for test, expected in reference.outcomes.items():
        if test == application.name and test not in result.outcomes:
            # This entry is not a test: on libzmq the process ended with a bad exit code after its
            # tests. On our engine it did not.
            continue
        outcome = result.outcomes.get(test, "not run")
        if outcome in ("passed", expected) or test in explained or test in application.by_chance:
            continue
        failed[test] = f"{outcome}, on libzmq {expected}: {result.texts.get(test, '')[-1500:]}"
    for test in result.outcomes.keys() - reference.outcomes.keys():
        # ``test`` may be the name of the application, if its process ended before or during the
        # collection of tests.
        if result.outcomes[test] not in ("passed", "skipped") and test not in explained:
            failed[test] = f"{result.outcomes[test]}, not run on libzmq: {result.texts[test]}"
    same = [test for test in explained if result.outcomes.get(test) == reference.outcomes.get(test)]
    return failed, same
