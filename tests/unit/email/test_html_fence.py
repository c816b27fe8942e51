"""Where a value may stand in a company's HTML, and what a company may not write itself."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.email.templates.safe import TemplateWrong, fill

HOSTILE = [
    "x onclick=alert(1)",
    '"><script>alert(1)</script>',
    "' onload='x",
    "javascript:alert(1)",
    "-->",
    "a\tb",
]
ADDRESS = "https://desk.example.com/a?b=1&c='\">"


def filled(source: str, value: str = "Ana") -> str:
    """A template with a value that is a text, ``v``, and one that is an address, ``a.url``."""
    return fill(source, {"v": value, "a": {"url": ADDRESS}, "no": None}, html=True)


def refusal(source: str) -> str:
    """The words with which a template is refused."""
    with pytest.raises(TemplateWrong) as caught:
        filled(source)
    return str(caught.value)


class Shape(HTMLParser):
    """The tags of an HTML text with the names of their attributes, and what their links begin with."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.schemes: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        links = [value or "" for name, value in attrs if name in {"href", "src"}]
        self.schemes |= {link.strip().split(":", 1)[0].lower() for link in links if ":" in link}

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        self.tags.append((f"/{tag}", ()))


@pytest.mark.parametrize(
    "source",
    [
        "<a href={{ v }}>x</a>",
        "<a href={% if v %}{{ v }}{% endif %}>x</a>",
        "<a href= {% if v %}{{ v }}{% endif %}>x</a>",
        "<a title=a{{ v }}>x</a>",
    ],
)
def test_a_value_of_an_attribute_stands_in_quotes(source: str) -> None:
    """Else a space in it would begin another attribute."""
    assert "into quotes" in refusal(source)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("<{{ v }}>", "a tag"),
        ("<b{{ v }}>x</b>", "a tag"),
        ("<b {{ v }}>x</b>", "a tag"),
        ("<b {{ v }}='1'>x</b>", "a tag"),
        ("<b title='x'{{ v }}>x</b>", "a tag"),
        ("</{{ v }}>", "a tag"),
        ("<style>p { color: {{ v }} }</style>", "a style"),
        ("<p style='color: {{ v }}'>x</p>", "a style"),
        ("<!-- {{ v }} -->", "a comment"),
        ("<!--[if mso]>{{ v }}<![endif]-->", "a comment"),
        ("<!doctype {{ v }}>", "a comment"),
        ("<meta name='viewport' content='{{ v }}'>", "a meta"),
        ("<td{% if v %} class='a'{% endif %}{{ v }}>", "a tag"),
    ],
)
def test_a_value_stands_in_text_or_in_an_attribute_that_only_tells(source: str, place: str) -> None:
    """Nowhere does it become a name, a style or a comment."""
    assert f"not into {place}" in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "<script>x</script>",
        "<SCRIPT src=x>",
        "<script/x>",
        "<scr{% if v %}ipt>{% endif %}x",
        "<img src='cid:x' onerror=alert(1)>",
        "<img/onerror='x'>",
        "<img src='cid:a'onerror='x'>",
        "<img onerror>",
        "<img onerror >",
        "<img ONERROR = x>",
        "<b o{# #}nclick=x>",
        "<b\nonclick\n=\nx>",
        "<iframe srcdoc='x'></iframe>",
        "<p srcdoc='x'>",
        "<form action='https://x.example'>",
        "<button formaction='https://x.example'>",
        "<object data=x>",
        "<svg><style>",
        "<math>",
        "<meta http-equiv=refresh content=x>",
        "<base href='https://x.example'>",
        "<noscript>",
        "<textarea>",
        "<select><style><script>alert(1)</script></style></select>",
    ],
)
def test_what_runs_frames_or_sends_is_refused(source: str) -> None:
    """Also where the company wrote it: mail programs take such mails for hostile."""
    assert "must hold no" in refusal(source) or "close within a condition" in refusal(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>\n<script\n>", "no <script>: mail programs refuse mails with scripts (line 2)"),
        ("\n\n<b>{{ v }}\n<svg>", "no <svg>: many mail programs show none: use a picture instead"),
        ("<math>", "no <math>: many mail programs show none"),
        ("<noscript>", "no <noscript>: mail programs run no scripts: write what stands in it without"),
        ("<form>", "no <form>: mail programs send no forms: link to a page instead (line 1)"),
        ("<iframe>", "no <iframe>: mail programs refuse frames"),
        ("<base>", "no <base>: it changes where all links lead"),
        ("<xmp>", "no <xmp>: what stands in it is read by rules of its own"),
        ("<p>\n<img onerror=x>", "no attribute onerror in <img>: mail programs refuse"),
        ("<meta http-equiv=refresh>", "no attribute http-equiv in <meta>: mail programs overlook it"),
        ("<meta name='referrer' content=x>", "no <meta name=referrer>: leave this tag out (line 1)"),
        ("<meta name=viewport{% if v %} {% endif %}>", "into quotes within a condition: name of <meta>"),
        ("<meta charset=iso-8859-1>", "the charset utf-8 in <meta>, as the mail has, not iso-8859-1"),
        ("\n<b\ntitle='\n", "quote, comment and style that it opens: title of <b> (line 2)"),
        ("<p>x</p>\n<style>p{}\n\n", "style that it opens: <style> (line 2)"),
        ("\n<a href=\n'x.html'>", "href of <a> begins with 'x.html' (line 3)"),
        ("<b {{ v }}>", "not into a tag: <b> (line 1)"),
        ("<p\nstyle='{{ v }}'>", "not into a style: style of <p> (line 2)"),
        ("<a href={{ v }}>", 'into quotes, as in href="{{ … }}": href of <a> (line 1)'),
        ("<!--[if mso]><a href='{{ a.url }}'><![endif]-->", "in one for Outlook put it between two"),
        ("\n{% if v %}<b>\n<i{% endif %}>", "that the condition opens: <i> (line 2)"),
        ("<td{% if v %} class=a{% endif %}>", "into quotes within a condition: class of <td> (line 1)"),
        ("<a href='{% if v %}{{ a.url }}{% endif %}'>", "in every branch of a condition, also in its else"),
        ("<td {% if v %}nowrap{% endif %}x>", "a space, / or > behind a condition within <td> (line 1)"),
        ("<td {% if v %}nowrap{% endif %} ='x'>", "a space, / or > behind a condition within <td> (line 1)"),
        ("<b " + "a" * 101, f"no name of more than 100 characters in a tag: {'a' * 40}… (line 1)"),
        ("<style>\n@media print{#a{b:c}}</style>", "begins a comment of Jinja's and nothing ends it"),
        ("<style>\n@media print{#a{b:c}}</style>", "write { # with a space between (line 2)"),
        ("<p>\n{{ nobody }}", "'nobody' is undefined"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_is_wrong_and_where(source: str, words: str) -> None:
    """And what helps, for those who only exported it from a newsletter tool."""
    assert words in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=javascript:alert(1)>x</a>",
        "<a href='JavaScript&colon;alert(1)'>x</a>",
        "<a href='&#106;avascript:alert(1)'>x</a>",
        "<a href=' java\nscript:alert(1)'>x</a>",
        "<a href='\x01javascript:alert(1)'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<img src='data:image/svg+xml;base64,x'>",
        "<a xlink:href='javascript:x'>x</a>",
        "<a href='{{ v }}'>x</a>",
        "<a href='java{{ v }}'>x</a>",
        "<a href='{{ v }}{{ a.url }}'>x</a>",
        "<a href='{{ a.url|upper }}'>x</a>",
        '<a href="{{ a.url or v }}">x</a>',
        "<a href=\"{{ a.url if v else 'javascript:x' }}\">x</a>",
        "<a href='" + "a" * 300 + ":'>x</a>",
        "<a href='&" + "a" * 300 + "'>x</a>",
    ],
)  # fmt: skip
def test_links_lead_to_pages_people_and_pictures(source: str) -> None:
    """Whoever writes the beginning decides what runs; a value may only where it is an address."""
    assert "must begin links with https://" in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "<a href='www.x.example'>x</a>",
        "<a href='/path'>x</a>",
        "<a href='//x.example/path'>x</a>",
        "<a href='?a=1'>x</a>",
        "<a href='page.html'>x</a>",
        "<img src=logo.png>",
        "<a href='https:x.example'>x</a>",
        "<a href='https:///x.example'>x</a>",
        "<a href='https://'>x</a>",
    ],
)
def test_links_that_lead_nowhere_in_a_mail_are_refused(source: str) -> None:
    """A mail has no page that they could be relative to."""
    assert "must begin links with https://" in refusal(source)


