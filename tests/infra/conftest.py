"""The template of each stage, synthesized once, with empty bundles."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from infra.bundling import Bundle
from infra.stages import read_settings
from infra.synthesis import new_app, synthesize
from tests.infra.templates import StageTemplate

if TYPE_CHECKING:
    from pathlib import Path


class EmptyBundler:
    """Makes bundles with nothing in them: the template does not depend on what they hold."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def bundle(self, name: str) -> Bundle:
        """See `infra.bundling.Bundler`."""
        archive = self._folder / f"{name}.zip"
        with zipfile.ZipFile(archive, "w"):
            pass
        return Bundle(archive, f"digest-of-{name}")


class Synthesizer:
    """Synthesizes stages, and remembers what it did."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[tuple[tuple[str, str], ...], StageTemplate] = {}

    def __call__(self, stage: str, **context: str) -> StageTemplate:
        """The template of a stage under this context."""
        key = (("stage", stage), *sorted(context.items()))
        if key not in self._done:
            self._done[key] = self._synthesize(stage, context)
        return self._done[key]

    def _synthesize(self, stage: str, context: dict[str, str]) -> StageTemplate:
        folder = self._folder / str(len(self._done))
        app = new_app(str(folder), stage=stage, **context)
        settings = read_settings(app.node.try_get_context)
        synthesize(app, settings, EmptyBundler(self._folder))
        [file] = folder.glob("*.template.json")
        return StageTemplate(settings, json.loads(file.read_text()), file)


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """Gives the template of a stage."""
    return Synthesizer(tmp_path_factory.mktemp("synthesized"))


@pytest.fixture(scope="session", params=["local", "dev", "prod"])
def template(request: pytest.FixtureRequest, synthesized: Synthesizer) -> StageTemplate:
    """The template of every stage in turn."""
    return synthesized(request.param)


@pytest.fixture(scope="session", params=["dev", "prod"])
def on_aws(request: pytest.FixtureRequest, synthesized: Synthesizer) -> StageTemplate:
    """The template of every stage that runs on AWS."""
    return synthesized(request.param)


@pytest.fixture(scope="session")
def prod(synthesized: Synthesizer) -> StageTemplate:
    """The template of prod."""
    return synthesized("prod")
