"""Which modules a bundle needs is read from the source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundling import ROOT
from infra.imports import ModuleMissing, needed_files


def tree(root: Path, **sources: str) -> Path:
    """Write modules; two underscores in a name stand for a folder."""
    for name, source in sources.items():
        file = root / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(source)
    return root


def needed(root: Path, entry: str) -> set[str]:
    """Needed files, without the packages' own."""
    return {str(f.relative_to(root)) for f in needed_files(root, entry) if f.name != "__init__.py"}


def test_follows_imports_wherever_they_stand(tmp_path: Path) -> None:
    """At the top, inside functions, relative, of a module or of a name inside one."""
    root = tree(
        tmp_path,
        fn__handler="from lib.a import thing\ndef handler():\n    import lib.b\n",
        lib__a="from . import c\nfrom .d import name\n",
        lib__b="import json\n",
        lib__c="",
        lib__d="name = 1\n",
        lib__unused="",
    )
    assert needed(root, "fn.handler") == {"fn/handler.py", "lib/a.py", "lib/b.py", "lib/c.py", "lib/d.py"}


def test_leaves_out_what_only_the_type_checker_imports(tmp_path: Path) -> None:
    """Such a block does not run; its else does."""
    source = "if TYPE_CHECKING:\n    import lib.heavy\nelse:\n    import lib.light\n"
    root = tree(tmp_path, fn__handler=source, lib__heavy="", lib__light="")
    assert needed(root, "fn.handler") == {"fn/handler.py", "lib/light.py"}


def test_brings_the_packages_a_module_stands_in(tmp_path: Path) -> None:
    """Importing a module runs the package around it, which may import more."""
    root = tree(tmp_path, fn__handler="import lib.a\n", lib__a="", lib__more="")
    (root / "lib" / "__init__.py").write_text("from lib import more\n")
    files = {str(f.relative_to(root)) for f in needed_files(root, "fn.handler")}
    assert files == {"fn/__init__.py", "fn/handler.py", "lib/__init__.py", "lib/a.py", "lib/more.py"}


def test_says_which_module_is_missing(tmp_path: Path) -> None:
    """A typing error in a name does not become an empty bundle."""
    with pytest.raises(ModuleMissing, match=r"fn\.handler"):
        needed_files(tmp_path, "fn.handler")


@pytest.mark.parametrize("entry", ["shared.platform.http", "shared.agent.orchestrator"])
def test_finds_what_python_really_loads(entry: str) -> None:
    """The modules of ours in a fresh interpreter after the import are all among the needed ones."""
    script = (
        f"import sys, {entry}\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'shared'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    loaded = {Path(line) for line in answer.stdout.split()}
    assert loaded <= set(needed_files(ROOT, entry))
