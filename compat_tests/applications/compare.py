"""Compare the outcomes of an application's tests on our engines with those on libzmq."""


def compare(application, reference, engine, result):
    """Hold a run on one of our engines against the one on libzmq.

    Parameters
    ----------
    application : Application
    reference, result : compat_tests.suites.Result
        On libzmq, and here.
    engine : str

    Returns
    -------
    (dict, list)
        Tests with another outcome than on libzmq that the table does not explain, with what was
        said; and tests that the table explains, though they have the same outcome.
    """
    explained = application.differences.get(engine, {})
    failed = {}
    for test, expected in reference.outcomes.items():
        if test == application.name and test not in result.outcomes:
            # On libzmq the process ended with an odd exit code after its tests. On ours it did not.
            continue
        outcome = result.outcomes.get(test, "not run")
        if outcome in ("passed", expected) or test in explained or test in application.by_chance:
            continue
        failed[test] = f"{outcome}, on libzmq {expected}: {result.texts.get(test, '')[-1500:]}"
    for test in result.outcomes.keys() - reference.outcomes.keys():
        # The entry is the name of the application: its process ended before or during collection.
        if result.outcomes[test] not in ("passed", "skipped") and test not in explained:
            failed[test] = f"{result.outcomes[test]}, not run on libzmq: {result.texts[test]}"
    same = [test for test in explained if result.outcomes.get(test) == reference.outcomes.get(test)]
    return failed, same
