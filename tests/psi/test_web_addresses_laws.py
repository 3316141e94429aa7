"""What holds for every website whatever was typed: scripts, hostile text, the fast path, and one answer everywhere."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.normalisation.escrow_2.web import LONGEST_CELL, MOST_KEYS, WebAddresses
from escrow.psi.normalisation.escrow_2.web_tables import read_web_tables

WEB = WebAddresses(read_web_tables())
HOSTS = st.from_regex(
    r"(www\.)?[a-zA-Z0-9.-]{1,30}\.(com|de|co\.uk|github\.io|ck|zendesk\.com|onetrust\.com|zz)", fullmatch=True
)
TYPED = st.builds("{}{}{}".format, st.sampled_from(["", "http://", "https://"]), HOSTS, st.sampled_from(["", "/"]))
ANYTHING = st.text(alphabet=st.characters(exclude_categories=[]))
NATIVE = st.builds("{}.{}".format, st.text(st.characters(min_codepoint=0x80), min_size=1, max_size=8), st.just("com"))


@pytest.mark.parametrize(
    ("ascii_form", "native_form"),
    [
        ("xn--mllermilch-9db.de", "MÜLLERMILCH.de"),
        ("xn--mllermilch-9db.de", unicodedata.normalize("NFD", "müllermilch.de")),
        ("www.XN--85X722F.com.cn", "食狮.com.cn"),
        ("https://xn--d1acpjx3f.xn--p1ai/", "ЯНДЕКС.рф"),
        ("xn--strae-oqa.de", "STRA\u1e9eE.de"),
        ("xn--nxasmm1c.com", "βόλος.com"),
    ],
)
def test_an_international_domain_is_the_same_in_both_forms(ascii_form: str, native_form: str) -> None:
    assert WEB.keys_of(ascii_form) == WEB.keys_of(native_form) != ()


def test_letters_that_host_names_tell_apart_stay_apart() -> None:
    assert WEB.keys_of("straße.de") != WEB.keys_of("strasse.de")


@pytest.mark.parametrize("forged", ["\u0430pple.com", "xn--pple-43d.com", "app\u04cfe.com", "\u03bfrange.com"])
def test_a_label_of_mixed_look_alike_alphabets_gives_nothing(forged: str) -> None:
    assert WEB.keys_of(forged) == ()


def test_a_label_in_one_alphabet_is_a_domain_of_its_own_however_it_looks() -> None:
    assert WEB.keys_of("\u0430\u0440\u0440\u04cf\u0435.com") not in ((), ("apple.com",))
    assert len(WEB.keys_of("日立hitachi.jp")) == 1


def test_a_character_that_the_frozen_tables_do_not_know_is_not_read() -> None:
    newer_than_unicode_14 = "\U0001fae8"
    assert WEB.keys_of(f"ac{newer_than_unicode_14}me.de") == ("acme.de",)


@pytest.mark.parametrize("label", ["xn--a", "xn--abc-", "xn--\u00fc", "xn--" + "9" * 59])
def test_a_label_that_only_pretends_to_be_international_does_no_harm(label: str) -> None:
    assert WEB.keys_of(f"{label}.acme.de") in (("acme.de",), ())


@pytest.mark.parametrize(
    "unit",
    ["a", " ", ".", "/", "@", "a.", "-", ",", "\x00", "http:", "[ at ", "%3a", "\u0301", "\ufdfa", "\ud800", "www."],
)
def test_a_hostile_cell_of_any_length_gives_nothing(unit: str) -> None:
    assert WEB.keys_of(unit * 1_000_000) == ()


def test_an_address_that_the_end_of_what_is_read_cuts_in_two_gives_nothing() -> None:
    before = "x" * (LONGEST_CELL - len(" acme.com"))
    assert WEB.keys_of(f"{before} acme.com.au") == ()
    assert WEB.keys_of(f"acme.com.au {before} globex.com") == ("acme.com.au",)


def test_a_cell_within_the_limit_is_read_to_its_end() -> None:
    assert WEB.keys_of("x" * (LONGEST_CELL - len(" acme.com")) + " acme.com") == ("acme.com",)


@given(TYPED)
@example("K-elvin.com".replace("K", "\u212a"))
def test_the_fast_path_gives_what_the_long_way_gives(typed: str) -> None:
    assert WEB.keys_of(typed) == WEB.keys_of_any_spelling(typed)


@given(st.lists(st.one_of(TYPED, ANYTHING), max_size=6))
@example(["", "acme.de", "", "n/a", ""])
@example(["com", "example.com", "WWW.ACME.CO.UK/", "https://github.io", "acme.github.io", "a" * 64 + ".com"])
@example(["https://acme--tools-de.translate.goog/", "translate.goog"])
@example(["acme.de\nglobex.de", "initech.com", "x" * LONGEST_CELL + ".com"])
def test_many_at_once_are_read_as_one_by_one(websites: list[str]) -> None:
    assert WEB.keys_of_each(websites) == [WEB.keys_of(website) for website in websites]


@given(st.one_of(ANYTHING, TYPED, NATIVE, NATIVE.map("see {} or acme.de".format)))
@example("\u1e9e.com")
@example("\u0345a.com")
@example("ǰ\u0323.com")
def test_a_key_is_in_nfc_and_gives_itself_again(typed: str) -> None:
    keys = WEB.keys_of(typed)
    assert len(keys) <= MOST_KEYS
    for key in keys:
        assert unicodedata.is_normalized("NFC", key)
        assert WEB.keys_of(key) == (key,)


@given(st.permutations(["acme.de", "https://www.globex.com/about", "jane@initech.org", "n/a", "github.com/acme"]))
def test_the_order_of_addresses_in_a_cell_does_not_decide_which_count(addresses: list[str]) -> None:
    assert sorted(WEB.keys_of(" ; ".join(addresses))) == ["acme.de", "globex.com", "initech.org"]


@given(HOSTS)
@example("-acme.com")
def test_case_scheme_and_www_make_no_difference(host: str) -> None:
    plain = WEB.keys_of(host.lower())
    assert WEB.keys_of(host.upper()) == plain
    assert WEB.keys_of(f"https://{host}/") == plain
    if not host.lower().startswith(("www.", "-")) and host.count("."):
        assert WEB.keys_of(f"www.{host}") == plain


@given(ANYTHING.filter(lambda text: not {".", "\u3002"} & set(unicodedata.normalize("NFKC", text))))
def test_text_without_a_dot_names_no_domain(text: str) -> None:
    if "dot" not in text.lower() and "," not in unicodedata.normalize("NFKC", text) and "%" not in text:
        assert WEB.keys_of(text) == ()


def test_every_process_gives_the_same_keys() -> None:
    program = (
        "from escrow.psi.normalisation.escrow_2.web import WebAddresses\n"
        "from escrow.psi.normalisation.escrow_2.web_tables import read_web_tables\n"
        "web = WebAddresses(read_web_tables())\n"
        "print(ascii([web.keys_of(x) for x in ('b.de a.com c.org', 'amazon.de/stores/x', 'M\\u00dcLLER.de')]))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert answers == {"[('b.de', 'a.com', 'c.org'), (), ('m\\xfcller.de',)]\n"}
