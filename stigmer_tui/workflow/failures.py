"""How a task fails: with a type by which failures can be told apart."""

from __future__ import annotations

HTTP = "CallHTTP error"
CONDITION = "If statement error"
VALIDATION = "Validation"
# The names above are those of existing definitions (`docs/compatibility.md` 91); those below are ours.
EXPRESSION = "Expression error"
VARIABLE = "Variable error"
AGENT = "CallAgent error"
SIGNAL = "Signal error"
INTERRUPTED = "Interrupted"
LIMIT = "Limit error"


class TaskFailure(Exception):  # noqa: N818 - an outcome of a task, not an error of the program
    """`type` is one of the names above, `status` that of an HTTP answer, `path` the run path of the failed task."""

    def __init__(self, type_: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.type = type_
        self.message = message
        self.status = status
        self.path = ""
        self.iteration = ""
        """Of the loop around the task that failed, such as `index 2`."""

    def text_for(self, path: str) -> str:
        """What to say of the task with this path, which is the one that failed, or one around it."""
        if path == self.path:
            return self.message
        return f"{self.iteration}: {self}" if self.iteration else str(self)

    def __str__(self) -> str:
        return f"{self.path} failed: {self.message}" if self.path else self.message
