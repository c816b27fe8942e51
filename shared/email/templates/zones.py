"""What people call a time zone: its city, in their language."""

from __future__ import annotations

# IANA names cities in English and without accents; here are those that are called otherwise in Spanish and
# Portuguese, and those whose accents IANA leaves out (Unicode CLDR, exemplar cities).
_CITIES = {
    "Amsterdam": ("Ámsterdam", "Amesterdão"),
    "Athens": ("Atenas", "Atenas"),
    "Azores": ("Azores", "Açores"),
    "Belem": ("Belém", "Belém"),
    "Berlin": ("Berlín", "Berlim"),
    "Brussels": ("Bruselas", "Bruxelas"),
    "Canary": ("Canarias", "Canárias"),
    "Copenhagen": ("Copenhague", "Copenhaga"),
    "Cuiaba": ("Cuiabá", "Cuiabá"),
    "Dublin": ("Dublín", "Dublin"),
    "Havana": ("La Habana", "Havana"),
    "London": ("Londres", "Londres"),
    "Los Angeles": ("Los Ángeles", "Los Angeles"),
    "Lisbon": ("Lisboa", "Lisboa"),
    "Luxembourg": ("Luxemburgo", "Luxemburgo"),
    "Maceio": ("Maceió", "Maceió"),
    "Mexico City": ("Ciudad de México", "Cidade do México"),
    "Montevideo": ("Montevideo", "Montevidéu"),
    "Moscow": ("Moscú", "Moscovo"),
    "New York": ("Nueva York", "Nova Iorque"),
    "Paris": ("París", "Paris"),
    "Prague": ("Praga", "Praga"),
    "Rome": ("Roma", "Roma"),
    "Stockholm": ("Estocolmo", "Estocolmo"),
    "Tokyo": ("Tokio", "Tóquio"),
    "Vienna": ("Viena", "Viena"),
    "Warsaw": ("Varsovia", "Varsóvia"),
    "Zurich": ("Zúrich", "Zurique"),
}
_ACCENTS = {
    "Araguaina": "Araguaína",
    "Asuncion": "Asunción",
    "Bogota": "Bogotá",
    "Cancun": "Cancún",
    "Ciudad Juarez": "Ciudad Juárez",
    "Cordoba": "Córdoba",
    "Eirunepe": "Eirunepé",
    "Mazatlan": "Mazatlán",
    "Merida": "Mérida",
    "Noronha": "Fernando de Noronha",
    "Panama": "Panamá",
    "Santarem": "Santarém",
    "Sao Paulo": "São Paulo",
    "Tucuman": "Tucumán",
}
_COLUMNS = {"es": 0, "pt": 1}


def city(zone: str, language: str) -> str:
    """The city that a zone is named after; ``UTC`` and the like stay as they are.

    Args:
        zone: its IANA name.
        language: a language tag; others than Spanish and Portuguese get IANA's words with their accents.
    """
    name = zone.rpartition("/")[2].replace("_", " ")
    column = _COLUMNS.get(language.split("-", 1)[0].lower())
    if column is not None and name in _CITIES:
        return _CITIES[name][column]
    return _ACCENTS.get(name, name)
