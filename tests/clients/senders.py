"""Senders that go on over restarts: python hl7's client, one message after another, the unanswered one sent again."""

import threading

import hl7.client

import server as servers

KINDS = ("ADT^A01", "ADT^A08", "ORU^R01", "SIU^S12", "XXX^Y99")  # The last is nobody's: hl7.other.


def message(control_id, kind, padding=0):
    return (f"MSH|^~\\&|SENDER|CLINIC|||20260101||{kind}|{control_id}|P|2.5\r"
            f"PID|1||{control_id}^^^CLINIC||Quellbacher^Irmintraud\rNTE|1||{'x' * padding}\r").encode()


class Sender(threading.Thread):
    """Sends `count` messages; what was acknowledged and what was sent more than once is known afterwards."""

    def __init__(self, server, name, count, padding=0):
        super().__init__(daemon=True)
        self.server, self.name_, self.count, self.padding = server, name, count, padding
        self.acknowledged, self.again, self.refused = [], set(), []
        self.given_up = threading.Event()

    def run(self):
        number = 0
        while number < self.count and not self.given_up.is_set():
            try:
                with hl7.client.MLLPClient("127.0.0.1", self.server.mllp) as client:
                    client.socket.settimeout(servers.ANSWER_SECONDS)
                    while number < self.count and not self.given_up.is_set():
                        self.send(client, number)
                        number += 1
            except (OSError, ConnectionError):
                self.again.add(self.control_id(number))
                self.given_up.wait(0.05)  # Until the server is back.

    def control_id(self, number):
        return f"{self.name_}-{number}"

    def send(self, client, number):
        control_id = self.control_id(number)
        answer = client.send_message(message(control_id, KINDS[number % len(KINDS)], self.padding))
        if not answer:
            raise ConnectionError("closed")
        code, answered = servers.acknowledgment(answer)
        if code != "AA" or answered != control_id:
            self.refused.append((control_id, code, answered))
        self.acknowledged.append(control_id)


def start(server, names, count, padding=0):
    senders = [Sender(server, name, count, padding) for name in names]
    for sender in senders:
        sender.start()
    return senders


def finish(senders, seconds=120):
    for sender in senders:
        sender.join(seconds)
        if sender.is_alive():
            sender.given_up.set()
            raise AssertionError(f"{sender.name_} got no further than {len(sender.acknowledged)} messages")
