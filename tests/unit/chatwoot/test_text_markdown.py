"""A model's markdown after Chatwoot's own conversion: what the customer sees."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.chatwoot.text.channels import channel_for
from shared.chatwoot.text.escaping import escape, guard_line, safe_url
from shared.chatwoot.text.fit import fit
from shared.chatwoot.text.liquid import ZERO_WIDTH_SPACE
from shared.chatwoot.text.markdown import for_channel
from shared.chatwoot.text.parsing import url_without_punctuation
from tests.support import conversion
from tests.support.conversion import Conversion, converted

CONVERSIONS: list[tuple[str, Conversion]] = [
    ("Channel::Whatsapp", conversion.WHATSAPP),
    ("Channel::Whatsapp", conversion.WHATSAPP_4_9),
    ("Channel::Sms", conversion.PLAIN),
    ("Channel::TwilioSms", conversion.PLAIN),
    ("Channel::Instagram", conversion.INSTAGRAM),
    ("Channel::FacebookPage", conversion.INSTAGRAM),
    ("Channel::Line", conversion.LINE),
    ("Channel::Telegram", conversion.TELEGRAM),
]
INVISIBLE = str.maketrans({ZERO_WIDTH_SPACE: None, "\u00a0": " "})
_SIGNS = r"* ** _ ~~ ` ![ [ ](https://a.b) ]: <b> </div> < > &amp; & \ # - 1. 27) + --- === | |-|-| {{ }} {%"
_WORDS = ". : ( ) ! palabra x ¿Sí? https://a.b/_c_*d* 😀"
_SPACED = ["```\n", "> ", "# ", "- ", "1. ", "27) ", "    ", "\n", "\n\n", " ", "uno dos"]
MARKUP = st.sampled_from([*_SIGNS.split(), *_WORDS.split(), *_SPACED])
MARKED_UP = st.lists(MARKUP, max_size=40).map("".join)


def seen(markdown: str, channel: str, by: Conversion) -> str:
    """What arrives, without what the eye does not see."""
    text = "\n".join(converted(part, by) for part in fit(markdown, channel))
    return "\n".join(line.rstrip() for line in text.translate(INVISIBLE).split("\n"))


def on_whatsapp(markdown: str) -> str:
    """What a WhatsApp customer sees."""
    return seen(markdown, "Channel::Whatsapp", conversion.WHATSAPP)


def by_sms(markdown: str) -> str:
    """What a customer sees whose phone shows nothing but text."""
    return seen(markdown, "Channel::Sms", conversion.PLAIN)


def letters(text: str) -> str:
    """Letters and digits in order, without those of tags."""
    return "".join(re.findall(r"[^\W_]", re.sub(r"</?(?:del|strong|em|code)>", "", text)))


@pytest.mark.parametrize(
    ("markdown", "whatsapp", "sms"),
    [
        ("Mire [la web](https://a.b/x).", "Mire la web (https://a.b/x).", "Mire la web (https://a.b/x)."),
        ("Aquí: [reservar](https://a.b)", "Aquí: reservar: https://a.b", "Aquí: reservar: https://a.b"),
        ("[https://a.b](https://a.b)", "https://a.b", "https://a.b"),
        ("<https://a.b/c>", "https://a.b/c", "https://a.b/c"),
        ("[Escríbanos](mailto:a@b.es)", "Escríbanos: a@b.es", "Escríbanos: a@b.es"),
        ("![Mapa](https://a.b/m.png)", "Mapa: https://a.b/m.png", "Mapa: https://a.b/m.png"),
        ("https://a.b/_c_/d*e*f", "https://a.b/%5Fc%5F/d%2Ae%2Af", "https://a.b/%5Fc%5F/d%2Ae%2Af"),
        ("https://a.b/?c=1&amp;d=2.", "https://a.b/?c=1&d=2.", "https://a.b/?c=1&d=2."),
        ("**https://a.b**", "*https://a.b*", "https://a.b"),
        ("# Precios", "*Precios*", "Precios"),
        ("## Los **mejores** precios", "*Los mejores precios*", "Los mejores precios"),
        ("**muy** *bien*", "*muy* _bien_", "muy bien"),
        ("~~100~~ 80 €", "~100~ 80 €", "~100~ 80 €"),
        ("use `x*y*z`", "use `x*y*z`", "use x*y*z"),
        ("5 * 3 * 2 y snake_case", "5 * 3 * 2 y snake_case", "5 * 3 * 2 y snake_case"),
        (r"\*sin\* formato", "*sin* formato", "*sin* formato"),
        ("- uno\n- dos\n  - tres", "• uno\n• dos\n   ◦ tres", "• uno\n• dos\n   ◦ tres"),
        ("3. tres\n4. cuatro", "3. tres\n4. cuatro", "3. tres\n4. cuatro"),
        ("1) uno\n2) dos", "1) uno\n2) dos", "1) uno\n2) dos"),
        ("uno\ndos\n\ntres", "uno\ndos\n\ntres", "uno\ndos\n\ntres"),
        ("> cita\n> más", "> cita\n> más", "cita\nmás"),
        ("<div>hola</div>", "<div>hola</div>", "<div>hola</div>"),
        ("<su nombre>\nsigue", "<su nombre>\nsigue", "<su nombre>\nsigue"),
        ("&lt;b&gt; y &amp;lt;", "<b> y &lt;", "<b> y &lt;"),
        ("[nota]: llamar antes", "[nota]: llamar antes", "[nota]: llamar antes"),
        ("uno\n---\ndos", "uno\n\n———\n\ndos", "uno\n\n———\n\ndos"),
        ("```\nx = 1\n  y < 2\n```", "`x = 1`\n`  y < 2`", "x = 1\n  y < 2"),
        (
            "|Servicio|Precio|\n|-|-|\n|Botox|150 €|",
            "Servicio: Precio\n• Botox: 150 €",
            "Servicio: Precio\n• Botox: 150 €",
        ),
        (
            "|Día|Mañana|Tarde|\n|-|-|-|\n|lunes|9-14|16-20|\n|sábado|10-13||",
            "• Día: lunes · Mañana: 9-14 · Tarde: 16-20\n• Día: sábado · Mañana: 10-13",
            "• Día: lunes · Mañana: 9-14 · Tarde: 16-20\n• Día: sábado · Mañana: 10-13",
        ),
    ],
)
def test_what_customers_see_on_whatsapp_and_by_sms(markdown: str, whatsapp: str, sms: str) -> None:
    """The constructs that models use, after the conversion that Chatwoot makes of them."""
    assert (on_whatsapp(markdown), by_sms(markdown)) == (whatsapp, sms)


@pytest.mark.parametrize(("channel", "by"), CONVERSIONS)
def test_lists_and_lines_stay_lists_and_lines_on_every_channel(channel: str, by: Conversion) -> None:
    """Also where Chatwoot drops bullets, numbers and line ends."""
    shown = seen("Estos:\n\n1. uno\n2. dos\n\nY:\n- tres\n- cuatro\nfin", channel, by)
    assert shown == "Estos:\n\n1. uno\n2. dos\n\nY:\n\n• tres\n• cuatro\n   fin"


def test_telegram_keeps_links_and_gets_no_tag_that_it_would_refuse() -> None:
    """Its text goes out as HTML that Chatwoot does not escape."""
    shown = seen(
        "**Hola** [web](https://a.b/(c)) <nombre> `a<b` ~~x~~", "Channel::Telegram", conversion.TELEGRAM
    )
    assert shown == (
        '<strong>Hola</strong> <a href="https://a.b/%28c%29">web</a> '
        "\u2039nombre> <code>a\u2039b</code> <del>x</del>"
    )


@pytest.mark.parametrize("channel", ["Channel::WebWidget", "Channel::Email", "Channel::Unknown"])
def test_where_chatwoot_shows_markdown_it_stays_and_tags_survive(channel: str) -> None:
    """Code, links and everything else as the model wrote it."""
    text = "# Hola\n\n**a** [b](https://c.d) <https://e.f> `<g>` <nombre>"
    assert fit(text, channel) == [text.replace("<nombre>", f"<{ZERO_WIDTH_SPACE}nombre>")]


def test_behind_an_api_inbox_the_text_is_as_the_model_wrote_it() -> None:
    """Somebody else's program shows it."""
    assert fit("# Hola <b>tú</b>", "Channel::Api") == ["# Hola <b>tú</b>"]


