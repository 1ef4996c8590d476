"""Point 39: what the code writes while it runs is no save, and no save of a person is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.project.own_writes import CERTAIN_AFTER, DOUBTS, OwnWrites
from stigmer_tui.project.snapshot import ChangeKind, FileChange
from stigmer_tui.project.watch import Change
from stigmer_tui.sdk.synthesis import WRITTEN_FILES


@dataclass
class Bench:
    """Code that runs and files that change, at times that the test says."""

    folder: Path = Path("/srv/demo")
    time: float = 1000.0
    writes: OwnWrites = field(init=False)

    def __post_init__(self) -> None:
        self.writes = OwnWrites(self.folder, lambda: self.time)

    def changed(self, name: str, at: float | None = None) -> Change:
        return Change((FileChange(name, ChangeKind.CHANGED, 1, 1, self.time if at is None else at),), None)

    def is_save(self, name: str, at: float | None = None) -> bool:
        return self.writes.sift(self.changed(name, at)).saves is not None

    def run(self, *, says: str = "", writes: str = "", told_after: bool = False) -> bool:
        """Whether what is written during the run is taken for a save; `says`: the code tells of it."""
        name = says or writes
        with self.writes.run() as variables:
            self.time += 0.1
            written = self.time
            if says:
                with Path(variables[WRITTEN_FILES]).open("ab") as report:
                    report.write(f"{self.folder / says}\0".encode())
            is_save = bool(name) and not told_after and self.is_save(name)
            self.time += 0.1
        self.time += 0.05
        return self.is_save(name, written) if told_after else is_save


def test_what_the_code_says_that_it_has_written_is_no_save() -> None:
    bench = Bench()
    for told_after in (False, True):
        assert not bench.run(says="data/log.json", told_after=told_after)


def test_a_save_of_another_file_during_a_run_is_one() -> None:
    bench = Bench()
    with bench.writes.run() as variables:
        Path(variables[WRITTEN_FILES]).write_bytes(b"/srv/demo/log.json\0")
        both = Change((*bench.changed("log.json").files, *bench.changed("main.py").files), None)
        sifted = bench.writes.sift(both)
        assert sifted.saves is not None
        assert [file.path for file in sifted.saves.files] == ["main.py"]


def test_a_written_file_that_a_person_saves_afterwards_is_saved() -> None:
    bench = Bench()
    assert not bench.run(says="config.json")
    bench.time += 1
    assert bench.is_save("config.json")


def test_what_changes_in_every_run_is_told_by_its_habit_and_doubted_before() -> None:
    """By other programs: the code does not know of it."""
    bench = Bench()
    for _ in range(CERTAIN_AFTER - 1):
        assert bench.run(writes="stamp")
    for doubt in DOUBTS:
        with bench.writes.run():
            sifted = bench.writes.sift(bench.changed("stamp"))
            assert (sifted.saves, sifted.doubt) == (None, doubt)
            assert sifted.doubtful is not None
    for _ in range(20):
        with bench.writes.run():
            sifted = bench.writes.sift(bench.changed("stamp"))
            assert (sifted.saves, sifted.doubtful) == (None, None)
    bench.time += 1
    assert bench.is_save("stamp"), "between the runs it is a person who saves"
    assert not bench.run()
    assert bench.run(writes="stamp"), "a run without it ends the habit"


@given(st.lists(st.sampled_from(["between", "during", "quiet run"]), max_size=30))
def test_a_person_s_last_save_is_followed_by_a_run(steps: list[str]) -> None:
    """A file that only a person saves, whenever they do: the last save is taken for one, or doubted, which leads to
    another run; unless the saves fell into more runs in a row than there are doubts.
    """
    bench = Bench()
    in_a_row = 0
    for step in steps:
        bench.time += 1
        if step == "between":
            assert bench.is_save("main.py")
        elif step == "quiet run":
            bench.run()
            in_a_row = 0
        else:
            in_a_row += 1
            with bench.writes.run():
                bench.time += 0.1
                sifted = bench.writes.sift(bench.changed("main.py"))
                bench.time += 0.1
            is_followed = bool(sifted.saves or sifted.doubtful)
            assert is_followed is (in_a_row < CERTAIN_AFTER + len(DOUBTS))
