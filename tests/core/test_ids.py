"""Ids: in order, in our form whatever form they came in, and short where there is no room."""

from __future__ import annotations

import pytest

from stigmer_tui.core.ids import IdSource, Prefix, canonical_id, first_ulid, parse_id, shorten_id, slug_of

ULID = "01kb3v8f2m7q9x4z6t5r0n1c8d"


def test_an_id_is_a_prefix_the_time_and_randomness() -> None:
    first = IdSource(lambda: 1, lambda size: bytes([*[0] * (size - 1), 2]))
    assert first.new(Prefix.WORKFLOW_EXECUTION) == "wfx_00000000010000000000000002"
    # The greatest of the specification.
    last = IdSource(lambda: 2**48 - 1, lambda size: b"\xff" * size)
    assert last.new(Prefix.AGENT) == "agt_7zzzzzzzzzzzzzzzzzzzzzzzzz"


def test_ids_sort_by_the_time_of_their_making() -> None:
    times, randomness = iter([5, 5, 5, 4, 6]), iter([9, 9, 0, 0, 0])
    source = IdSource(lambda: next(times), lambda size: next(randomness).to_bytes(size, "big"))
    ulids = [source.ulid() for _ in range(5)]
    assert ulids == sorted(set(ulids))
    # Within a millisecond, and after a step of the clock, the next number.
    assert [ulid[-1] for ulid in ulids] == ["9", "a", "b", "c", "0"]


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        (f"wf_{ULID}", Prefix.WORKFLOW),
        (f" wfl-{ULID.upper()}\n", Prefix.WORKFLOW),
        (f"WEX_{ULID}", Prefix.WORKFLOW_EXECUTION),
        (f"aex-{ULID}", Prefix.AGENT_EXECUTION),
        (f"skl_{ULID}", Prefix.SKILL),
    ],
)
def test_ids_of_every_form_are_known(text: str, prefix: Prefix) -> None:
    assert parse_id(text) == (prefix, ULID)
    assert canonical_id(text) == f"{prefix}_{ULID}"


@pytest.mark.parametrize(
    "text", ["", "tally", f"xyz_{ULID}", f"wf{ULID}", f"wf_{ULID[1:]}", f"wf_{ULID}0", f"wf_{ULID[:-1]}u"]
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert parse_id(text) is None
    assert canonical_id(text) == text


@pytest.mark.parametrize(
    ("text", "short"),
    [(f"wfx_{ULID}", "wfx_…1c8d"), ("wf_123456789", "wf_…6789"), ("wf_12345678", "wf_12345678"), (ULID, ULID)],
)
def test_short_forms(text: str, short: str) -> None:
    assert shorten_id(text) == short


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Tea Shop", "tea-shop"), (" -a  b- ", "a-b"), ("Größe_2", "gre2"), ("a--b", "a-b"), ("茶", ""), ("Xx 9", "xx-9")],
)
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_first_ulid_sorts_before_all_of_its_moment_and_after_those_before() -> None:
    before, now = IdSource(lambda: 1_000_000).ulid(), IdSource(lambda: 1_000_001).ulid()
    assert before < first_ulid(1_000_001) <= now
