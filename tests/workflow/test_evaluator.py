"""jq runs in processes of their own, which see nothing and can be ended (`docs/compatibility.md` 85).

The limit of time is one of computing, so that a busy machine makes no difference to what a test sees.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.workflow import evaluator as evaluator_module
from stigmer_tui.workflow.evaluator import Evaluator, EvaluatorLimits
from tests.definition.specs import set_, spec
from tests.workflow.world import World, until

ENDLESS = "def f: f; f"
SHORT = EvaluatorLimits(time=0.2)
TOO_LONG = r"^it takes longer than 200 ms$"
TOO_LARGE = r"^it takes more memory than an expression may have$"


@pytest.fixture
async def evaluator() -> AsyncIterator[Evaluator]:
    found = Evaluator()
    yield found
    await found.close()


@pytest.fixture
async def short() -> AsyncIterator[Evaluator]:
    found = Evaluator(SHORT)
    yield found
    await found.close()


def processes() -> list[psutil.Process]:
    """Those of evaluators, begun by this process."""
    found = []
    for process in psutil.Process().children():
        try:
            if "stigmer_tui.workflow.evaluator_process" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


async def test_values_come_back_whole(evaluator: Evaluator) -> None:
    inputs = json.dumps({".": {"a": "für “all”\n\u2028", "n": 9007199254740993}})
    assert json.loads(await evaluator.run(".", inputs)) == {"a": "für “all”\n\u2028", "n": 9007199254740993}
    large = await evaluator.run('"ab" * 600000', "{}")
    assert len(large) > 1_000_000


async def test_failures_come_back_as_words(evaluator: Evaluator) -> None:
    for program, message in (
        ("foo", "foo/0 is not defined at column 1"),
        (".a +\n$item", r"\$item is not defined at line 2, column 1"),
        ("empty", "it gives no value"),
        ('error("no")', "no"),
    ):
        with pytest.raises(ExpressionError, match=f"^{message}$"):
            await evaluator.run(program, "{}")
    assert await evaluator.run("1", "{}") == "1"


async def test_nothing_of_the_machine_is_seen(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "visible")
    assert await evaluator.run("[env, $ENV, $__prog_args]", "{}") == "[{},{},null]"


@pytest.mark.parametrize("program", [ENDLESS, "[repeat(1)] | length", "until(false; .)"])
async def test_what_never_ends_is_ended(program: str, short: Evaluator) -> None:
    with pytest.raises(ExpressionError, match=TOO_LONG):
        await short.run(program, "{}")
    assert await short.run("2", "{}") == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
@pytest.mark.parametrize(
    "program",
    [
        '"a" * 900000000',
        '"a" * 30000 * 30000 | length',
        "null | .[300000000] = 1 | length",
        '[range(1000) | "a" * (. + 1000000)] | length',
    ],
)
async def test_what_has_no_measure_is_ended(program: str, evaluator: Evaluator) -> None:
    """Point 12: memory is limited, also that of constants, which jq computes before it runs anything."""
    with pytest.raises(ExpressionError, match=TOO_LARGE):
        await evaluator.run(program, "{}")
    assert await evaluator.run("2", "{}") == "2"


async def test_where_the_system_limits_no_memory_it_is_watched(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 12, on a system such as macOS."""
    monkeypatch.setattr(evaluator_module, "SYSTEM_LIMITS_MEMORY", False)
    assert await evaluator.run("1", "{}") == "1"
    evaluator.limits = EvaluatorLimits(memory=1)
    with pytest.raises(ExpressionError, match=TOO_LARGE):
        await evaluator.run(ENDLESS, "{}")


async def test_a_value_has_a_measure_too(evaluator: Evaluator) -> None:
    evaluator.limits = EvaluatorLimits(value=1000)
    with pytest.raises(ExpressionError, match=r"^its value is too large$"):
        await evaluator.run('"abcd" * 1000', "{}")
    assert await evaluator.run("2", "{}") == "2"


