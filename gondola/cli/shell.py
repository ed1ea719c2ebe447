"""A small SQL shell: completion of names, history, and answers from whatever is published at that moment."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer
from rich.console import Console

from gondola.cli import display
from gondola.errors import GondolaError
from gondola.serving.query import QuerySession
from gondola.settings import Settings
from gondola.yaml_files import hint
from storage.publish import published_version

__all__ = ["NameCompleter", "Shell", "run_shell"]

_SHOWN = 200  # rows; the command itself returns them all
_KEYWORDS = (
    "select from where group by order by having limit join left join inner join on using with as and or not in between "
    "is null case when then else end distinct count sum avg min max desc asc union all filter over partition by"
)
_HELP = """\
  \\d            tables
  \\d TABLE      columns of a table
  \\timing       say how long answers take, or no longer
  \\q            leave (or Ctrl-D)
A statement ends with a semicolon. At most 200 rows are shown; `gondola query "…" --format csv` gives all."""
_WORD = re.compile(r"[\w.]+$")


class NameCompleter(Completer):
    """Tables by their full or bare name; columns of the tables a statement names, and after a table's dot."""

    def __init__(self, catalog: Callable[[], dict[str, list[tuple[str, str]]]]) -> None:
        self._catalog = catalog

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """What may stand at the cursor."""
        catalog = self._catalog()
        found = _WORD.search(document.text_before_cursor)
        word = found[0].lower() if found else ""
        prefix, dot, last = word.rpartition(".")
        if dot and prefix in self._aliases(document.text, catalog):
            table = self._aliases(document.text, catalog)[prefix]
            yield from self._matching(last, [(name, kind) for name, kind in catalog[table]])
            return
        tables = [(name, "table") for name in catalog]
        named = [table for table in catalog if re.search(rf"\b{re.escape(table)}\b", document.text)]
        columns = [column for table in named for column in catalog[table]]
        yield from self._matching(word, [*columns, *tables, *((name, "schema") for name in _schemas(catalog))])
        if not dot:
            yield from self._matching(word, [(name, "") for name in _KEYWORDS.split()])

    @staticmethod
    def _aliases(text: str, catalog: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
        """Tables by what a statement calls them."""
        found = {}
        for table in catalog:
            for alias in re.findall(rf"\b{re.escape(table)}\s+(?:as\s+)?(\w+)", text, re.IGNORECASE):
                found[alias.lower()] = table
            if re.search(rf"\b{re.escape(table)}\b", text):
                found[table] = found[table.split(".")[-1]] = table
        return found

    @staticmethod
    def _matching(word: str, names: Iterable[tuple[str, str]]) -> Iterable[Completion]:
        seen = set()
        for name, kind in names:
            if name.lower().startswith(word) and name not in seen:
                seen.add(name)
                yield Completion(name, start_position=-len(word), display_meta=kind.lower())


def _schemas(catalog: dict[str, list[tuple[str, str]]]) -> list[str]:
    return sorted({f"{table.split('.')[0]}." for table in catalog})


class Shell:
    """What happens to each line; the terminal around it is `run_shell`'s.

    Args:
        settings: Name the warehouse, or the lake.
        lake: Whether the lake's files are read.
        output: Where answers go.
    """

    def __init__(self, settings: Settings, *, lake: bool, output: Console) -> None:
        self._settings = settings
        self._lake = lake
        self._output = output
        self._timing = False
        self._session: QuerySession | None = None
        self._catalog: dict[str, list[tuple[str, str]]] = {}

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None

    def catalog(self) -> dict[str, list[tuple[str, str]]]:
        """Tables and their columns, of what is published now."""
        self._current()
        return self._catalog

    def handle(self, text: str) -> bool:
        """Answer one input.

        Returns:
            Whether the shell goes on.
        """
        line = text.strip().rstrip(";").strip()
        if line in {"\\q", "exit", "quit"}:
            return False
        began = time.perf_counter()
        try:
            self._answer(line)
        except GondolaError as error:
            self._output.print(f"error: {error}", style="red", markup=False, highlight=False)
        except KeyboardInterrupt:
            self._output.print("interrupted", style="yellow")
        if self._timing and line:
            self._output.print(f"{time.perf_counter() - began:.3f} s", style="dim", highlight=False)
        return True

    def _answer(self, line: str) -> None:
        command, _, argument = line.partition(" ")
        if not line:
            return
        if command in {"\\?", "\\h", "help"}:
            self._output.print(_HELP, markup=False, highlight=False)
        elif command == "\\timing":
            self._timing = not self._timing
            self._output.print(f"timing is {'on' if self._timing else 'off'}")
        elif command == "\\d":
            self._describe(argument.strip())
        elif command.startswith("\\"):
            self._output.print(f"no command {command}; \\? lists them", markup=False)
        else:
            self._show(line)

    def _describe(self, table: str) -> None:
        catalog = self.catalog()
        if not table:
            counts: list[tuple[Any, ...]] = [(name, len(columns)) for name, columns in catalog.items()]
            self._output.print(display.rows_table(("table", "columns"), counts))
            return
        names = [name for name in catalog if table in {name, name.split(".")[-1]}]
        for name in names:
            self._output.print(display.rows_table(("column", "type"), catalog[name], title=name))
        if not names:
            self._output.print(f"no table {table!r}; {hint(table, list(catalog))}", markup=False)

    def _show(self, sql: str) -> None:
        rows = self._current().run(sql, max_rows=_SHOWN + 1)
        shown = [tuple(row.values()) for row in rows.slice(0, _SHOWN).to_pylist()]
        self._output.print(display.rows_table(rows.column_names, shown))
        more = rows.num_rows > _SHOWN
        self._output.print(f"first {_SHOWN} rows" if more else f"{rows.num_rows} rows", style="dim", highlight=False)

    def _current(self) -> QuerySession:
        if self._session is not None and not self._lake:
            version = published_version(self._settings.warehouse)
            if version != self._session.version:
                self.close()
                self._output.print(f"now answering from version {version}", style="dim", highlight=False)
        if self._session is None:
            self._session = QuerySession(self._settings, lake=self._lake)
            self._catalog = self._session.catalog()
        return self._session


def run_shell(settings: Settings, *, lake: bool = False, **terminal: Any) -> None:
    """Read statements and answer them until the input ends.

    Args:
        settings: Name the warehouse, or the lake.
        lake: Whether the lake's files are read.
        **terminal: Another terminal, as prompt_toolkit names its `input` and `output`.

    Raises:
        LakeKeyError: Nothing was published yet.
    """
    shell = Shell(settings, lake=lake, output=display.output)
    shell.catalog()
    session: PromptSession[str] = PromptSession(
        "gondola> ",
        completer=NameCompleter(shell.catalog),
        history=_history(),
        lexer=PygmentsLexer(SqlLexer),
        multiline=True,
        prompt_continuation="      -> ",
        key_bindings=_keys(),
        complete_while_typing=True,
        **terminal,
    )
    where = settings.lake if lake else f"version {published_version(settings.warehouse)}"
    display.output.print(f"Answers come from {where}. \\? lists commands, \\q leaves.", style="dim", highlight=False)
    try:
        while True:
            try:
                text = session.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if not shell.handle(text):
                return
    finally:
        shell.close()


def _keys() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        text = event.current_buffer.text.strip()
        if not text or text.startswith("\\") or text.endswith(";") or text in {"exit", "quit", "help"}:
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    return bindings


def _history() -> FileHistory | InMemoryHistory:
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gondola"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileHistory(str(folder / "history"))
    except OSError:
        return InMemoryHistory()
