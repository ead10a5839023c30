"""Encodings of network files: marks, declarations, what the caller says, and a warning where nothing says anything."""

from __future__ import annotations

import codecs
import gzip
import warnings

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.io import encoding as encodings
from fastdgm.io import write_bif, write_hugin, write_xmlbif

WRITERS = {".bif": write_bif, ".xmlbif": write_xmlbif, ".net": write_hugin}
MARKED = {
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le with a mark": "utf-16-le",
    "utf-16-be with a mark": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32-be with a mark": "utf-32-be",
}
WEATHER = fd.BayesNet({"天气": fd.Categorical([0.7, 0.3], states=["晴", "雨"])})
COLOUR = fd.BayesNet({"Ä": fd.Categorical([0.25, 0.75], states=["Grün", "weiß"])})


def text_of(net: fd.BayesNet, suffix: str, declared: str = "") -> str:
    """The file without a declaration of its encoding, or with that one."""
    text = WRITERS[suffix](net)
    return text.replace(' encoding="UTF-8"', f' encoding="{declared}"' if declared else "")


def assert_same(net: fd.BayesNet, other: fd.BayesNet) -> None:
    assert dict(net.states) == dict(other.states)
    assert all(np.array_equal(net[name].table, other[name].table) for name in net.names)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("kind", MARKED)
def test_a_byte_order_mark_is_honoured(tmp_path, suffix, kind):
    text = text_of(WEATHER, suffix)
    if "with a mark" in kind:
        text = "\ufeff" + text
    path = tmp_path / f"net{suffix}"
    path.write_bytes(text.encode(MARKED[kind]))
    assert_same(fd.read(path), WEATHER)
    path = tmp_path / f"net{suffix}.gz"
    path.write_bytes(gzip.compress(text.encode(MARKED[kind])))
    assert_same(fd.read(path), WEATHER)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("name", ["gbk", "gb18030", "big5", "shift_jis", "utf-16", "utf-16-be", "utf-8", "utf-8-sig"])
