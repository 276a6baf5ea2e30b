"""Distribute tasks to workers by PUSH, and collect the results by PULL (ventilator and sink).

Each worker reports that it is there, so the tasks are shared out evenly. The workers end with the
context.

    python worker_pool.py
"""

import threading

import zmq

WORKERS, TASKS = 4, 200


def worker(context, tasks_at, results_at):
    with context.socket(zmq.PULL) as tasks, context.socket(zmq.PUSH) as results:
        tasks.connect(tasks_at)
        results.connect(results_at)
        results.send_pyobj("ready")
        try:
            while True:
                task = tasks.recv_pyobj()
                results.send_pyobj((task, task * task))
        except zmq.ContextTerminated:
            pass


def main():
    context = zmq.Context.instance()
    ventilator, sink = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    ventilator.bind("tcp://127.0.0.1:*")
    sink.bind("tcp://127.0.0.1:*")
    ends = ventilator.last_endpoint, sink.last_endpoint
    workers = [threading.Thread(target=worker, args=(context, *ends)) for _ in range(WORKERS)]
    for thread in workers:
        thread.start()
    print([sink.recv_pyobj() for _ in workers])
    for task in range(TASKS):
        ventilator.send_pyobj(task)
    results = dict(sink.recv_pyobj() for _ in range(TASKS))
    ventilator.close()
    sink.close()
    context.term()
    for thread in workers:
        thread.join()
    print(len(results), "results, their sum:", sum(results.values()))


if __name__ == "__main__":
    main()
