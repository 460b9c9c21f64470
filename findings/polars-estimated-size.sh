#!/usr/bin/env bash
# Polars' estimated_size() of a text column is the sum of the lengths of its texts. The views that the column consists of,
# 16 bytes a row, are not in it, and a text that all rows share is in it once a row. Who sizes memory by it is wrong in
# both directions: eight times too little for a column of two-letter codes, six times too much for one long text.
#
# Output seen with Polars 2.1.0 and PyArrow 26.0.1, one million rows each (Arrow's bytes are of the same memory, not of a copy):
#   DE: estimated 2000000, in memory 16000000
#   one text of 100 letters: estimated 100000000, in memory 16000100
#
# Installs both from PyPI in a temporary folder. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q polars==2.1.0 pyarrow==26.0.1

"$folder/python/bin/python" - <<'PYTHON'
import polars as pl
from polars.interchange import CompatLevel

def sizes(text):
    frame = pl.repeat(text, 1_000_000, eager=True).to_frame()
    arrow = frame.to_arrow(compat_level=CompatLevel.newest())
    assert str(arrow.schema.field(0).type) == "string_view", arrow.schema
    return frame.estimated_size(), arrow.nbytes

code, shared = sizes("DE"), sizes("y" * 100)
print("DE: estimated %d, in memory %d" % code)
print("one text of 100 letters: estimated %d, in memory %d" % shared)
assert code == (2_000_000, 16_000_000), code
assert shared == (100_000_000, 16_000_100), shared
PYTHON
