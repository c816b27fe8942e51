"""Small files of every kind that customers send: enough of each to be recognised by its first bytes."""

from __future__ import annotations

import base64

# One pixel each; real files.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_FRAME = bytes.fromhex("0021f90400000000002c00000000010001000002024401")
MOVING_GIF = b"GIF89a" + bytes(7) + _FRAME + _FRAME + b"\x3b"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(20)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L" + bytes(18)
MOVING_WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02" + bytes(9)
HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(12)

OGG = b"OggS\x00\x02" + bytes(20) + b"OpusHead"
M4A = b"\x00\x00\x00\x18ftypM4A " + bytes(12)
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)
FLAC = b"fLaC\x00\x00\x00\x22" + bytes(34)
WEBM = b"\x1aE\xdf\xa3\x01\x00" + bytes(20)
MP3 = b"ID3\x04\x00" + bytes(20)
BARE_MP3 = b"\xff\xfb\x90\x64" + bytes(20)
AAC = b"\xff\xf1\x50\x80" + bytes(20)
AMR = b"#!AMR\n" + bytes(20)
MOV = b"\x00\x00\x00\x14ftypqt  " + bytes(12)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
HTML = b"<!doctype html><title>Sign in</title>"
