"""What must hold of the events that are read back after everything."""


class Lost(Exception):
    """A promise of the server that it did not keep."""


def _of_senders(senders):
    return {control_id: sender for sender in senders for control_id in sender.bytes_of}


def check_contents(events, senders):
    """Each event is a message that was sent, byte for byte, and no more often than it was sent."""
    owner, copies = _of_senders(senders), {}
    for event in events:
        sender = owner.get(event.control_id)
        if sender is None:
            raise Lost(f"{event.place()} holds a message that nobody sent: {event.control_id}")
        if event.raw != sender.bytes_of[event.control_id]:
            raise Lost(f"{event.place()} does not hold the bytes of {event.control_id}")
        copies[event.control_id] = copies.get(event.control_id, 0) + 1
        if copies[event.control_id] > sender.times_sent[event.control_id]:
            raise Lost(f"{event.control_id} is there more often than it was sent")


def check_acknowledged(events, senders):
    there = {event.control_id for event in events}
    for sender in senders:
        missing = [i for i in sender.bytes_of if i in sender.acknowledged and i not in there]
        if missing:
            raise Lost(
                f"{len(missing)} of {len(sender.acknowledged)} acknowledged messages of"
                f" {sender.name} are gone, first {missing[0]}"
            )


def check_order(events, senders):
    """The first copies of each sender's messages stand in the order in which it sent them."""
    owner, last, seen = _of_senders(senders), {}, set()
    for event in events:
        if event.control_id in seen:
            continue
        seen.add(event.control_id)
        sender = owner[event.control_id]
        number = sender.number_of(event.control_id)
        if number < last.get(sender.name, 0):
            raise Lost(f"{event.control_id} comes after {sender.name}-{last[sender.name]}")
        last[sender.name] = number


def check_offsets(events):
    """Offsets of each partition begin at 0 and have no gap, and no event id comes twice."""
    expected = {}
    for event in events:
        partition = (event.topic, event.partition)
        if event.offset != expected.get(partition, 0):
            raise Lost(
                f"{partition} goes on with offset {event.offset}, not {expected.get(partition, 0)}"
            )
        expected[partition] = event.offset + 1
    if len({event.id for event in events}) != len(events):
        raise Lost("two events have one id")


def check_seen(events, seen):
    """What a reader once saw is still there: same place, same id, same bytes."""
    there = {event.place(): event for event in events}
    for event in seen:
        now = there.get(event.place())
        if now is None:
            raise Lost(
                f"{event.control_id} at {event.place()} was read before the power loss and is gone"
            )
        if now.raw != event.raw or now.id != event.id:
            raise Lost(
                f"{event.place()} was {event.control_id} ({event.id}) and is {now.control_id}"
                f" ({now.id})"
            )


def check_resumed(events, resumed, after):
    """A reader that names the last event it saw gets exactly what follows it."""
    ids = [event.id for event in events]
    if after not in ids:
        raise Lost(f"no event has the id {after} that a reader was given")
    expected = ids[ids.index(after) + 1 :]
    if [event.id for event in resumed] != expected:
        raise Lost(
            f"resuming after {after} gives {len(resumed)} events, not the {len(expected)} that"
            " follow it"
        )


def check_all(events, senders, seen):
    check_contents(events, senders)
    check_acknowledged(events, senders)
    check_order(events, senders)
    check_offsets(events)
    check_seen(events, seen)
    for sender in senders:
        if sender.refused:
            raise Lost(f"{sender.name} was refused: {sender.refused[0]}")
