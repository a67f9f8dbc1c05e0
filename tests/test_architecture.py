"""Who may import whom. The table below is the architecture; a room that is not in it may not exist."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# room -> the rooms it may import from, besides itself and the outside world
PURE = {"core"}
RULES: dict[str, set[str]] = {
    "core": set(),
    "ports": PURE,
    "settings": PURE | {"ports"},
    "drivers": PURE | {"ports"},
    "channels": PURE | {"ports"},
    "telemetry": PURE | {"ports"},
    "journal": PURE | {"ports"},
    "pictures": PURE | {"ports"},
    "duty": PURE | {"ports", "settings", "journal"},
    "web": PURE | {"ports", "settings"},
    "gateway": PURE
    | {"ports", "settings", "drivers", "channels", "telemetry", "journal", "pictures", "duty", "web", "version"},
    "control_room": PURE
    | {"ports", "settings", "drivers", "channels", "telemetry", "journal", "pictures", "duty", "web", "version"},
    "version": set(),
}
ANYTHING = {"commands", "cli", "demo"}

# What core may use of the standard library: values and arithmetic, nothing that waits, asks the time or touches the world.
CORE_MAY_USE = {
    "__future__", "collections", "dataclasses", "datetime", "enum", "functools", "hashlib", "itertools", "json", "math", "operator",
    "re", "types", "typing", "unicodedata", "zoneinfo",
}  # fmt: skip
CORE_MAY_NOT_ASK = {"now", "utcnow", "today", "monotonic", "time"}

# A concrete driver or channel is known to its composition root only.
CONCRETE = ("sentinel.channels.", "drivers.modbus", "drivers.links.modbus")
ROOTS = {"sentinel/gateway/app.py", "sentinel/control_room/app.py"}


def sources() -> list[Path]:
    return sorted(path for folder in ("sentinel", "drivers") for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "drivers":
        return "drivers"
    return parts[1] if len(parts) > 1 else "version"


def imports(path: Path, *, types_too: bool = True) -> set[str]:
    """Every module of ours or of the world that this file imports, in full."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types_too:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it goes"
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(part for part in parts if is_ours(part))
            if not all(is_ours(part) for part in parts):
                found.add(str(node.module))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def is_ours(module: str) -> bool:
    if module.split(".", maxsplit=1)[0] not in ("sentinel", "drivers"):
        return False
    path = ROOT / Path(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    room = room_of(name_of(path))
    if room in ANYTHING:
        return
    assert room in RULES, f"{room} is not in the architecture: add it to the table, with its reason in docs/decisions"
    for module in imports(path):
        if is_ours(module):
            other = room_of(module)
            assert other == room or other in RULES[room], f"{room} may not import {module}"


@pytest.mark.parametrize("path", [p for p in sources() if room_of(name_of(p)) == "core"], ids=name_of)
def test_core_is_pure(path: Path) -> None:
    for module in imports(path):
        if not is_ours(module):
            assert module.split(".")[0] in CORE_MAY_USE, f"core may not use {module}"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = node.func.attr
            assert asked not in CORE_MAY_NOT_ASK, (
                f"{path}:{node.lineno}: core asks for {asked}(); the caller passes now"
            )


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_only_the_composition_roots_know_a_concrete_driver_or_channel(path: Path) -> None:
    room = room_of(name_of(path))
    where = str(path.relative_to(ROOT))
    if room in ANYTHING | {"drivers", "channels"} or where in ROOTS:
        return
    concrete = [module for module in imports(path, types_too=False) if module.startswith(CONCRETE)]
    assert not concrete, f"{where} imports {concrete}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {
        name_of(path): {module for module in imports(path, types_too=False) if is_ours(module)} for path in sources()
    }
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module in done:
            return
        for other in graph.get(module, ()):
            if other != module:
                walk(other, (*trail, module))
        done.add(module)

    for module in graph:
        walk(module, ())


def test_the_daemon_never_imports_a_simulator() -> None:
    for path in sources():
        if room_of(name_of(path)) not in ANYTHING and "sim" not in path.parts:
            assert not [module for module in imports(path) if module.startswith("drivers.sim")], path


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_broad_excepts_live_in_supervise_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            broad = caught in ("everything", "Exception", "BaseException")
            passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            assert not broad or passed_on or path.name == "supervise.py", f"{path}:{node.lineno} swallows {caught}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_file_says_first_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
