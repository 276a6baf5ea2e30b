"""Carry OpenTelemetry's context with each message, so that a trace leads from sender to receiver.

It needs OpenTelemetry's SDK (``pip install opentelemetry-sdk``). Run it on either library:

    python traced_pipeline.py
"""

import json
import threading

import zmq
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

tracer = trace.get_tracer("orders")


def send(socket, *parts):
    """Send a message with the current context in its last frame."""
    headers = {}
    propagate.inject(headers)
    socket.send_multipart([*parts, json.dumps(headers).encode()])


def receive(socket):
    """Return the context of the sender, and the parts of a message."""
    *parts, frame = socket.recv_multipart()
    try:
        headers = dict(json.loads(frame))
    except (TypeError, ValueError):
        headers = {}  # the sender is not one of ours: a new trace begins here
    return propagate.extract(headers), parts


def work(context, endpoint):
    """Charge for orders until an empty one arrives."""
    with context.socket(zmq.PULL) as orders:
        orders.connect(endpoint)
        while True:
            sent_from, (order,) = receive(orders)
            if not order:
                return
            with tracer.start_as_current_span("charge", sent_from, trace.SpanKind.CONSUMER):
                print(f"charge for {order.decode()}")


def main():
    """Send two orders, and print which span led to which."""
    exporter = InMemorySpanExporter()  # a real program exports to a collector
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    with zmq.Context() as context, context.socket(zmq.PUSH) as orders:
        orders.bind("tcp://127.0.0.1:*")
        worker = threading.Thread(target=work, args=(context, orders.last_endpoint))
        worker.start()
        for order in (b"a book", b"a lamp"):
            with tracer.start_as_current_span("order", kind=trace.SpanKind.PRODUCER):
                send(orders, order)
        send(orders, b"")
        worker.join()

    spans = exporter.get_finished_spans()
    sent = {span.context.span_id: span for span in spans if span.name == "order"}
    for span in spans:
        if span.name == "charge":
            cause = sent[span.parent.span_id]
            same = span.context.trace_id == cause.context.trace_id
            print(f"{span.name} comes from {cause.name}, in the same trace: {same}")


if __name__ == "__main__":
    main()
