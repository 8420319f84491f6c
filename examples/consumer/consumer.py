"""Reads Millrace's readings and alarms from Kafka, each exactly once, by docs/reference/asyncapi.yaml.

Readings go to standard output as CSV, alarms to standard error as lines; with --json all records as JSON lines.
"""

import argparse
import csv
import json
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

Record = dict[str, Any]
Value = float | str | bool


class State:
    """What must come back together after a restart: read offsets, marks, and what the channels of each device mean."""

    def __init__(self, path: Path, from_start: bool) -> None:
        self.path = path
        known = {} if from_start or not path.exists() else json.loads(path.read_text())
        self.offsets: dict[str, int] = known.get("offsets", {})
        self.marks: dict[str, list[int]] = known.get("marks", {})
        self.channels: dict[str, dict[str, Record]] = known.get("channels", {})

    def save(self) -> None:
        """Replaces the file whole. After a kill the former one holds, and what came since is printed again."""
        sys.stdout.flush()
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"offsets": self.offsets, "marks": self.marks, "channels": self.channels}))
        fresh.replace(self.path)

    def is_new(self, read: str, header: dict[str, str]) -> bool:
        """The reader's rule: above the mark of its (partition read, source log, source partition). The mark moves."""
        source = f"{read}/{header['ce_millracelog']}/{header['ce_millracepartition']}"
        position = [int(header["ce_millraceoffset"]), int(header["ce_millraceindex"])]
        if position <= self.marks.get(source, [-1, -1]):
            return False
        self.marks[source] = position
        return True

    def learn(self, declaration: Record) -> None:
        """The newest declaration of a device counts."""
        self.channels[declaration["device"]] = {channel["name"]: channel for channel in declaration["channels"]}

    def scaled(self, device: str, channel: str, raw: Value) -> Value:
        """The value in the channel's unit."""
        if isinstance(raw, (str, bool)):
            return raw
        declared = self.channels[device][channel]
        return cast(float, raw * declared.get("scale", 1) + declared.get("offset", 0))

    def rows(self, record: Record) -> Iterator[tuple[str, str, float, Value]]:
        """Every reading, and every sample of a waveform, as (device, channel, epoch ms, value)."""
        device = record["device"]
        for channel, column in record["channels"].items():
            for t, raw in zip(column["t"], column["v"], strict=True):
                yield device, channel, t, self.scaled(device, channel, raw)
        for channel, segments in record["waves"].items():
            for segment in segments:
                for k, raw in enumerate(segment["v"]):
                    yield device, channel, segment["t"] + k * segment["i"], self.scaled(device, channel, raw)


def alarm_line(alarm: Record) -> str:
    """An alarm's change for people."""
    when = datetime.fromtimestamp(alarm["atMs"] / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return f"{when} {alarm['priority']} {alarm['change']}: {alarm['subject']}: {alarm['text']} [{alarm['id']}]"


def messages(consumer: Consumer, stopping: list[int], until_idle: float | None) -> Iterator[Message | None]:
    """Messages as they come, None where none waits; ends when told, or after so many seconds without one."""
    newest = time.monotonic()
    while not stopping and (until_idle is None or time.monotonic() - newest < until_idle):
        message = consumer.poll(0.2)
        if message is not None:
            newest = time.monotonic()
            if message.error():
                raise KafkaException(message.error())
        yield message


def follow(consumer: Consumer, state: State, stopping: list[int], options: argparse.Namespace) -> None:
    """Takes each record once and prints it."""
    rows = csv.writer(sys.stdout)
    unsaved = 0
    for message in messages(consumer, stopping, options.until_idle):
        if unsaved >= 1000 or (message is None and unsaved > 0):
            state.save()
            unsaved = 0
        if message is None:
            continue
        unsaved += 1
        read = f"{message.topic()}/{message.partition()}"
        header = {name: value.decode() for name, value in cast(list[tuple[str, bytes]], message.headers())}
        state.offsets[read] = cast(int, message.offset()) + 1
        if not state.is_new(read, header) and not options.no_marks:
            continue
        record: Record = json.loads(cast(bytes, message.value()))
        if record["f"] != 1:
            raise SystemExit(f"A record of format {record['f']}; this program reads format 1. Get a newer one.")
        if record["k"] == "declaration":
            state.learn(record)
        if options.json:
            print(json.dumps({"topic": message.topic(), "headers": header, "record": record}))
        elif record["k"] == "readings":
            rows.writerows(state.rows(record))
        elif record["k"] == "alarm":
            print(alarm_line(record), file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", default="127.0.0.1:9092", help="addresses to begin with: host:port,host:port")
    parser.add_argument("-X", metavar="NAME=VALUE", action="append", default=[], help="librdkafka setting, as in kcat")
    parser.add_argument("--prefix", default="millrace.", help="begins the names of the topics")
    parser.add_argument("--state", type=Path, default=Path("consumer.json"), help="file of offsets, marks and channels")
    parser.add_argument("--from-start", action="store_true", help="forget the state file: begin with the oldest record")
    parser.add_argument("--until-idle", type=float, metavar="SECONDS", help="end when nothing came for so long")
    parser.add_argument("--json", action="store_true", help="print whole records as JSON lines")
    parser.add_argument("--no-marks", action="store_true", help="break the reader's rule, to see what it is for")
    options = parser.parse_args()

    state = State(options.state, options.from_start)
    # The positions are this program's own: no consumer group, and an error, not a silent jump, when an offset is gone.
    own = {"group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error"}
    consumer = Consumer({"bootstrap.servers": options.brokers, **dict(x.split("=", 1) for x in options.X), **own})
    for topic in (f"{options.prefix}timeline", f"{options.prefix}alarms"):
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        at = [TopicPartition(topic, n, state.offsets.get(f"{topic}/{n}", OFFSET_BEGINNING)) for n in partitions]
        consumer.incremental_assign(at)
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: stopping.append(which))
    follow(consumer, state, stopping, options)
    state.save()
    consumer.close()


if __name__ == "__main__":
    main()
