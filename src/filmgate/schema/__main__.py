"""``python -m filmgate.schema [FOLDER]``: write the published schemas."""

import json
import sys
from pathlib import Path

from filmgate.schema.publish import schemas


def main(folder: Path) -> None:
    """Write every generated schema into `folder`."""
    for name, schema in schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
