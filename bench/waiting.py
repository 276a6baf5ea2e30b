"""How programs of a library wait and run several functions: in threads, greenlets or tasks."""

import asyncio
import threading
import time


class Threads:
    """For libraries that block the thread while they wait."""

    asynchronous = False

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds)

    @staticmethod
    def together(functions):
        """Run all functions at the same time; return their results.

        If one of them raises, raise its error at once, without waiting for the others.
        """
        return in_threads(functions)

    @staticmethod
    def beside(function, *args):
        """Start ``function``, which runs until the process ends."""
        threading.Thread(target=function, args=args, daemon=True).start()


class Greenlets:
    """For libraries that wait in gevent's hub."""

    asynchronous = False

    @staticmethod
    def sleep(seconds):
        import gevent

        gevent.sleep(seconds)

    @staticmethod
    def together(functions):
        import gevent

        running = [gevent.spawn(function) for function in functions]
        gevent.joinall(running, raise_error=True)
        return [each.value for each in running]

    @staticmethod
    def beside(function, *args):
        import gevent

        gevent.spawn(function, *args)


class Tasks:
    """For libraries on asyncio; the functions are coroutine functions."""

    asynchronous = True
    sleep = staticmethod(asyncio.sleep)

    @staticmethod
    def new_loop():
        return asyncio.new_event_loop()

    @classmethod
    def together(cls, functions):
        async def everything():
            return await asyncio.gather(*(function() for function in functions))

        loop = cls.new_loop()
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(everything())
        finally:
            left = asyncio.all_tasks(loop)
            for each in left:
                each.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            asyncio.set_event_loop(None)
            loop.close()


class UvloopTasks(Tasks):
    """For libraries on asyncio, with uvloop's event loop."""

    @staticmethod
    def new_loop():
        import uvloop

        return uvloop.new_event_loop()


def in_threads(functions):
    done = threading.Condition()
    results = {}

    def run(number, function):
        try:
            result = (function(), None)
        except BaseException as error:
            result = (None, error)
        with done:
            results[number] = result
            done.notify()

    for number, function in enumerate(functions):
        threading.Thread(target=run, args=(number, function), daemon=True).start()
    with done:
        while len(results) < len(functions):
            done.wait()
            for _, error in results.values():
                if error is not None:
                    raise error
    return [results[number][0] for number in range(len(functions))]
