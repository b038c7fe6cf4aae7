"""What HL7 and docs/hl7.md say of a message, worked out from its bytes without any of the server's code."""

import dataclasses
import gzip
import json
import re

import hl7

BOM = b"\xef\xbb\xbf"


@dataclasses.dataclass
class Tables:
    """HL7's message types and trigger events, of all versions, from the npm package hl7-dictionary."""

    types: set
    triggers: set

    @classmethod
    def load(cls, path):
        with gzip.open(path) as file:
            tables = json.load(file)
        return cls(set(tables["76"]["values"]), set(tables["3"]["values"]))


def text_of(message):
    """As text, without a byte order mark and with CR alone at line ends."""
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        text = message.decode("latin-1")
    return text.removeprefix("\ufeff").replace("\r\n", "\r").replace("\n", "\r")


def lines_of(message):
    return [line for line in re.split(rb"\r\n|\r|\n", message) if line]


def is_batch(content):
    return any(line.startswith((b"FHS", b"BHS")) for line in lines_of(content))


def split_file(content):
    """The messages of a file: one begins at each line with MSH; batch lines apart; CR at line ends."""
    content = content.removeprefix(BOM)
    if content.startswith(b"\x0b"):
        content = content[1:].removesuffix(b"\r").removesuffix(b"\x1c")
    ends_open = not content.endswith((b"\r", b"\n"))
    messages = []
    for line in lines_of(content):
        if line.startswith(b"MSH"):
            messages.append([])
        if messages and not line.startswith((b"FHS", b"BHS", b"BTS", b"FTS")):
            messages[-1].append(line)
    joined = [b"\r".join(lines) + b"\r" for lines in messages]
    if joined and ends_open:
        joined[-1] = joined[-1][:-1]
    return joined


def python_parse(message):
    """python hl7's own reading, or None where it does not parse."""
    try:
        return hl7.parse(text_of(message))
    except (hl7.HL7Exception, ValueError, AssertionError, IndexError):
        return None


@dataclasses.dataclass
class Header:
    """Fields of MSH (and EVN-1) by their places, as empty text where absent."""

    delimiters: str
    fields: list
    event: str

    @classmethod
    def of(cls, message):
        lines = text_of(message).split("\r")
        first = lines[0]
        if not first.startswith("MSH") or len(first) < 5:
            return cls("", [], "")
        separator = first[3]
        event = next((line.split(separator)[1:2] for line in lines if line.startswith("EVN" + separator)), [])
        return cls(first[4:].split(separator)[0], ["", "", *first[4:].split(separator)], "".join(event))

    def field(self, number, component=1):
        if number >= len(self.fields):
            return ""
        mark = self.delimiters[:1] or "^"
        return [*self.fields[number].split(mark), *[""] * component][component - 1]

    @property
    def type(self):
        return self.field(9)

    @property
    def trigger(self):
        return self.field(9, 2) or self.event

    @property
    def control_id(self):
        return self.field(10)


def topic_of(header, tables):
    if header.type in tables.types and header.trigger in tables.triggers:
        return f"hl7.{header.type}.{header.trigger}".lower()
    return "hl7.other"


def code_of(header):
    """The acknowledgment that docs/hl7.md promises, None where the sender wants none."""
    accept, application = header.field(15), header.field(16)
    if accept in ("AL", "SU"):
        return "CA"
    if not accept and not application:
        return "AA"
    if accept in ("ER", "NE"):
        return "AA" if application in ("AL", "SU") else None
    return "any"  # The table says nothing of it.


def must_be_accepted(message, tables):
    header = Header.of(message)
    return python_parse(message) is not None or topic_of(header, tables) != "hl7.other"


def leaves(node, depth):
    """python hl7 leaves levels out where there is one thing; here each is a list, down to subcomponents."""
    if isinstance(node, str):
        value = None if node == '""' else node
        for _ in range(depth):
            value = [value]
        return value
    return [leaves(child, depth - 1) for child in node]


def python_segments(message):
    """python hl7's segments in the form of an event's message.segments."""
    found = []
    for segment in python_parse(message):
        name = str(segment[0])
        if not name.strip():
            continue
        fields = {str(number): leaves(segment[number], 3) for number in range(1, len(segment))
                  if str(segment[number]) != ""}
        found.append({"id": name, "fields": fields})
    return found


def key_of(message):
    """The first PID-3 identifier behind its authority, or None."""
    for segment in python_segments(message):
        if segment["id"] == "PID":
            first = segment["fields"].get("3", [[]])[0]
            identifier = first[0][0] if first else ""
            authority = first[3][0] if len(first) > 3 else ""
            if not identifier:
                return None
            return f"{authority}|{identifier}" if authority else identifier
    return None
