"""The two bundles: what is in them, that they start, and that they are made once."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import names
from infra.archives import pack
from infra.bundling import APP, BUNDLE_OF, DOOR, ROOT, CachedBundler, source_files
from infra.dependencies import BundlingError, Target, install, lambda_target, local_target
from infra.interpreters import InterpreterMissing, find, inspect

# What the Lambda runtime brings beside the standard library.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "dateutil", "six", "jmespath", "urllib3")
NOT_THE_DOORS = ("pydantic", "requests", "openai", "googleapiclient", "httpx2", "boto3", "botocore")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source tree with one function, one module it imports, one it does not, and no dependencies."""
    root = tmp_path / "source"
    for file, text in {
        f"functions/{names.CHATWOOT_WEBHOOK}/handler.py": "from shared import used\n",
        "functions/__init__.py": "",
        f"functions/{names.CHATWOOT_WEBHOOK}/__init__.py": "",
        "shared/__init__.py": "",
        "shared/used.py": "",
        "shared/unused.py": "",
        "shared/page.html": "<p></p>",
        "requirements/door.txt": "",
        "requirements/app.txt": "",
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    return root


@pytest.fixture
def bundler(source: Path) -> CachedBundler:
    """Bundles that tree for this interpreter."""
    return CachedBundler(local_target(sys.executable), source)


def contents(archive: Path) -> set[str]:
    """Names in an archive, without bytecode."""
    with zipfile.ZipFile(archive) as packed:
        return {name for name in packed.namelist() if "__pycache__" not in name}


def test_the_door_holds_what_it_imports_and_the_app_everything(bundler: CachedBundler) -> None:
    """Nothing heavy can slip into the door, and no data file is missing from the app."""
    assert "shared/used.py" in contents(bundler.bundle(DOOR).archive)
    assert "shared/unused.py" not in contents(bundler.bundle(DOOR).archive)
    assert {"shared/used.py", "shared/unused.py", "shared/page.html"} <= contents(bundler.bundle(APP).archive)


def test_bytecode_is_compiled_and_never_checked_against_the_source(bundler: CachedBundler) -> None:
    """A cold start neither compiles nor compares (PEP 552: flags 1 mean an unchecked hash)."""
    with zipfile.ZipFile(bundler.bundle(DOOR).archive) as packed:
        compiled = [n for n in packed.namelist() if n.endswith(f"used.{sys.implementation.cache_tag}.pyc")]
        flags = [int.from_bytes(packed.read(name)[4:8], "little") for name in compiled]
    assert flags == [1]


def test_the_same_source_gives_the_same_digest_and_is_bundled_once(source: Path, tmp_path: Path) -> None:
    """Unchanged code is not deployed again, from whichever checkout."""
    target = local_target(sys.executable)
    first = CachedBundler(target, source).bundle(DOOR)
    made = first.archive.stat().st_ino
    again = CachedBundler(target, source).bundle(DOOR)
    elsewhere = CachedBundler(target, source, cache=tmp_path / "other").bundle(DOOR)
    assert again.archive.stat().st_ino == made
    assert first.digest == again.digest == elsewhere.digest


def test_a_changed_module_changes_only_the_bundles_it_is_in(source: Path, bundler: CachedBundler) -> None:
    """A change of the app leaves the door as it is deployed."""
    door, app = bundler.bundle(DOOR).digest, bundler.bundle(APP).digest
    (source / "shared" / "unused.py").write_text("changed = True\n")
    assert bundler.bundle(DOOR).digest == door
    assert bundler.bundle(APP).digest != app


def test_bytecode_and_target_belong_to_the_digest(source: Path) -> None:
    """A bundle made without a fitting Python is made again when there is one."""
    digests = {
        CachedBundler(target, source).bundle(DOOR).digest
        for target in (
            Target("lambda", (), None),
            Target("lambda", (), inspect(sys.executable)),
            local_target(sys.executable),
        )
    }
    assert len(digests) == 3


def test_archives_do_not_depend_on_times(tmp_path: Path) -> None:
    """The same files give the same bytes, whenever they were written."""
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / "module.py").write_text("x = 1\n")
    pack(folder, tmp_path / "first.zip")
    os.utime(folder / "module.py", (0, 1_000_000_000))
    pack(folder, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_a_failed_installation_says_what_uv_said(tmp_path: Path) -> None:
    """No half-made bundle, and a sentence that helps."""
    requirements = tmp_path / "door.txt"
    requirements.write_text("no-such-package-of-ours @ file:///nowhere --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(BundlingError, match=r"door\.txt"):
        install(requirements, local_target(sys.executable), tmp_path / "into")


def test_an_interpreter_that_does_not_run_is_refused() -> None:
    """A wrong -c local_python is named, not stumbled over later."""
    with pytest.raises(InterpreterMissing, match="no-python-here"):
        local_target("/no-python-here")


def test_the_running_python_is_found() -> None:
    """Bytecode is made by an interpreter of exactly the version that will run it."""
    found = find((sys.version_info.major, sys.version_info.minor))
    assert found is not None
    assert found.version == sys.version_info[:2]
    assert find((2, 0)) is None


def test_lambdas_wheels_are_for_its_python_and_processor() -> None:
    """The target names what uv must know; bytecode only comes from a Python 3.13."""
    target = lambda_target()
    assert target.options == ("--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13")
    assert target.compiler is None or target.compiler.version == (3, 13)


def test_every_function_has_a_bundle() -> None:
    """Only the door has one of its own; another needs a measurement (docs/decisions/0002-two-bundles.md)."""
    assert set(BUNDLE_OF) == set(names.FUNCTIONS)
    assert [name for name, bundle in BUNDLE_OF.items() if bundle == DOOR] == [names.CHATWOOT_WEBHOOK]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the Lambda runtime brings, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (folder / place.name).symlink_to(place)
    return folder


def starts(bundle: Path, runtime: Path, function: str, folder: Path, then: str = "") -> str:
    """Import a handler beside its bundle and the runtime's packages only; gives the names it loaded.

    Args:
        bundle: the archive.
        runtime: what Lambda brings.
        function: whose handler.
        folder: where the bundle is unpacked.
        then: what the started function does, in Python.
    """
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder)
    script = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(runtime)!r}]\n"
        f"import functions.{function}.handler as module\n"
        "assert callable(module.handler)\n"
        f"{then}\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    environment = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "FRONTDESK_STAGE": "local",
        "FRONTDESK_COMPANIES_TABLE": "companies",
        "FRONTDESK_CREDENTIALS_TABLE": "credentials",
        "FRONTDESK_CONVERSATIONS_TABLE": "conversations",
        "FRONTDESK_INCOMING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/incoming.fifo",
        "FRONTDESK_EMAILS_TABLE": "emails",
        "FRONTDESK_FILES_BUCKET": "files",
        "FRONTDESK_EMAIL_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/emails",
        "FRONTDESK_DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/dead-letters.fifo",
        "FRONTDESK_KMS_KEY_ARN": "arn:aws:kms:eu-west-1:1:key/1",
        "POWERTOOLS_SERVICE_NAME": function,
    }
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-IS", "-c", script], capture_output=True, text=True, check=False, env=environment
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return answer.stdout