@pytest.mark.parametrize(
    "placeholder", ["*|UNSUB|*", "[unsubscribe]", "%unsubscribe_url%", "${url}", "<%=x%>"]
)
def test_placeholders_of_other_tools_are_named(placeholder: str) -> None:
    """Nothing would fill them here."""
    words = refusal(f"<a href='{placeholder}'>x</a>")
    assert words.startswith("must hold no placeholders of other tools, nothing fills them here")
    assert words.endswith(f"href of <a> is {placeholder!r} (line 1)")


@pytest.mark.parametrize(
    "start",
    [
        "https://",
        "HTTP://",
        "https://x.example",
        "https://x.example:",
        "https://x.example\\",
        "https://x.example@",
        "https://x.example#",
        "https://x&#46;",
        "https://x&#",
        "https://x.example&sol;",
        "{{ a.url }}",
        "{{ a.url or 'https://x.example' }}",
        "{% if v %}{{ a.url }}{% else %}https://x.example/{% endif %}",
        "{% if v %}{{ a.url }}?{% else %}https://x.example{% endif %}",
    ],
)
def test_a_value_never_names_the_host_of_a_link(start: str) -> None:
    """A customer's name would lead the company's customers to where the customer likes."""
    assert "must name the host of a link itself" in refusal(f"<a href='{start}{{{{ v }}}}'>x</a>")
    filled(f"<a href='{start}/{{{{ v }}}}'>x</a>" if start[-2:] != "//" else "x")


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("https://x.example/?name={{ v }}&b={{ v|upper }}", "https://x.example/?name=A%20%26%20%C3%B1%3D&b=A%20%26%20%C3%91%3D"),
        ("https://x.example/?name={{ v|urlencode }}", "https://x.example/?name=A%20%26%20%C3%B1%3D"),
        ("{{ a.url }}?c={{ a.url }}", "https://desk.example.com/a?b=1&c=?c=https%3A//desk.example.com/a%3Fb%3D1%26c%3D"),
        ("https://x.example/{% if v %}{{ v }}{% endif %}/{{ 'a b' }}", "https://x.example/A%20%26%20%C3%B1%3D/a%20b"),
        ("https://x.example/?name={{ no }}", "https://x.example/?name="),
        ("mailto:a@b.example?subject={{ v|urlencode }}", "mailto:a@b.example?subject=A%20%26%20%C3%B1%3D"),
        ("tel:{{ phone }}", "tel:+34 910"),
    ],
)  # fmt: skip
def test_values_in_addresses_of_pages_are_encoded(source: str, target: str) -> None:
    """Else a name with an & would end where another parameter begins (RFC 3986 section 2.1)."""
    values = {
        "v": "A & ñ=",
        "no": None,
        "phone": "+34 910",
        "a": {"url": "https://desk.example.com/a?b=1&c="},
    }
    html = fill(f'<a href="{source}">x</a>', values, html=True)
    assert html.replace("&amp;", "&") == f'<a href="{target}">x</a>'


