"""The shape that all of Frontdesk's own templates have, and the HTML that is made of it."""

from __future__ import annotations

from dataclasses import dataclass

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _FAINT, _LINE, _ACCENT = "#1c2430", "#5d6b7d", "#e3e8ee", "#1f5fbf"


@dataclass(frozen=True)
class Row:
    """One line of the table of facts.

    Args:
        label: what it is.
        value: where the value is found, such as ``appointment.place``.
        optional: left out where there is none.
    """

    label: str
    value: str
    optional: bool = False

    def source(self) -> str:
        """As a piece of a template."""
        cell = f"padding:7px 0;border-bottom:1px solid {_LINE};vertical-align:top"
        row = (
            f'<tr><td style="{cell};color:{_FAINT};width:34%">{self.label}</td>'
            f'<td style="{cell};font-weight:600">{{{{ {self.value} }}}}</td></tr>'
        )
        return f"{{% if {self.value} %}}{row}{{% endif %}}" if self.optional else row


@dataclass(frozen=True)
class Words:
    """A template: all of its texts may hold values.

    Args:
        subject: one line.
        heading: the largest line.
        lines: paragraphs above the facts.
        rows: facts.
        button: its label.
        link: where the button leads, such as ``appointment.manage_url``; without a value there is no button.
        closing: paragraphs below, in small letters.
    """

    subject: str
    heading: str
    lines: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    button: str = ""
    link: str = ""
    closing: tuple[str, ...] = ()

    def html(self) -> str:
        """The body as a template."""
        parts = [
            f'<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3;color:{_INK}">{self.heading}</h1>'
        ]
        parts += [f'<p style="margin:0 0 12px">{line}</p>' for line in self.lines]
        if self.rows:
            rows = "".join(row.source() for row in self.rows)
            table = "width:100%;border-collapse:collapse;margin:16px 0 20px"
            parts.append(f'<table role="presentation" style="{table}">{rows}</table>')
        if self.button:
            parts.append(self._button())
        parts += [
            f'<p style="margin:0 0 8px;font-size:14px;color:{_FAINT}">{line}</p>' for line in self.closing
        ]
        return "\n".join(parts)

    def _button(self) -> str:
        look = (
            f"display:inline-block;padding:11px 20px;border-radius:6px;background:{_ACCENT};"
            "color:#ffffff;font-weight:600;text-decoration:none"
        )
        link = f'<a href="{{{{ {self.link} }}}}" style="{look}">{self.button}</a>'
        return f'{{% if {self.link} %}}<p style="margin:4px 0 20px">{link}</p>{{% endif %}}'


def page(body: str, company: str, preview: str, language: str) -> str:
    """A whole HTML document around a body, as mail programs show it well: tables, styles beside the elements.

    Args:
        body: HTML.
        company: the company's name, escaped.
        preview: what lists of mails show beside the subject, escaped.
        language: the language tag.
    """
    hidden = "display:none;max-height:0;overflow:hidden;font-size:1px;line-height:1px;color:#f3f5f8"
    outer = 'role="presentation" cellpadding="0" cellspacing="0" width="100%"'
    return f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{company}</title>
</head>
<body style="margin:0;padding:0;background:#f3f5f8">
<div style="{hidden}">{preview}</div>
<table {outer} style="background:#f3f5f8"><tr><td align="center" style="padding:28px 12px">
<table {outer} style="max-width:560px;{_FONT};font-size:16px;line-height:1.55;color:{_INK}">
<tr><td style="padding:0 4px 12px;font-size:15px;font-weight:700;color:{_FAINT}">{company}</td></tr>
<tr><td style="background:#ffffff;border:1px solid {_LINE};border-radius:10px;padding:28px 26px 18px">
{body}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
"""
