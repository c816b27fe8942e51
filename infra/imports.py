"""Which of our own modules an entry module needs, read from its source. Nothing is executed.

``if TYPE_CHECKING:`` blocks do not count: they do not run. Imports inside functions count: they may run.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class ModuleMissing(Exception):
    """The entry module does not exist below the root."""


def needed_files(root: Path, entry: str) -> list[Path]:
    """Files of a module, of all modules below ``root`` it imports, directly or not, and of their packages.

    Args:
        root: the folder that is on the import path.
        entry: dotted name of a module below it.

    Returns:
        Absolute paths, sorted.

    Raises:
        ModuleMissing: there is no such entry module.
    """
    if _file_of(root, entry) is None:
        raise ModuleMissing(f"there is no module {entry} in {root}")
    found: dict[str, Path] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        file = _file_of(root, name)
        if file is None or name in found:
            continue
        found[name] = file
        waiting.extend(_with_packages(name))
        waiting.extend(_imported(file, _package_of(name, file)))
    return sorted(found.values())


def _file_of(root: Path, name: str) -> Path | None:
    base = root.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
        if candidate.is_file():
            return candidate
    return None


def _package_of(name: str, file: Path) -> str:
    return name if file.name == "__init__.py" else name.rpartition(".")[0]


def _with_packages(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _imported(file: Path, package: str) -> Iterator[str]:
    for node in _running(ast.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, package)
            yield source
            # `from a import b` names a module or something inside one: both are tried.
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _running(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and _is_type_checking(node.test):
        children = node.orelse
    for child in children:
        yield from _running(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"