@pytest.mark.parametrize(
    "source",
    [
        "{% if v %}<b title='{% endif %}{{ v }}'>",
        "<b{% if v %} title={% endif %}{{ v }}>",
        "<p>{% if no %}<!--{% endif %}{{ v }}{% if no %}-->{% endif %}</p>",
        "<b title={% if v %}'{% else %}\"{% endif %}{{ v }}'>",
        "<b{% if v %}r {% else %}i {% endif %}>",
        "{% if v %}<style>{% elif no %}<style>{% endif %}x</style>",
    ],
)
def test_a_condition_leaves_the_reader_where_it_found_it(source: str) -> None:
    """Else a value would stand in another place than the template shows."""
    assert "within a condition" in refusal(source)


@pytest.mark.parametrize("source", ["<p", "<p title='", "<!-- a", "<style>p{}", "x</", "<a href='https://x'"])
def test_a_template_closes_what_it_opens(source: str) -> None:
    """What is put around it would fall into it."""
    assert "must close each tag" in refusal(source)


@pytest.mark.parametrize(
    "source",
    [
        "<html><title>{{ v }}</title><style>p > a { color: red }</style><body>{{ v }}</body></html>",
        "<!doctype html><!--[if mso]><v:rect href='x'><![endif]--><!--> <!---->{{ v }}",
        "<p>{{ v }}{% if v %}<b>{{ v }}</b>{% elif no %}<i>{{ v }}</i>{% endif %} < {{ v }}</p><br/>",
        "<a href=\"{{ a.url }}\" title='{{ v }}' class=x>{{ v }}</a>",
        '<a href="{% if a.url %}{{ a.url }}?x={{ v }}{% else %}https://x.example{% endif %}">x</a>',
        "<a href=\"{{ a.url or 'https://x.example' }}\">x</a>",
        "<a href=\"{{ a.url|default('https://x.com') }}\">x</a>",
        "<a href='tel:{{ v }}'>x</a><a href='mailto:{{ v }}'>x</a><a href='HTTPS://x.example/{{ v }}'>x</a>",
        "<a href='https&colon;//x.example'>x</a><a href='#top'>x</a>",
        "<a href>x</a><a href=>x</a>",
        "<img src='cid:logo' alt=\"{{ v }}\"><img src=\"data:image/png;base64,aGk=\" width=1>",
        "<p style='color: red' {% if v %}class='x'{% endif %}>x</p>",
        "a < b <3 <> </> {{ v }}",
        '<meta charset="UTF-8"><meta name="viewport" content="width=device-width"/>',
        "<meta name=color-scheme content=light><meta name='supported-color-schemes' content='light dark'>",
        "<meta name='format-detection' content='telephone=no'>",
        "<meta name='x-apple-disable-message-reformatting'><meta property='og:title' content='x'>",
        "<td{% if v %} class='a'{% endif %}>{{ v }}</td>",
        "<td{% if no %} class='a'{% endif %} id='b'>{{ v }}</td>",
        "<td {% if v %}nowrap{% endif %}>{{ v }}</td><td {% if v %}nowrap{% endif %} class='x'>{{ v }}</td>",
        "<td {% if v %}nowrap {% endif %}class='x'>{{ v }}</td>",
        "<br {% if v %}clear{% elif no %}class='a'{% endif %}/>{{ v }}",
        "<td{% if v %} a='b'{% endif %}{% if v %} c='d'{% endif %}{% if no %} e{% endif %}>{{ v }}</td>",
        "<td\n{% if v %}\nnowrap\n{% endif %}\n>{{ v }}</td>",
        "<!--[if mso]><table><td><![endif]--><div>{{ v }}</div><!--[if mso]></td></table><![endif]-->",
        "<a href='{% if v %}https://x.example/a{% else %}mailto:a@b.example{% endif %}'>x</a>",
    ],
)  # fmt: skip
def test_what_letters_are_made_of_is_allowed(source: str) -> None:
    """Whole documents, links, pictures, conditions, comments for Outlook."""
    assert filled(source)


