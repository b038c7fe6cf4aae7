#!/usr/bin/env python3
"""Holds the segments of a stopped server against Kafka's own DumpLogSegments.

Usage: dump_log_segments_test.py [DATA_DIR...]

Every DATA_DIR/topics/*/*.log is read by Kafka. Each batch must be valid and follow the one before without a gap in bytes
or offsets, the first offset must be the number in the file's name, the records must be as many as the batch says, and
nothing may be left at the file's end. Without a DATA_DIR it checks that this test sees each of those faults. Ends 0 when
all is well, 1 when not. Payloads are never printed.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TOOL = "org.apache.kafka.tools.DumpLogSegments"
FILES_PER_RUN = 500  # One argument names them all, and the kernel limits its length.
MESSAGE_BYTES_MAX = 128 << 20
FAULTS_SHOWN = 20

# Payloads may hold line feeds, so what is not a whole line of the tool's own is skipped, never judged.
BATCH = re.compile(
    rb"baseOffset: (?P<first>-?\d+) lastOffset: (?P<last>-?\d+) count: (?P<count>-?\d+) .*"
    rb" position: (?P<position>\d+) .* size: (?P<size>\d+) magic: (?P<magic>\d+) .* isvalid: (?P<valid>\w+)"
)
RECORD = re.compile(rb"\| offset: (?P<offset>\d+) \w+: -?\d+ keySize: -?\d+ valueSize: -?\d+ sequence: -?\d+")
LEFT_OVER = re.compile(rb"Found (?P<bytes>\d+) invalid bytes at the end of ")


@dataclasses.dataclass
class Segment:
    """What the tool has said of one file so far."""

    path: pathlib.Path
    name: str
    faults: list = dataclasses.field(default_factory=list)
    batches: int = 0
    records: int = 0
    next_position: int = 0
    next_offset: int = 0
    missing: int = 0  # Records that the current batch promised and that have not come.

    def __post_init__(self):
        self.next_offset = int(self.path.stem)

    def fault(self, text):
        self.faults.append(f"{self.name}: {text}")

    def batch(self, line):
        found = {key: value.decode() for key, value in line.groupdict().items()}
        first, last, count = int(found["first"]), int(found["last"]), int(found["count"])
        self.end_batch()
        where = f"batch at byte {found['position']}"
        if found["valid"] != "true":
            self.fault(f"{where}: isvalid is {found['valid']}")
        if found["magic"] != "2":
            self.fault(f"{where}: magic {found['magic']}")
        if int(found["position"]) != self.next_position:
            self.fault(f"{where}: expected at byte {self.next_position}")
        if first != self.next_offset:
            self.fault(f"{where}: offset {first} where {self.next_offset} is next")
        if count != last - first + 1:
            self.fault(f"{where}: {count} records for offsets {first} to {last}")
        self.batches += 1
        self.missing = count
        self.next_offset = first
        self.next_position = int(found["position"]) + int(found["size"])

    def record(self, offset):
        if offset != self.next_offset:
            self.fault(f"record with offset {offset} where {self.next_offset} is next")
        self.next_offset = offset + 1
        self.records += 1
        self.missing -= 1

    def end_batch(self):
        if self.missing != 0:
            self.fault(f"before byte {self.next_position}: {self.missing} records too few (or too many)")

    def end(self):
        self.end_batch()
        size = self.path.stat().st_size
        if self.next_position != size:
            self.fault(f"Kafka reads {self.next_position} of {size} bytes")


def kafka_libs(line=None):
    """The folder with the jars of the newest Kafka, or of an older line."""
    done = subprocess.run([HERE / "kafka_libs.sh", *([line] if line else [])], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def read_lines(lines, segments):
    """Gives each line to the segment it is about: the tool announces each file, in the order asked for."""
    waiting = list(segments)
    current = None
    for line in lines:
        line = line.rstrip(b"\n")
        if waiting and line == b"Dumping " + waiting[0].name.encode():
            current = waiting.pop(0)
        elif current is None:
            continue
        elif match := BATCH.fullmatch(line):
            current.batch(match)
        elif match := RECORD.match(line):
            current.record(int(match["offset"]))
        elif match := LEFT_OVER.match(line):
            current.fault(f"{match['bytes'].decode()} invalid bytes at its end")
    for segment in waiting:
        segment.fault("Kafka did not come to it")


def dump(libs, folder, segments):
    names = ",".join(segment.name for segment in segments)
    command = ["java", "-Xmx512m", "-cp", f"{libs}/*", TOOL, "--deep-iteration", "--print-data-log"]
    command += ["--max-message-size", str(MESSAGE_BYTES_MAX), "--files", names]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors) as java:
            read_lines(java.stdout, segments)
        if java.returncode != 0:
            errors.seek(0)
            # Its first line is the exception: enough to name the fault, and no payload.
            reason = errors.readline(300).decode(errors="replace").strip()
            segments[0].fault(f"or one after it: {TOOL} ended with {java.returncode}: {reason}")
    for segment in segments:
        segment.end()


def check_folder(libs, folder):
    """The segments of one data directory, each with its faults."""
    paths = sorted(pathlib.Path(folder).glob("topics/*/*.log"))
    segments = [Segment(path, str(path.relative_to(folder))) for path in paths]
    for start in range(0, len(segments), FILES_PER_RUN):
        dump(libs, folder, segments[start : start + FILES_PER_RUN])
    return segments


# Three records in one batch, as formats/kafka writes them (its unit test has the same bytes).
SAMPLE = bytes.fromhex(
    "000000000000000000000062000000000209037f6d0000000000020000018bcfe568000000018bcfe6b980ffffffffffff"
    "ffffffffffffffff000000033e0000000a5049442d310a68656c6c6f04087479706506414454086e6f6e65010e00cf0f02"
    "010000100080c60a04000100"
)


def sample(first_offset):
    return first_offset.to_bytes(8, "big") + SAMPLE[8:]


def flipped(batch, at):
    return batch[:at] + bytes([batch[at] ^ 1]) + batch[at + 1 :]


def self_check(libs):
    """Sound segments pass, and each fault is seen."""
    two = sample(0) + sample(3)
    cases = [
        ("sound", "00000000000000000000", two, True),
        ("sound, not the first", "00000000000000000700", sample(700), True),
        ("empty", "00000000000000000000", b"", True),
        ("a flipped byte in a payload", "00000000000000000000", flipped(two, two.rindex(b"hello")), False),
        ("a gap between batches", "00000000000000000000", sample(0) + sample(4), False),
        ("an offset given twice", "00000000000000000000", sample(0) + sample(2), False),
        ("another number in its name", "00000000000000000001", two, False),
        ("a torn end", "00000000000000000000", two[:-1], False),
        ("bytes after its end", "00000000000000000000", two + bytes(100), False),
        ("an older magic", "00000000000000000000", two[:16] + b"\1" + two[17:], False),
    ]
    failed = []
    for name, stem, content, sound in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "topics", "sample-0", f"{stem}.log")
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            (segment,) = check_folder(libs, folder)
            if sound == bool(segment.faults):
                failed.append(f"{name}: {segment.faults or 'no fault was seen'}")
            if sound and segment.records * len(SAMPLE) != 3 * len(content):
                failed.append(f"{name}: {segment.records} records")
    return failed


def main(folders):
    libs = kafka_libs()
    if not folders:
        failed = self_check(libs)
        print("\n".join(failed) or "DumpLogSegments: sound segments pass and each fault is seen")
        return 1 if failed else 0
    faults = []
    for folder in folders:
        segments = check_folder(libs, folder)
        if not segments:
            faults.append(f"{folder}: no topics/*/*.log in it")
        batches, records = (sum(getattr(s, what) for s in segments) for what in ("batches", "records"))
        print(f"{folder}: {len(segments)} segments, {batches} batches, {records} records")
        faults += [fault for segment in segments for fault in segment.faults]
    for fault in faults[:FAULTS_SHOWN]:
        print(fault, file=sys.stderr)
    if len(faults) > FAULTS_SHOWN:
        print(f"and {len(faults) - FAULTS_SHOWN} more", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