async def test_memory_that_was_needed_once_is_given_back(evaluator: Evaluator) -> None:
    assert await evaluator.run('"a" * 100000000 | length', "{}") == "100000000"
    await until(lambda: not processes())
    assert await evaluator.run("2", "{}") == "2"


async def test_many_ask_at_once_and_each_gets_its_own_answer(evaluator: Evaluator) -> None:
    answers = await asyncio.gather(*(evaluator.run(f". + {number}", '{".": 1}') for number in range(50)))
    assert answers == [str(number + 1) for number in range(50)]


async def test_quick_expressions_do_not_wait_for_endless_ones() -> None:
    """Point 12: six endless ones elsewhere, which are given an hour, delay nobody."""
    evaluator = Evaluator(EvaluatorLimits(time=3600))
    endless = [asyncio.create_task(evaluator.run(ENDLESS, "{}")) for _ in range(6)]
    async with asyncio.timeout(60):
        for number in range(10):
            assert await evaluator.run(f"1 + {number}", "{}") == str(number + 1)
    assert not any(task.done() for task in endless)
    assert len(processes()) <= evaluator_module.MAX_LONG + evaluator_module.MAX_QUICK
    for task in endless:
        task.cancel()
    await asyncio.gather(*endless, return_exceptions=True)
    await evaluator.close()
    assert processes() == []


async def test_what_had_to_wait_is_evaluated_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "MAX_LONG", 1)
    monkeypatch.setattr(evaluator_module, "PATIENCE", 0.0)
    evaluator = Evaluator(EvaluatorLimits(time=3600))
    first = asyncio.create_task(evaluator.run(ENDLESS, "{}"))
    await until(lambda: evaluator.is_full)
    second = asyncio.create_task(evaluator.run("1 + 1", "{}"))
    third = asyncio.create_task(evaluator.run("1 + 2", "{}"))
    first.cancel()
    assert [await second, await third] == ["2", "3"]
    await evaluator.close()


async def test_a_process_that_stands_still_is_given_up(evaluator: Evaluator) -> None:
    assert await evaluator.run("1", "{}") == "1"
    for process in processes():
        process.suspend()
    evaluator.limits = EvaluatorLimits(wait=0.0)
    with pytest.raises(ExpressionError, match="it takes longer than"):
        await evaluator.run("2", "{}")
    evaluator.limits = EvaluatorLimits()
    assert await evaluator.run("3", "{}") == "3"


async def test_that_a_process_is_killed_fails_no_expression(evaluator: Evaluator) -> None:
    assert await evaluator.run("1", "{}") == "1"
    for process in processes():
        process.kill()
    assert await evaluator.run("2", "{}") == "2"


async def test_after_a_while_one_process_is_kept(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "REST", 0.0)
    await asyncio.gather(*(evaluator.run("1", "{}") for _ in range(20)))
    await until(lambda: len(processes()) == 1)
    assert await evaluator.run("2", "{}") == "2"


async def test_who_gives_up_leaves_no_answer_behind(evaluator: Evaluator) -> None:
    assert await evaluator.run("1", "{}") == "1"
    impatient = asyncio.create_task(evaluator.run(ENDLESS, "{}"))
    await until(lambda: not evaluator.is_idle)
    impatient.cancel()
    assert await evaluator.run("3", "{}") == "3"


async def test_a_runaway_expression_fails_its_task_and_nothing_else(world: World) -> None:
    world.evaluator = Evaluator(SHORT)
    reported = await world.run(spec(set_("s", x="${ [limit(3; repeat(1))] }"), set_("t", x="${ def f: f; f }")))
    assert reported.error == "/t failed: ${ def f: f; f }: it takes longer than 200 ms"
    assert reported.output_of("/s") == {"x": [1, 1, 1]}


def test_the_runner_itself_has_no_jq() -> None:
    """Point 12: nothing of an expression is computed where it could fill the memory of others."""
    program = "import sys, stigmer_tui.workflow.runner, stigmer_tui.definition.validation; print('jq' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"
