"""jq runs in a process of its own, which sees nothing and can be ended (contract, RUNTIME E12)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.workflow.evaluator import Evaluator
from tests.definition.specs import set_, spec
from tests.workflow.world import World


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    found = Evaluator(time_limit=0.3)
    yield found
    await found.close()


async def test_values_come_back_whole(evaluator: Evaluator) -> None:
    inputs = json.dumps({".": {"a": "für “all”\n\u2028", "n": 9007199254740993}})
    assert json.loads(await evaluator.run(".", inputs)) == {"a": "für “all”\n\u2028", "n": 9007199254740993}
    large = await evaluator.run('"ab" * 600000', "{}")
    assert len(large) > 1_000_000


async def test_failures_come_back_as_words(evaluator: Evaluator) -> None:
    for program, message in (
        ("foo", "foo/0 is not defined at column 1"),
        ("empty", "it gives no value"),
        ('error("no")', "no"),
    ):
        with pytest.raises(ExpressionError, match=f"^{message}$"):
            await evaluator.run(program, "{}")
    assert await evaluator.run("1", "{}") == "1"


async def test_nothing_of_the_machine_is_seen(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "visible")
    assert await evaluator.run("[env, $ENV, $__prog_args]", "{}") == "[{},{},null]"


@pytest.mark.parametrize("program", ["def f: f; f", "[repeat(1)] | length", "until(false; .)"])
async def test_what_never_ends_is_ended(program: str, evaluator: Evaluator) -> None:
    with pytest.raises(ExpressionError, match=r"^it takes longer than 300 ms$"):
        await evaluator.run(program, "{}")
    assert await evaluator.run("2", "{}") == "2"


async def test_what_has_no_measure_is_ended() -> None:
    evaluator = Evaluator(time_limit=20)
    with pytest.raises(ExpressionError, match=r"^it takes more memory than an expression may have$"):
        await evaluator.run("null | .[300000000] = 1 | length", "{}")
    assert await evaluator.run("2", "{}") == "2"
    await evaluator.close()


async def test_a_value_has_a_measure_too(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_tui.workflow.evaluator.LONGEST_ANSWER", 1000)
    with pytest.raises(ExpressionError, match=r"^its value is too large$"):
        await evaluator.run('"abcd" * 1000', "{}")
    assert await evaluator.run("2", "{}") == "2"


async def test_many_ask_at_once_and_each_gets_its_own_answer(evaluator: Evaluator) -> None:
    answers = await asyncio.gather(*(evaluator.run(f". + {number}", '{".": 1}') for number in range(50)))
    assert answers == [str(number + 1) for number in range(50)]


async def test_who_gives_up_leaves_no_answer_behind(evaluator: Evaluator) -> None:
    impatient = asyncio.create_task(evaluator.run("[range(300000)] | length", "{}"))
    await asyncio.sleep(0.05)
    impatient.cancel()
    assert await evaluator.run("3", "{}") == "3"


async def test_a_runaway_expression_fails_its_task_and_nothing_else(world: World) -> None:
    world.evaluator = Evaluator(time_limit=0.3)
    reported = await world.run(spec(set_("s", x="${ [limit(3; repeat(1))] }"), set_("t", x="${ def f: f; f }")))
    assert reported.error == "/t failed: ${ def f: f; f }: it takes longer than 300 ms"
    assert reported.output_of("/s") == {"x": [1, 1, 1]}
