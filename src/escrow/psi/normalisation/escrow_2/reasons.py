"""Why profile `escrow-2` makes the keys that it makes: its own steps taken again one by one, with what each changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation.escrow_2.addresses import Address, addresses_in, joined_address
from escrow.psi.normalisation.escrow_2.lexicon import read_lexicon
from escrow.psi.normalisation.escrow_2.names import LONGEST_NAME, CompanyNames
from escrow.psi.normalisation.escrow_2.parts import Parts
from escrow.psi.normalisation.escrow_2.text import Text
from escrow.psi.normalisation.escrow_2.web import LONGEST_CELL, WebAddresses
from escrow.psi.normalisation.escrow_2.web_tables import Rule, read_web_tables
from escrow.psi.normalisation.escrow_2.words import Words, is_name
from escrow.psi.normalisation.reasons import NothingReason, Reasons, told_reasons

__all__ = ["CompanyReasons"]


class CompanyReasons:
    """The reasons behind the keys of `escrow-2`."""

    __slots__ = ("_attached", "_names", "_parts", "_tables", "_text", "_web", "_words")

    def __init__(self) -> None:
        lexicon = read_lexicon()
        self._text = Text(lexicon)
        self._parts = Parts(lexicon, self._text)
        self._words = Words(lexicon)
        self._names = CompanyNames(lexicon)
        self._attached = lexicon.attached_forms
        self._tables = read_web_tables()
        self._web = WebAddresses(self._tables)

    def of_name(self, name: str, reasons: Reasons) -> None:
        """Say which rules would make the keys of a name."""
        if len(name) > LONGEST_NAME:
            return
        folded = self._text.folded(name)
        written, beside = self._parts.of(folded)
        main, others = self._names.without_web_ending(written, beside)
        beginning = [] if folded == name.lower() else ["accents and signs folded"]
        if written.strip(" .,") != folded.strip(" .,"):
            beginning.append("what stands beside the name taken off: brackets, marks, other names, what follows it")
        if main != written:
            beginning.append("the ending of a web address taken off")
        core, rules = self._core(main, beginning)
        if not core:
            return
        reasons.say(MatchKeyClass.NAME, "".join(core), rules or ["the name as it is written, in lower case"])
        self._say_stem(core, "", reasons)
        for other in others:
            self._say_other(other, "another name in the text", reasons)
        if not name.isascii():
            self._say_other(self._parts.of(self._text.romanized(name))[0], "written in Latin letters", reasons)
        fallback = self._words.fallback(core, self._words.stem(core))
        is_word = fallback in core
        reasons.say(
            MatchKeyClass.FALLBACK,
            fallback,
            ["first distinctive word" if is_word else "the name up to its first distinctive word, in the singular"],
        )

    def of_website(self, website: str, reasons: Reasons) -> None:
        """Say which rules would make the keys of a website."""
        for address in self._addresses(website):
            keys = self._web.keys_of(_written(address))
            for key in keys:
                reasons.say(MatchKeyClass.DOMAIN, key, self._domain_rules(address, key))
                brand = self._web.brand_of(key)
                for value in (brand.replace("-", ""), "".join(self._text.words(self._text.folded(brand)))):
                    reasons.say(MatchKeyClass.VARIANT, value, [f"the label of the domain `{key}`"])
                    around = f"the label of the domain `{key}`, without the word around the name"
                    reasons.say(MatchKeyClass.VARIANT, self._names.in_label(value), [around])

    def nothing_in_name(self, name: str) -> NothingReason:
        """Say why a name gives no key."""
        if not name.strip():
            return NothingReason.EMPTY
        if len(name) > LONGEST_NAME:
            return NothingReason.TOO_LONG
        core, _ = self._core(self._parts.of(self._text.folded(name))[0], [])
        return NothingReason.PLACEHOLDER if is_name("".join(core)) else NothingReason.NO_NAME

    def nothing_in_website(self, website: str) -> Iterator[tuple[str, NothingReason]]:
        """Yield the addresses of a website that give no key, with the reason."""
        found = [address for address in self._addresses(website) if address.host]
        addresses = [address for address in found if "." in address.host.strip(".")] or found
        if not addresses:
            yield website, NothingReason.NO_DOMAIN if website.strip() else NothingReason.EMPTY
        for address in addresses:
            if not self._web.keys_of(_written(address)):
                yield address.host, self._nothing_in(address)

    def _core(self, text: str, rules: list[str]) -> tuple[list[str], list[str]]:
        as_written = self._text.words(text)
        words = self._words.cut_apart(as_written)
        if words != as_written:
            rules = [*rules, "legal form written onto the name cut apart"]
        core = self._words.core(words)
        rules = [*rules, *told_reasons(words, core, taken_off="legal form")]
        value = "".join(core)
        shorter = value if text.isascii() else self._without_attached(value)
        return (
            (core, rules) if shorter == value else ([shorter], [*rules, "legal form written onto the name taken off"])
        )

    def _without_attached(self, core: str) -> str:
        for form in self._attached:
            for rest in (core.removeprefix(form), core.removesuffix(form)):
                if rest not in {"", core}:
                    return self._without_attached(rest)
        return core

    def _say_stem(self, core: list[str], source: str, reasons: Reasons) -> None:
        for shorter in self._words.shorter_forms(core):
            rules = [source] * bool(source) + told_reasons(core, shorter, taken_off="corporate or common word")
            reasons.say(MatchKeyClass.VARIANT, "".join(shorter), rules or ["the name as it is written, in lower case"])
        reasons.say(MatchKeyClass.VARIANT, "".join(sorted(shorter)), [*rules, "words in alphabetical order"])

    def _say_other(self, text: str, source: str, reasons: Reasons) -> None:
        core, rules = self._core(text, [source])
        if core:
            reasons.say(MatchKeyClass.VARIANT, "".join(core), rules)
            self._say_stem(core, source, reasons)

    def _addresses(self, website: str) -> list[Address]:
        text = self._tables.spelling.of_text(website[:LONGEST_CELL])
        found = list(addresses_in(text))
        if any(self._web.keys_of(_written(address)) for address in found):
            return found
        joined = joined_address(text, is_suffix=lambda name: self._tables.rules.get(name) is Rule.SUFFIX)
        return [joined] if joined is not None and self._web.keys_of(_written(joined)) else found

    def _domain_rules(self, address: Address, key: str) -> list[str]:
        host = self._tables.spelling.of_host(address.host)
        rules = ["the domain of a mail address"] if address.is_mail else []
        if host != key and not host.endswith(f".{key}"):
            return [*rules, f"`{address.host}` only leads on: the address inside it counts"]
        if address.host.startswith("xn--") or ".xn--" in address.host:
            rules.append("international name read as Unicode")
        if self._is_tenants_own(key):
            return [*rules, "host of tenants: the tenant's own page"]
        if host != key:
            rules.append(f"`{host.removesuffix(key)}` before the registered domain taken off")
        return rules or ["the registered domain"]

    def _is_tenants_own(self, key: str) -> bool:
        suffix = key.partition(".")[2]
        return not self._tables.hosted.isdisjoint((suffix, suffix.partition(".")[2]))

    def _nothing_in(self, address: Address) -> NothingReason:
        host = self._tables.spelling.of_host(address.host)
        names = list(_with_patterns(host))
        suffixes = [self._tables.rules.get(name) for name in _above(host)]
        for reason, table in (
            (NothingReason.FREE_MAIL, self._tables.free_mail),
            (NothingReason.PLACEHOLDER, self._tables.placeholders),
        ):
            if not table.isdisjoint(names):
                return reason
        if not host or not any(suffixes):
            return NothingReason.NO_DOMAIN
        if Rule.NOBODY in suffixes or Rule.SHARED in suffixes:
            return NothingReason.SHARED_HOST if Rule.SHARED in suffixes else NothingReason.PLATFORM_PAGE
        return NothingReason.PUBLIC_SUFFIX if suffixes[0] is Rule.SUFFIX else NothingReason.PLATFORM_PAGE


def _written(address: Address) -> str:
    """Write one address so that it is read as it was in its cell."""
    return f"{'x@' if address.is_mail else 'http://'}{address.host}{address.rest}"


def _above(host: str) -> Iterator[str]:
    while host:
        yield host
        host = host.partition(".")[2]


def _with_patterns(host: str) -> Iterable[str]:
    """Yield what tables may call a host or a name above it, also under every suffix."""
    for name in _above(host):
        yield name
        yield f"{name.partition('.')[0]}.*"
