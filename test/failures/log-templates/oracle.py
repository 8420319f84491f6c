"""drain3 on the lines of standard input, for test/failures/log-templates.ts: numbers of the clusters and seconds, as JSON."""
import json
import sys
import time

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

# The masks of its own example (examples/drain3.ini).
MASKS = [
    (r"((?<=[^A-Za-z0-9])|^)(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))((?=[^A-Za-z0-9])|$)", "ID"),
    (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9a-f]{6,} ?){3,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)([0-9A-F]{4} ?){4,}((?=[^A-Za-z0-9])|$)", "SEQ"),
    (r"((?<=[^A-Za-z0-9])|^)(0x[a-f0-9A-F]+)((?=[^A-Za-z0-9])|$)", "HEX"),
    (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
]
config = TemplateMinerConfig()
config.masking_instructions = [MaskingInstruction(pattern, mask) for pattern, mask in MASKS]
miner = TemplateMiner(config=config)
lines = json.load(sys.stdin)
started = time.perf_counter()
clusters = [miner.add_log_message(line)["cluster_id"] for line in lines]
print(json.dumps({"clusters": clusters, "seconds": time.perf_counter() - started}))