@given(MARKED_UP)
@example("https://a.b/_c_*d*&amp;")
@example("```\n1. ```\n")
def test_no_letter_is_lost_on_any_channel(markdown: str) -> None:
    """Whatever markup is piled up: what our text says is what arrives after Chatwoot's conversion."""
    for channel, by in CONVERSIONS:
        for part in fit(markdown, channel):
            shown = converted(part, by).replace('<a href="', "").replace("</a>", "")
            if by is conversion.TELEGRAM:  # a link's address comes before its label there
                assert sorted(letters(shown)) == sorted(letters(part))
            else:
                assert letters(shown) == letters(part)


@given(MARKED_UP)
def test_text_without_meaning_in_markdown_comes_out_as_it_went_in(text: str) -> None:
    """Escaped, a text survives the conversion to the letter."""
    for line in filter(None, (line.strip(" \t") for line in text.split("\n"))):
        escaped = guard_line(escape(line))
        assert converted(escaped, conversion.PLAIN).translate(INVISIBLE) == line


@given(st.text(max_size=200))
def test_any_text_can_be_written_for_every_channel(text: str) -> None:
    """Nothing that a model can write makes it fail, and nothing becomes empty that was not."""
    for channel, _ in [*CONVERSIONS, ("Channel::WebWidget", conversion.PLAIN)]:
        written = for_channel(text, channel_for(channel))
        assert letters(text) == "" or written


def test_piled_up_markers_are_text() -> None:
    """A thousand quotation marks are no quotation a thousand deep, and nothing behind them is lost."""
    assert "hola" in on_whatsapp("> " * 1000 + "hola")
    assert "hola" in on_whatsapp("\n".join(" " * 2 * depth + "- hola" for depth in range(300)))


@pytest.mark.parametrize(
    ("written", "address"),
    [("https://a.b/c).", "https://a.b/c"), ("https://a.b/(c)", "https://a.b/(c)"), ("https://a.b/(c)),", "https://a.b/(c)"),
     ("https://a.b?", "https://a.b"), ("", "")],
)  # fmt: skip
def test_a_sentences_punctuation_is_not_part_of_an_address(written: str, address: str) -> None:
    """Brackets belong to it where it opened them."""
    assert url_without_punctuation(written) == address


def test_an_address_without_anything_special_stays_as_it_is() -> None:
    """Underscores between letters and international names are no emphasis."""
    for url in ("https://clínica.es/día_1", "https://a.b/c_d?e=f&g=h#i", "tel:+34600000000"):
        assert safe_url(url) == url
