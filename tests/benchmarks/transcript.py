"""Everything that is measured of the list of entries: `python -m tests.benchmarks.transcript`, about two minutes."""

from __future__ import annotations

from tests.benchmarks import live, scale, streamed_markdown


def main() -> None:
    scale.main()
    streamed_markdown.main()
    live.main()


if __name__ == "__main__":
    main()