@pytest.fixture(scope="session")
def real_bundler() -> CachedBundler:
    """Bundles this checkout for this interpreter, with its locked dependencies."""
    return CachedBundler(local_target(sys.executable))


def test_the_door_starts_light_and_alone(real_bundler: CachedBundler, runtime: Path, tmp_path: Path) -> None:
    """Chatwoot waits five seconds, cold start included: the heavy packages are not even there."""
    archive = real_bundler.bundle(DOOR).archive
    top = {name.split("/")[0] for name in contents(archive)}
    assert not top & set(NOT_THE_DOORS)
    loaded = set(starts(archive, runtime, names.CHATWOOT_WEBHOOK, tmp_path).split())
    assert not loaded & {"pydantic", "requests", "openai", "googleapiclient", "httpx2"}


@pytest.mark.parametrize("function", [n for n in names.FUNCTIONS if BUNDLE_OF[n] == APP])
def test_every_function_starts_from_its_bundle(
    real_bundler: CachedBundler, runtime: Path, tmp_path: Path, function: str
) -> None:
    """Nothing a handler imports is missing from the bundle or borrowed from the developer's environment."""
    starts(real_bundler.bundle(APP).archive, runtime, function, tmp_path)


# Asks a Google that is not there: the API's description must be found, and the call made, before it fails.
LOOK_INTO_GOOGLE = """
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from shared.calendars.providers.making import make_calendar_providers
from shared.credentials.tokens import AccessToken
from shared.platform.errors import RequestNotSent
from shared.platform.secret import Secret
from shared.platform.settings import Environment

assert "googleapiclient" not in sys.modules
tokens = SimpleNamespace(access_token=lambda *_: AccessToken(Secret("t"), frozenset(), None, 1))
settings = {"FRONTDESK_LOOPBACK_ALLOWED": "true", "FRONTDESK_GOOGLE_BASE_URL": "http://127.0.0.1:9"}
providers = make_calendar_providers(Environment({**os.environ, **settings}), tokens)
google = providers.of("clinica-sol", SimpleNamespace(id="a", provider="google", calendar="primary"))
now = datetime.now(UTC)
try:
    google.free_busy(["primary"], now, now + timedelta(days=1), timeout_seconds=2)
except RequestNotSent:
    pass
else:
    raise AssertionError("nobody listens there")
"""


def test_turns_can_look_into_google_from_their_bundle(
    real_bundler: CachedBundler, runtime: Path, tmp_path: Path
) -> None:
    """The calendar's API description travels along; Google's library is loaded only now."""
    archive = real_bundler.bundle(APP).archive
    loaded = starts(archive, runtime, names.CONVERSATION_TURNS, tmp_path, LOOK_INTO_GOOGLE)
    assert "googleapiclient" in loaded.split()


def test_the_app_holds_one_google_api(real_bundler: CachedBundler) -> None:
    """The client brings hundreds of API descriptions; ours calls the calendar."""
    names_in = contents(real_bundler.bundle(APP).archive)
    found = [n for n in names_in if "discovery_cache/documents/" in n]
    assert found == ["googleapiclient/discovery_cache/documents/calendar.v3.json"]


def test_bundles_fit_into_a_function(real_bundler: CachedBundler) -> None:
    """Lambda unpacks at most 250 MB; the door stays under a quarter of the app."""
    sizes = {}
    for name in (DOOR, APP):
        with zipfile.ZipFile(real_bundler.bundle(name).archive) as packed:
            sizes[name] = sum(entry.file_size for entry in packed.infolist())
    assert sizes[APP] < 250e6
    assert sizes[DOOR] < sizes[APP] / 3


def test_the_bundles_hold_only_what_is_deployed() -> None:
    """No test, tool or simulator travels along."""
    for bundle in (DOOR, APP):
        tops = {file.relative_to(ROOT).parts[0] for file in source_files(ROOT, bundle)}
        assert tops == {"functions", "shared"}
