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
    return message.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\r").replace("\n", "\r")


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

    @property
    def facility(self):
        return self.field(4) or self.field(4, 2)


def topic_of(header, tables):
    if header.type in tables.types and header.trigger in tables.triggers:
        return f"hl7.{header.type}.{header.trigger}".lower()
    return "hl7.other"


def code_of(header):
    """The acknowledgment of a message that is stored, None where the sender wants none.

    With either field valued it is the enhanced mode, where an empty one asks for nothing (v2.5.1 2.9.3.1); what table 0155
    does not have counts as empty.
    """
    accept, application = (code if code in ("AL", "NE", "SU", "ER") else "" for code in map(header.field, (15, 16)))
    if not accept and not application:
        return "AA"
    if accept in ("AL", "SU"):
        return "CA"
    return "AA" if application in ("AL", "SU") else None


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
    """python hl7's segments in the form of an event's message.segments, escapes left as they are."""
    found = []
    # It takes white space off a message's end; a last segment of ours keeps that of the message.
    for segment in hl7.parse(text_of(message) + "\rZZZ|1")[:-1]:
        name = str(segment[0])
        if not name.strip():
            continue
        fields = {str(number): leaves(segment[number], 3) for number in range(1, len(segment))
                  if str(segment[number]) != ""}
        found.append({"id": name, "fields": fields})
    return found


def escape_of(header):
    return (header.delimiters + "^~\\"[len(header.delimiters):])[2]


def has_escapes(header, value):
    return any(escape_of(header) in leaf for leaf in flat(value) if leaf)


def flat(value):
    return [leaf for part in value for leaf in flat(part)] if isinstance(value, list) else [value]


def unescaped(message, value):
    """With its escapes resolved by python hl7; None where it drops some: unknown ones, highlighting, layout."""
    escape = re.escape(escape_of(Header.of(message)))
    kinds = set(re.findall(f"{escape}([^{escape}]*){escape}", "".join(str(leaf) for leaf in flat(value))))
    if not all(kind in "FSTRE" or kind.startswith("X") for kind in kinds):
        return None
    parsed = python_parse(message)

    def resolve(part):
        if isinstance(part, list):
            return [resolve(child) for child in part]
        return part if part is None else parsed.unescape(part)

    return resolve(value)


def key_of(message):
    """The first PID-3 identifier behind its authority (a name, else an OID), or None."""
    for segment in python_segments(message):
        if segment["id"].upper() == "PID" and "3" in segment["fields"]:
            components = segment["fields"]["3"][0]
            authority = next((part for part in (components + [[""]] * 4)[3][:2] if part), "")
            return f"{authority}|{components[0][0]}" if authority else components[0][0]
    return None
