"""HTML as text: what a reader sees, in time that grows with the length and with nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.email.html_scan import MAX_ATTRIBUTES, Tag, scan
from shared.email.plain_text import plain_text
from tests.support.processor import processor_seconds

Shape = Callable[[int], str]
# What makes parsers go back: each is begun over and over, or opened and never closed.
REPEATED = [
    "<", "<!--", "<!", "<a ", '<a b="', "<a b='", "&", "&#", "</", "<?", "<![CDATA[", "<a/", "<br>", "<hr>",
    "<li>", "<ol><li>", "<pre>\n", "<p hidden>", "<p><a href=http://x>", "<head>", "<head><p>",
    "<style>", "<title>", "<!---->", "<!-->", "<script>x</script>", "<a b=", "<b/>", "<a href=http://x>y",
    " =\t",     "<div style='display:none'>", "<a href='http://x'>", "</p>", "--!", "<p  =  ", "a\n",
]  # fmt: skip
# What is opened deep and then closed.
NESTED = [
    ("<a>", "</a>"),
    ("<p>", "</p>"),
    ("<b>", "</i>"),
    ("<a href=http://x>", "</a>"),
    ("<div style=display:none>", "</div>"),
    ("<td>", "</td>"),
    ("<ol><li>", "</li></ol>"),
    ("<td><p>", "</td>"),
]
# One thing that is very long.
LONG: dict[str, Shape] = {
    "spaces": lambda n: " " * n + "x",
    "a script that does not end": lambda n: "<script>" + "</scrip" * (n // 7),
    "attributes": lambda n: "<a" + " b" * (n // 2) + ">",
    "attributes without an end": lambda n: "<a" + " b" * (n // 2),
    "a style": lambda n: f'<p style="{" " * n}x">',
    "spaces in a tag": lambda n: "<a b" + " " * n + "c>",
    "a number": lambda n: "&#" + "9" * n,
    "a target within its words": lambda n: f"<a href='http://{'a' * (n // 2)}b'>http://{'a' * (n // 2)}</a>",
}


LENGTH = 80_000


def repeated(one: str) -> Shape:
    """The same again and again."""
    return lambda n: one * (n // len(one))


def nested(opened: str, closed: str) -> Shape:
    """Opened deep, then closed."""
    return lambda n: opened * (n // len(opened + closed)) + closed * (n // len(opened + closed))


SHAPES = {
    **{repr(one): repeated(one) for one in REPEATED},
    **{f"{a}…{b}": nested(a, b) for a, b in NESTED},
    **LONG,
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_time_grows_with_length_and_nothing_else(shape: str) -> None:
    """Eight times the length is eight times the work, with room for a busy machine, and never 64 times.

    How much that is for the longest body: ``python -m benchmarks.html_to_text``.
    """
    long, short = SHAPES[shape](LENGTH), SHAPES[shape](LENGTH // 8)
    most = 25 * processor_seconds(lambda: plain_text(short)) + 0.05
    assert processor_seconds(lambda: plain_text(long)) < most


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a < b, a<3 & c > d", "a < b, a<3 & c > d"),
        ("<P>uno</P><p/>dos", "uno\n\ndos"),
        ("<a href='https://x.example/?a=1&amp;b=2'>Ver</a>", "Ver (https://x.example/?a=1&b=2)"),
        ("<a href=https://x.example/>Ver</a>", "Ver (https://x.example/)"),
        ("<a href='https://x.example/'></a>", "https://x.example/"),
        ("<a href='javascript:alert(1)'>Ver</a>", "Ver"),
        ("<a href='https://x.example/1'>uno <a href='https://x.example/2'>dos</a>",
         "uno (https://x.example/1) dos (https://x.example/2)"),
        ("<img src=x alt='a > b'><img alt=\"c\" alt=d>", "a > bc"),
        ("uno<!-- <b>no</b> -->dos<!-->tres<!--->cuatro<!-- no --!>cinco", "unodostrescuatrocinco"),
        ("<!--[if mso]><p>no</p><![endif]-->sí<![if !mso]>sí<![endif]>", "sísí"),
        ("<?xml version='1.0'?><!doctype html>sí</>sí", "sísí"),
        ("<script>if (a<b) '</p>'</script>sí<style>p > a {}</STYLE >sí<title><b></title>sí", "sísísí"),
        ("sí<script>no", "sí"),
        ("sí<!-- no", "sí"),
        ("sí<p title='no>no", "sí"),
        ("&euro;&#8364;&nbsp;&#99999999999;&#xfffffffff;&eacute", "€€ ��é"),
        ("<div style='Display : None'><div>no</div></div>sí", "sí"),
        ("<b>uno</i></b></b>dos", "unodos"),
        ("<p><b>uno</p>dos", "uno\n\ndos"),
    ],
)  # fmt: skip
def test_html_is_read_as_mail_programs_read_it(html: str, text: str) -> None:
    """Broken HTML too, as the HTML standard has it."""
    assert plain_text(html) == text + "\n"


@pytest.mark.parametrize("quote", ["'", '"', ""])
@pytest.mark.parametrize(
    ("href", "target"),
    [
        ("https://x.example/b?s=1&region=es&currency=EUR&section=2&notify=1&copy=1&lt2&para&times=2",
         "https://x.example/b?s=1&region=es&currency=EUR&section=2&notify=1&copy=1&lt2¶&times=2"),
        ("https://x.example/?a=1&amp;b=2&amp=3&ampere&notit;&copy;&#38;c&#x26d&amp",
         "https://x.example/?a=1&b=2&amp=3&ampere&notit;©&cɭ&"),
        ("HTTPS://x.example/U", "HTTPS://x.example/U"),
        ("mailto:a@b.example?subject=Hola%20que", "a@b.example"),
        ("MAILTO:a%2Bb@c.example", "a+b@c.example"),
        ("tel:+34910", "+34910"),
        ("sms:+34910?body=x", "+34910"),
    ],
)  # fmt: skip
def test_a_link_keeps_its_target(href: str, target: str, quote: str) -> None:
    """A name in it is a character only where a browser reads one (HTML standard, section 13.2.5.73)."""
    assert plain_text(f"<a href={quote}{href}{quote}>Ver</a>") == f"Ver ({target})\n"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li><p>uno</p></li><li><div>dos</div></ul>", "- uno\n\n- dos"),
        ("<ul><li><br>uno<li></li><li>dos</ul>", "- uno\n- dos"),
        ("<ol><li>uno</li><li>dos<ul><li>tres</ul><li>cuatro</ol><ul><li>x</ul>",
         "1. uno\n2. dos\n\n- tres\n\n3. cuatro\n\n- x"),
        ("<ol start=7><li>uno<li>dos</ol><ol start=-1><li>tres</ol><ol start=99999999><li>x</ol>",
         "7. uno\n8. dos\n\n1. tres\n\n1. x"),
        ("<p>uno</p><pre>dos\n  tres\n\n\n\n<b>cuatro\ncinco</b></pre>seis\nsiete",
         "uno\n\ndos\ntres\n\ncuatro\ncinco\n\nseis siete"),
        ("<figure><img src=x alt=Foto><figcaption>Pie</figcaption></figure><aside>lado</aside>fin",
         "Foto\n\nPie\n\nlado\n\nfin"),
        ("<details><summary>uno</summary>dos</details>", "uno\n\ndos"),
        ("<a href=' https://x.example/\n1 '>Ver</a>", "Ver (https://x.example/1)"),
        ("<a href='https://x.example'>https://x.example</a><a href='https://y.example'></a>fin",
         "https://x.example https://y.example fin"),
        ("<a href='https://x.example'>Ver</a>, y <a href='https://y.example'>más</a>.",
         "Ver (https://x.example), y más (https://y.example)."),
        ("<p><a href='https://x.example'><div>Ver</div></a>fin", "Ver (https://x.example)\n\nfin"),
        ("<div hidden>no</div><p hidden=''>no</p><img hidden alt=no>sí", "sí"),
    ],
)  # fmt: skip
def test_a_text_is_laid_out_for_reading(html: str, text: str) -> None:
    """Lists with their marks and numbers, kept lines, and links that do not run together."""
    assert plain_text(html) == text + "\n"


@pytest.mark.parametrize(
    "html",
    [
        "<head><title>x</title><body>sí",
        "<html><head><meta charset=utf-8><style>a{}</style><body><p>sí</p></body></html>",
        "<head><style>a{}</style><table><tr><td>sí</table>",
        "<head><title>x</title>sí",
        "<head><noscript><style>a{}</style><body>sí",
        "<head><title>x</title></head><body>sí</body>",
        "<body><p style='display:none'>no<table><tr><td>sí</td></tr></table></body>",
        "<p hidden>no<b>no<p>sí",
        "<p hidden>no<ul><li>sí</ul>",
        "<td><p hidden>no<div>sí</div></td>",
        "<p hidden><button><div>no</div></button><h1>sí",
    ],
)
def test_an_end_that_may_be_left_out_hides_nothing(html: str) -> None:
    """A body ends the head, a block ends a paragraph (HTML standard, sections 13.2.6.4.4 and 13.2.6.4.7)."""
    assert plain_text(html).removeprefix("- ") == "sí\n"


def test_what_is_hidden_stays_hidden_however_deep_it_stands() -> None:
    """And what comes behind it is seen again."""
    deep = "<div>" * 10_000
    html = f"<div style='display:none'>{deep}no{'</div>' * 10_000}</div>sí"
    assert plain_text(html) == "sí\n"


def test_a_tags_attributes_are_bounded() -> None:
    """What stands behind a hundred is not read."""
    many = " ".join(f"a{n}=1" for n in range(5 * MAX_ATTRIBUTES))
    (tag,) = scan(f"<p {many}>")
    assert isinstance(tag, Tag)
    assert len(tag.attributes) == MAX_ATTRIBUTES


@given(st.text(alphabet="<>/abpdivli =\"'&;!-?#x0\n[]") | st.text())
def test_any_html_becomes_some_text(html: str) -> None:
    """Nothing is an error."""
    assert plain_text(html).endswith("\n")
