"""The report page: a check's result as one file that opens anywhere, with its evidence in it.

```
words.py      units, numbers and attribute paths as people read them
pairs.py      which two frames show a finding
evidence.py   fetching those frames and packing them into the page, within a size limit
plots.py      drift over the sequence, drawn as SVG
view.py       one shot or sequence as the templates want it
page.py       write_report: the templates, the content policy, the atomic write
templates/    the page itself
```
"""

from filmgate.review.report.evidence import FrameSource
from filmgate.review.report.page import write_report

__all__ = ["FrameSource", "write_report"]
