"""The part of Jinja that a company's templates may use, and filling them at a bounded cost.

The list of what is allowed is short and closed. Without loops, calls, arithmetic, assignments and macros a
template's cost is bounded by its length, so that no template can take a worker's time or memory. The sandbox
and its refusal of attributes stand behind that as a second fence. Where in HTML a value may stand:
`shared.email.templates.html_fence`.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.filters import do_default
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.email.templates.html_fence import require_fenced
from shared.email.templates.html_refusals import FenceError
from shared.platform.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Undefined

LARGEST_BYTES = 200_000
_COMMENT_WORDS = (
    "{# begins a comment of Jinja's and nothing ends it; in a style write { # with a space between"
)
FILTERS = ("capitalize", "default", "lower", "title", "trim", "upper", "urlencode")
_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Filter,
)


class TemplateWrong(InvalidInput):
    """A template that cannot be used, with words for whoever wrote it."""

    default_reason = "template"


class _Environment(ImmutableSandboxedEnvironment):
    """Names lead to values only: an attribute is a key of a mapping, never one of Python's own."""

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 - Jinja's
        """See Jinja."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 - Jinja's
        """See Jinja."""
        if isinstance(obj, dict) and argument in obj:
            return obj[argument]
        missing: Undefined = self.undefined(obj=obj, name=argument)
        return missing


def _environment(*, html: bool) -> _Environment:
    environment = _Environment(
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=(),
        finalize=_shown,
    )
    environment.globals.clear()
    environment.filters = {name: _careful(environment.filters[name]) for name in FILTERS}
    environment.filters["default"] = _default
    environment.tests.clear()
    return environment


def _shown(value: object) -> object:
    """What is missing shows as nothing; Jinja would write ``None`` into a customer's mail."""
    return "" if value is None else value


def _careful(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that leaves what is missing missing, so that a ``default`` behind it still finds that out."""

    @wraps(function)
    def filtered(value: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the filter takes
        return None if value is None else function(value, *rest, **named)

    return filtered


def _default(value: Any, instead: Any = "", boolean: Any = False) -> Any:  # noqa: ANN401, FBT002 - Jinja's
    """Jinja's ``default``, for which ``None`` is missing too: that is how `values.complete` says so."""
    return instead if value is None else do_default(value, instead, boolean)


_HTML, _TEXT = _environment(html=True), _environment(html=False)


def fill(source: str, values: Mapping[str, Any], *, html: bool) -> str:
    """Fill a template.

    Args:
        source: what was written.
        values: mappings and texts; nothing in them is a template.
        html: whether values are escaped for HTML.

    Raises:
        TemplateWrong: it uses more than it may, names what is not there, or becomes too large.
    """
    environment = _HTML if html else _TEXT
    try:
        tree = environment.parse(source)
        _require_allowed(tree)
        if html:
            _encode(tree, require_fenced(tree))
        return _bounded(environment.from_string(tree).generate(**values))
    except TemplateError as error:
        raise TemplateWrong(f"cannot be filled: {_words(error)}") from None
    except FenceError as error:
        raise TemplateWrong(str(error)) from None
    except (SyntaxError, RecursionError, MemoryError, OverflowError, ValueError):
        raise TemplateWrong("cannot be read: it is nested too deeply, or holds something odd") from None


def _require_allowed(tree: nodes.Node) -> None:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, _NODES):
            name = type(node).__name__.lower()
            raise TemplateWrong(
                f"uses {name} in line {node.lineno}; only values, if and a few filters are allowed"
            )
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise TemplateWrong(f"uses the filter {node.name!r}; there are {', '.join(FILTERS)}")
        waiting.extend(node.iter_child_nodes())


def _encode(tree: nodes.Template, in_addresses: list[nodes.Node]) -> None:
    """Have values URL-encoded, unless the template says so itself."""
    wanted = {
        id(one) for one in in_addresses if not (isinstance(one, nodes.Filter) and one.name == "urlencode")
    }
    for output in tree.find_all(nodes.Output):
        output.nodes = [_encoded(one) if id(one) in wanted else one for one in output.nodes]


def _encoded(value: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(value, "urlencode", [], [], None, None, lineno=value.lineno)


def _bounded(parts: Any) -> str:  # noqa: ANN401 - an iterator of texts
    written, size = [], 0
    for part in parts:
        size += len(part.encode("utf-8", "replace"))
        if size > LARGEST_BYTES:
            raise TemplateWrong(f"becomes larger than {LARGEST_BYTES} bytes")
        written.append(part)
    return "".join(written)


def _words(error: TemplateError) -> str:
    line = getattr(error, "lineno", None)
    if error.message == "Missing end of comment tag":
        return f"{_COMMENT_WORDS} (line {line})"
    # Jinja's own sentence names the variable; it holds no value.
    words = (error.message or type(error).__name__)[:200]
    return f"{words} (line {line})" if line else words
