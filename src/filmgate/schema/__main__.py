"""``python -m filmgate.schema [FOLDER]``: write the published schemas."""

import json
import sys
from pathlib import Path

from filmgate.schema.publish import report_schema


def main(folder: Path) -> None:
    """Write every generated schema into `folder`."""
    text = json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n"
    (folder / "check_report.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
