"""What documents of older contracts do inside the image: `python src/manage.py add_products`."""

import os
import sys
from pathlib import Path

COMMANDS = {
    "add_products": ("import", "products", str(Path(__file__).with_name("products.csv"))),
    "migrate": ("db", "upgrade"),
}


def main() -> None:
    """Becomes the command of Tuckshop that does the same."""
    words = COMMANDS.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if words is None:
        sys.exit(f"Use one of: {', '.join(COMMANDS)}. For everything else, see `tuckshop --help`.")
    program = Path(sys.executable).with_name("tuckshop")
    os.execv(program, [str(program), *words])  # noqa: S606


if __name__ == "__main__":
    main()