def test_the_caller_names_the_encoding(tmp_path, suffix, name):
    net = WEATHER if name not in ("big5", "shift_jis") else fd.BayesNet({"天": fd.Categorical([1.0], states=["雨"])})
    path = tmp_path / f"net{suffix}"
    path.write_bytes(text_of(net, suffix, "ascii").encode(name))
    assert_same(fd.read(path, encoding=name), net)


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_caller_may_name_what_the_mark_says(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    for written, read in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16", "utf-16-le"), ("utf-32", "utf-32")):
        path.write_bytes(text_of(WEATHER, suffix).encode(written))
        assert_same(fd.read(path, encoding=read), WEATHER)


@pytest.mark.parametrize("suffix", WRITERS)
def test_bytes_that_are_no_utf8_are_read_as_latin1_with_one_warning(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(text_of(COLOUR, suffix).encode("latin-1"))
    with pytest.warns(UserWarning, match=rf"net{suffix}: the file is no UTF-8 \(byte 0x.. in line \d+\)") as caught:
        net = fd.read(path)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "Latin-1" in str(caught[0].message) and "encoding=" in str(caught[0].message)
    assert_same(net, COLOUR)
    assert_same(fd.read(path, encoding="latin-1"), COLOUR)  # without a word: warnings are errors here


@pytest.mark.parametrize(
    ("suffix", "comment"), [(".bif", "// Søren\n"), (".xmlbif", "<!-- Søren -->"), (".net", "% ø\n")]
)
def test_a_comment_that_is_no_utf8_changes_nothing(tmp_path, suffix, comment):
    path = tmp_path / f"net{suffix}"
    net = fd.BayesNet({"a": fd.Categorical([0.25, 0.75])})
    path.write_bytes((text_of(net, suffix).replace("?>", "?>" + comment) + comment).encode("latin-1"))
    assert_same(fd.read(path), net)


@pytest.mark.parametrize("suffix", WRITERS)
def test_the_guess_is_named_where_it_leads_to_an_error(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(text_of(COLOUR, suffix).replace("0.25", "0.5").encode("latin-1"))
    with pytest.raises(fd.FormatError, match=r"sums to 1.*the file is no UTF-8.*encoding="):
        fd.read(path)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("GBK", "gbk"),
        ("GB18030", "gb18030"),
        ("gb2312", "gb2312"),
        ("Big5", "big5"),
        ("windows-1251", "cp1251"),
        ("ISO-8859-2", "iso8859-2"),
        ("latin1", "latin-1"),
        ("UTF-8", "utf-8"),
        ("utf-16", "utf-8"),  # read byte by byte, so it is none: a habit of .NET programs
    ],
)
def test_an_xml_declaration_is_honoured(tmp_path, declared, written):
    names = {"cp1251": "погода", "iso8859-2": "łódź", "latin-1": "Grün", "big5": "天"}
    net = fd.BayesNet({names.get(written, "天气"): fd.Categorical([0.5, 0.5], states=["x", "y"])})
    for quote in "\"'":
        text = text_of(net, ".xmlbif", declared).replace(f'"{declared}"', quote + declared + quote)
        for before in ("", "\n "):
            path = tmp_path / "net.xml"
            path.write_bytes((before + text).encode(written))
            assert_same(fd.read(path), net)


def test_what_the_caller_says_goes_before_an_xml_declaration(tmp_path):
    path = tmp_path / "net.xml"
    path.write_bytes(text_of(WEATHER, ".xmlbif", "latin-1").encode("gbk"))
    assert_same(fd.read(path, encoding="gbk"), WEATHER)


def test_only_xml_declares_its_encoding(tmp_path):
    path = tmp_path / "net.bif"
    path.write_bytes(('<?xml version="1.0" encoding="gbk"?>' + text_of(WEATHER, ".bif")).encode("utf-8"))
    with pytest.raises(fd.FormatError, match="expected a network"):
        fd.read(path)


@pytest.mark.parametrize(
    ("content", "encoding", "match"),
    [
        (codecs.BOM_UTF16_LE + b"a\0b", None, "the byte-order mark says utf-16, but at byte .* the file is not"),
        (codecs.BOM_UTF8 + b"\xff", None, "the byte-order mark says utf-8, but at byte 3 the file is not"),
        (codecs.BOM_UTF32_BE + b"\xff\xff\xff\xff", None, "the byte-order mark says utf-32, but at byte 4"),
        (b"vari\xffable", "ascii", "encoding='ascii' says ascii, but at byte 4 the file is not"),
        (b"\x81", "gbk", "encoding='gbk' says gbk, but at byte 0 the file is not"),
        (b'<?xml version="1.0" encoding="ascii"?>\xe9', None, "the XML declaration says ascii, but at byte 38"),
        (b'<?xml version="1.0" encoding="martian"?>', None, "the XML declaration names the unknown .* 'martian'"),
        (b'<?xml version="1.0" encoding="zlib"?>', None, "the XML declaration names the unknown encoding 'zlib'"),
        (b'<?xml version="1.0" encoding="punycode"?>', None, "names the unknown encoding 'punycode'"),
        ("variable".encode("utf-16-le"), None, "NUL characters.*encoding='utf-16'"),
    ],
)
def test_bytes_that_are_not_what_they_are_said_to_be(tmp_path, content, encoding, match):
    path = tmp_path / "net.xml"
    path.write_bytes(content)
    with pytest.raises(fd.FormatError, match=match):
        fd.read(path, encoding=encoding)


@pytest.mark.parametrize("name", ["", "martian", "zlib", "hex", "rot13", "punycode", "idna", "unicode_escape", "a\0b"])
def test_encodings_that_are_no_character_set(tmp_path, name):
    path = tmp_path / "net.bif"
    path.write_text(text_of(COLOUR, ".bif"), encoding="utf-8")
    with pytest.raises(ValueError, match="encoding= names a character set that Python knows, got"):
        fd.read(path, encoding=name)


def test_the_native_format_has_no_encoding(tmp_path):
    path = tmp_path / "net.safetensors"
    fd.write(COLOUR, path)
    with pytest.raises(ValueError, match="encoding= is for text files"):
        fd.read(path, encoding="utf-8")


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_written_is_utf8_and_reads_back(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    net = fd.BayesNet({"天气é": fd.Categorical([0.7, 0.3], states=["\U0001f327", "ÿþ"])})
    fd.write(net, path)
    path.read_bytes().decode("utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(fd.read(path), net)


def test_no_quadratic_codec_is_a_character_set():
    assert not any(encodings.is_character_set(name) for name in ("punycode", "idna", "raw_unicode_escape"))