@pytest.mark.parametrize("source", ["<title><a {{ v }}</title>", "<title></title</title>x"])
def test_a_title_holds_no_tag(source: str) -> None:
    """Browsers read none there, older programs do, and a value would stand in it."""
    assert "no tag in its <title>" in refusal(source)


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='javascript:x'>x</a>",
        "<b {{ v }}>",
    ],
)
@pytest.mark.parametrize("end", ["</style", "</style</style", "</styl</style", "<</style", "</STYLE<"])
def test_a_style_ends_where_a_browser_ends_it(end: str, hidden: str) -> None:
    """What looks like its end, and is none, may be followed at once by the real one."""
    assert refusal(f"<style>{end}</style>{hidden}<style></style>")


@pytest.mark.parametrize("inside", ["</styles>", "</style</styles", "</style", "<<", "</", "a > b"])
def test_a_style_may_hold_what_looks_like_its_end(inside: str) -> None:
    """And a value stands behind the real one."""
    assert filled(f"<style>{inside}</style>{{{{ v }}}}") == f"<style>{inside}</style>Ana"


PIECES = [
    "<", ">", "/", "a", "b ", " ", "href", "title", "=", "'", '"', "onclick", "style", "<style>", "</style>",
    "<!--", "-->", "-", "!", "<b>", "</b>", "<a href=", "https://", "java", ":", "{{ v }}", "{{ a.url }}",
    "{% if v %}", "{% if no %}", "{% else %}", "{% endif %}", "{% endif %}", "<title>", "</title>", "\n",
    "{{ v }}=", "nowrap", "{% if v %}nowrap{% endif %}", "{% if no %} class='a'{% endif %}", "/{{ v }}",
    "https://x", "</style", "</title", "<meta ", "name=", "&#106;",
    "<b title=", "<a href='{{ a.url }}'>", '<b title="{{ v }}">', "{% if v %}{{ v }}{% endif %}",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map("".join), st.sampled_from(HOSTILE))
@settings(max_examples=1000)
def test_no_value_changes_what_the_html_is_made_of(source: str, hostile: str) -> None:
    """Whatever a company writes and the fence lets through: tags, attributes and links stay what they are."""
    try:
        harmless = filled(source)
    except TemplateWrong:
        return
    shape, attacked = Shape(harmless), Shape(filled(source, hostile))
    assert attacked.tags == shape.tags
    assert attacked.schemes == shape.schemes
    assert attacked.schemes <= {"https"}
    assert not any(name.startswith("on") for _tag, names in attacked.tags for name in names)
