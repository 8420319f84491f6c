"""Holds the JSON lines of examples/consumer/consumer.py against docs/reference/asyncapi.yaml: validate.py PAGE < LINES

Says how many records of each message it saw, as one JSON line, and every fault on standard error.
"""

import json
import sys
from collections import Counter
from typing import Any

import yaml
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for


def closed(schema: Any) -> Any:
    """The page leaves objects open for later versions; here nothing may come that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def validators(page: dict[str, Any]) -> dict[tuple[str, str], tuple[str, Draft7Validator, Draft7Validator]]:
    """By topic and kind: the message's name, and what checks its headers and its payload."""
    components = closed(page["components"])

    def validator(reference: str) -> Draft7Validator:
        schema = {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": reference, "components": components}
        validator_for(schema).check_schema(schema)
        return Draft7Validator(schema)

    found = {}
    for channel in page["channels"].values():
        for name in channel["messages"]:
            message = page["components"]["messages"][name]
            if "$ref" not in message["payload"] or "headers" not in message:
                continue
            kind = page["components"]["schemas"][name]["properties"]["k"]
            checks = validator(message["headers"]["$ref"]), validator(message["payload"]["$ref"])
            for one in kind.get("enum") or [kind["const"]]:
                found[channel["address"], one] = (name, *checks)
    return found


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as page:
        known = validators(yaml.safe_load(page))
    counts: Counter[str] = Counter()
    faults = 0
    for line in sys.stdin:
        got = json.loads(line)
        topic = f"millrace.{got['topic'].rpartition('.')[2]}"
        name, headers, payload = known[topic, got["record"]["k"]]
        counts[name] += 1
        for fault in [*headers.iter_errors(got["headers"]), *payload.iter_errors(got["record"])]:
            faults += 1
            print(f"{name} {fault.json_path}: {fault.message[:200]}", file=sys.stderr)
    print(json.dumps({"counts": counts, "faults": faults}))
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
