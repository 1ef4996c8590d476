"""Point 45: whatever stands in the environment or in a YAML file, a sentence says what is wrong with it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stigmer_tui.core.configuration import load_configuration, parse_address
from stigmer_tui.core.errors import StigmerError, as_text, system_refusal
from stigmer_tui.core.paths import Home, absolute, working_folder
from stigmer_tui.core.yaml_text import read_yaml

SETTINGS = (
    "STIGMER_ADDRESS",
    "STIGMER_SERVER_ADDR",
    "STIGMER_ORG",
    "STIGMER_LLM_PROVIDER",
    "STIGMER_LLM_MODEL",
    "STIGMER_LLM_BASE_URL",
    "STIGMER_LLM_SCRIPT",
    "SANDBOX_ROOT_DIR",
    "STIGMER_HOME",
)


@pytest.mark.parametrize(
    "text", ["²", "host:²", "٣", "127.0.0.1:1e3", "x:99999999999999999999", "a:-1", "a: 1", ":", "a:"]
)
def test_only_digits_are_a_port(text: str) -> None:
    with pytest.raises(StigmerError, match="Not an address"):
        parse_address(text)


@given(st.text())
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except StigmerError:
        return
    assert address == "" or 0 <= int(address.rpartition(":")[2]) <= 65535


@given(st.sampled_from(SETTINGS), st.text(st.characters(exclude_characters="\0"), max_size=20))
@example("STIGMER_ORG", "\udcff")
@example("STIGMER_HOME", "/tmp/\udcff")
@example("STIGMER_LLM_SCRIPT", "~nobody-at-all/x")
def test_any_value_of_a_variable_is_taken_or_refused_by_its_name(name: str, value: str) -> None:
    try:
        configuration = load_configuration({"STIGMER_HOME": "/nowhere", name: value})
    except StigmerError as refusal:
        assert refusal.message
        return
    str(configuration).encode()


@settings(max_examples=300)
@given(
    st.text(max_size=30)
    | st.text("[]{}:-,&*a1\n \"'|>?!#%@`~.", max_size=40)
    | st.lists(st.sampled_from(["server:", " address:", "organization: ", "[", "backend:\n", "  local: ", "- "])).map(
        "".join
    )
)
@example("[" * 100_000)
@example("{a: " * 600)
@example("- " * 5000)
@example("\n".join(" " * level + "a:" for level in range(500)))
@example("organization: " + "9" * 10_000)
@example("organization: 0x" + "f" * 10_000)
@example('organization: "\\ud800"')
@example("organization: \ud800")
@example("? [a]\n: 1")
@example("a: &x [*x]")
def test_any_configuration_is_understood_or_refused(text: str) -> None:
    folder = Path(_folder)
    (folder / "config.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load_configuration({"STIGMER_HOME": str(folder)})
    except StigmerError as refusal:
        assert refusal.message


_folder = ""


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hypothesis runs its examples within one test; one folder does for all."""
    global _folder
    _folder = str(tmp_path_factory.mktemp("home"))


def test_a_number_or_a_depth_that_means_nothing_is_refused_with_its_line() -> None:
    with pytest.raises(StigmerError, match=r"^F:2:4 has a number of more than 1000 digits$"):
        read_yaml("a: 1\nb: " + "9" * 10_000, "F")
    with pytest.raises(StigmerError, match=r"^F:101:101 is nested more than 100 levels deep$"):
        read_yaml("\n".join(" " * level + "a:" for level in range(500)), "F")
    assert read_yaml("a: " + "[" * 90 + "]" * 90, "F").value


def test_a_deleted_working_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for use in (working_folder, lambda: absolute("here"), lambda: Home.from_environment({"STIGMER_HOME": "here"})):
        with pytest.raises(StigmerError, match="The folder in which you are has been deleted") as refusal:
            use()
        assert refusal.value.advice
    monkeypatch.chdir(tmp_path)


def test_a_person_without_a_home_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)
    with pytest.raises(StigmerError, match=r"this user has no home folder") as refusal:
        Home.from_environment({})
    assert refusal.value.advice == "Set HOME."


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "Cannot use /a/b: Permission denied"),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "Cannot use /a: Read-only file system"),
        (OSError(errno.ENOSPC, "No space left on device"), "Cannot write: No space left on device"),
        (OSError(errno.EMFILE, "Too many open files"), "The system refuses: Too many open files"),
        (OSError("nothing known"), "The system refuses: nothing known"),
    ],
)
def test_what_the_system_refuses_is_told_in_its_words(error: OSError, message: str) -> None:
    assert system_refusal(error).message == message


def test_a_text_that_is_none_is_named() -> None:
    assert as_text("ä", "A name") == "ä"
    with pytest.raises(StigmerError, match=r"^A name is not valid UTF-8 text: x\\udcff"):
        as_text("x\udcff", "A name")
