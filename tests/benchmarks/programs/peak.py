"""peak.py COMMAND...: run it to its end and print the most memory it held at once, in bytes.

In a small process of its own: what a child is credited with is at least what its parent held when it was
started."""

import json
import resource
import subprocess
import sys

subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
# Linux counts in KiB.
print(json.dumps({"bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024}))
