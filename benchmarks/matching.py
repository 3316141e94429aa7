"""How well real company lists are matched: precision, recall and F1 over account pairs, and what each rule is worth.

The lists are not part of the project: `--data` names a folder with one folder for each pair of lists (`a.csv`, `b.csv`,
`truth.csv`, maybe `ignore.csv`). Two baselines are measured in the same run: names and websites in lower case without
spaces at the ends, and profile `escrow-1`. The last line is the ratio of the mean F1 by names to the better of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.company_lists import (
    Key,
    KeysOf,
    Lists,
    Score,
    Side,
    accounts_to_send,
    matches,
    read_lists,
    rows_of,
    score,
)
from benchmarks.misses import misses, print_misses, with_a_word_in_common
from escrow.client.accounts import Accounts
from escrow.psi.matchkeys import MatchKeyClass
from escrow.psi.normalisation import profile
from escrow.psi.normalisation.escrow_2.lexicon import Lexicon, read_lexicon
from escrow.psi.normalisation.escrow_2.rules import CompanyKeys
from escrow.psi.profile_ids import FIRST_PROFILE, LATEST_PROFILE
from escrow.terms import Tier

NAMES_ONLY = ("d1", "d2", "d3", "d4", "d6", "d8")
WITH_WEBSITES = ("d1", "d2", "d3", "d4", "d6")
BLANKED = 0.35
SEEDS = 5

#: Each rule of `escrow-2` that a table carries, and the tables without it.
RULES: Mapping[str, Callable[[Lexicon], Lexicon]] = {
    "legal forms": lambda words: replace(words, legal_endings={}, legal_beginnings=frozenset(), attached_forms=()),
    "legal forms written onto the name": lambda words: replace(words, written_on_forms=()),
    "words around the name in labels": lambda words: replace(words, label_beginnings=(), label_endings=()),
    "one spelling of each word": lambda words: replace(words, same={}),
    "numbers as figures": lambda words: replace(words, numbers={}),
    "typing errors in corporate words": lambda words: replace(words, mistyped={}),
    "stems (corporate words, places)": lambda words: replace(words, stem_endings={}, stem_beginnings=frozenset()),
    "common words name nobody alone": lambda words: replace(words, common=frozenset()),
    "labels in brackets": lambda words: replace(words, labels=frozenset()),
    "other names (dba, formerly)": lambda words: replace(words, other_names=()),
    "marks of registers (/DE/)": lambda words: replace(words, marks=()),
    "tails (and its affiliates)": lambda words: replace(words, tails=()),
    "names of securities": lambda words: replace(words, securities=()),
    "first of several": lambda words: replace(words, separators=()),
    "endings of web addresses": lambda words: replace(words, web_endings=()),
    "letters of other scripts": lambda words: replace(words, romanizations={}, spelled_out={}),
    "folded letters": lambda words: replace(words, folds={}),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over lists, unweighted, and the tokens that an account costs."""

    score: Score
    f1: float
    tokens: float
    most_tokens: int


def main() -> None:
    """Print every section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the lists")
    parser.add_argument("--ladder", action="store_true", help="also measure the profile without each of its rules")
    parser.add_argument("--misses", metavar="LIST", help="print the false and the missing pairs of one list, and end")
    arguments = parser.parse_args()
    folders = {folder.name.partition("_")[0]: folder for folder in sorted(arguments.data.iterdir())}
    lists = {name: read_lists(folder) for name, folder in folders.items() if (folder / "a.csv").exists()}
    speed = accounts_a_second(lists)
    ours = keys_of_rules(CompanyKeys())
    if arguments.misses:
        print_misses(by_name_alone(lists[arguments.misses]), ours)
        return
    baselines = {"lower case, stripped": lower_and_strip, FIRST_PROFILE: keys_of_profile(FIRST_PROFILE)}
    by_names = print_names_only(lists, {**baselines, LATEST_PROFILE: ours})
    print_websites(lists, {**baselines, LATEST_PROFILE: ours})
    print_tiers(lists, ours)
    print_causes(lists, ours)
    print_typed(lists["d7"], ours)
    print_forms(folders, ours)
    print(f"\nspeed: {speed:,.0f} accounts a second on one core, cold (tables read, lists of all folders)")
    if arguments.ladder:
        print_ladder(lists)
    best = max(by_names[name].f1 for name in baselines)
    print(f"\n{by_names[LATEST_PROFILE].f1 / best:.2f} x the better baseline's mean F1 by names")


def lower_and_strip(name: str, website: str, _: str) -> list[Key]:
    """Give the name and the website as they stand, in lower case."""
    keys = [(MatchKeyClass.DOMAIN, website.strip().lower()), (MatchKeyClass.NAME, name.strip().lower())]
    return [key for key in keys if key[1]]


def keys_of_profile(profile_id: str) -> KeysOf:
    """Make keys by a profile."""
    of = profile(profile_id)
    return lambda name, website, country: [(key.key_class, key.value) for key in of.match_keys(name, website, country)]


def keys_of_rules(rules: CompanyKeys) -> KeysOf:
    """Make keys by rules that may lack some of the profile's."""

    def keys_of(name: str, website: str, _: str) -> list[Key]:
        return [(key_class, value) for key_class, (value,) in rules.values_by_class([name], [website]) if value]

    return keys_of


def without(key_class: MatchKeyClass, keys_of: KeysOf) -> KeysOf:
    """Leave out the keys of one class."""
    return lambda name, website, country: [key for key in keys_of(name, website, country) if key[0] is not key_class]


def by_name_alone(lists: Lists) -> Lists:
    """Leave every website out."""
    left, right = (replace(side, websites=[""] * len(side.ids)) for side in (lists.left, lists.right))
    return replace(lists, left=left, right=right)


def measure(all_lists: Iterable[Lists], keys_of: KeysOf, at_least: Tier = Tier.POSSIBLE) -> Measured:
    """Match each pair of lists and take the means."""
    scores, tokens = [], []
    for lists in all_lists:
        left, right = accounts_to_send(lists.left, keys_of), accounts_to_send(lists.right, keys_of)
        found = matches(left, right)
        scores.append(score([pair for pair, tier in found.items() if tier <= at_least], lists))
        tokens += [*tokens_of_each(left), *tokens_of_each(right)]
    mean = Score(statistics.fmean(s.precision for s in scores), statistics.fmean(s.recall for s in scores))
    return Measured(mean, statistics.fmean(s.f1 for s in scores), statistics.fmean(tokens), max(tokens))


def tokens_of_each(accounts: Accounts) -> list[int]:
    """Count the tokens of each account."""
    counts: list[int] = np.bincount(accounts.keys.accounts, minlength=len(accounts)).tolist()
    return counts


def print_names_only(lists: Mapping[str, Lists], ways: Mapping[str, KeysOf]) -> dict[str, Measured]:
    """Print the section of names without websites; only these sets count in the mean."""
    print("names only: precision / recall / F1, tokens an account (most)")
    means = {}
    for title, keys_of in ways.items():
        means[title] = measure([by_name_alone(lists[name]) for name in NAMES_ONLY], keys_of)
        print_line(title, means[title])
        for name in NAMES_ONLY:
            print_line(f"  {name}", measure([by_name_alone(lists[name])], keys_of))
        print_line("  d7, pairs that share words", measure([by_name_alone(lists["d7"]).where("same")], keys_of))
        print_line("  d9, other scripts", measure([by_name_alone(lists["d9"])], keys_of))
    return means


def print_websites(lists: Mapping[str, Lists], ways: Mapping[str, KeysOf]) -> None:
    """Print the section of lists with some of their websites."""
    print(f"\n{BLANKED:.0%} of the websites left out on each side, mean of {SEEDS} draws")
    for title, keys_of in ways.items():
        print_line(title, measure([blank for name in WITH_WEBSITES for blank in blanks(lists[name])], keys_of))
        for name in WITH_WEBSITES:
            print_line(f"  {name}", measure(blanks(lists[name]), keys_of))


def blanks(lists: Lists) -> list[Lists]:
    """Give the lists with other websites left out each time."""
    return [lists.blanked(BLANKED, seed) for seed in range(SEEDS)]


def print_tiers(lists: Mapping[str, Lists], keys_of: KeysOf) -> None:
    """Print what each tier and the stronger ones find, with websites left out and with names only."""
    drawn = [blank for name in WITH_WEBSITES for blank in blanks(lists[name])]
    bare = [by_name_alone(lists[name]) for name in NAMES_ONLY]
    print("\ntiers")
    for tier in Tier:
        print_line(f"{tier.name.lower()} and stronger, websites left out", measure(drawn, keys_of, tier))
        print_line(f"{tier.name.lower()} and stronger, names only", measure(bare, keys_of, tier))


def print_causes(lists: Mapping[str, Lists], keys_of: KeysOf) -> None:
    """Print why pairs are missed where websites are left out, and what finding all with a common key would give."""
    found = [misses(blank, keys_of) for name in WITH_WEBSITES for blank in blanks(lists[name])]
    without, beside, other = (
        sum(getattr(each, cause) for each in found) for cause in ("without_key", "beside_another", "other")
    )
    print(f"\nmissed: {without} without a common key, {beside} beside another match of one of the two, {other} others")
    print(f"F1 if all but the first were found: {statistics.fmean(each.f1_of_all_others for each in found):.4f}")


def print_typed(lists: Lists, keys_of: KeysOf) -> None:
    """Print what is found of hand-typed names, by which pairs count as having something in common."""
    bare = by_name_alone(lists)
    print("\nd7, hand-typed employers, by which pairs count")
    for title, some in (
        ("marked as having something in common", bare.where("same")),
        ("the same, with websites", lists.where("same")),
        ("with a word in common", with_a_word_in_common(bare, or_inside=False)),
        ("with a word in common or inside", with_a_word_in_common(bare, or_inside=True)),
    ):
        print_line(f"{title}, {len(some.truth)}", measure([some], keys_of))


def print_forms(folders: Mapping[str, Path], keys_of: KeysOf) -> None:
    """Print how spellings of websites and text instead of a company are read."""
    words = [row["name"] for row in rows_of(folders["d11"] / "placeholders.csv")]
    kept = [word for word in words if list(keys_of(word, "", ""))]
    print(f"\nd11: {len(words) - len(kept)} of {len(words)} placeholders give no key")
    forms = rows_of(folders["d12"] / "url_forms.csv")
    right, told = wrongly_read([{**row, "kind": row["kind"].replace("bonus", "form")} for row in forms], keys_of)
    print(f"d12: {right} of {right + len(told)} spellings of websites are read as they should, bonus ones counted")
    right, told = wrongly_read(forms, keys_of)
    print(f"d12: {right} of {right + len(told)} spellings of websites are read as they should; bonus ones not counted")
    for line in told:
        print(f"  {line}")


def wrongly_read(rows: Sequence[Mapping[str, str]], keys_of: KeysOf) -> tuple[int, list[str]]:
    """Hold each spelling to what its kind asks for; give the number of right ones and the wrong ones."""
    domains = [
        {value for key_class, value in keys_of("", row["input"], "") if key_class is MatchKeyClass.DOMAIN}
        for row in rows
    ]
    canonical = {row["class"]: found for row, found in zip(rows, domains, strict=True) if row["kind"] == "canon"}
    tenants: dict[str, list[set[str]]] = {}
    right, wrong = 0, []
    for row, found in zip(rows, domains, strict=True):
        plain = canonical.get(row["class"], set())
        apart = not found & plain
        is_right = {
            "canon": True,
            "bonus": True,
            "form": not apart,
            "other": apart and bool(found),
            "none": not found,
            "tenant": apart and not any(found & other for other in tenants.get(row["class"], [])),
        }[row["kind"]]
        if row["kind"] == "tenant":
            tenants.setdefault(row["class"], []).append(found)
        right += is_right
        if not is_right:
            wrong.append(f"{row['kind']}: {row['input']!r}")
    return right, wrong


def print_ladder(lists: Mapping[str, Lists]) -> None:
    """Print what the profile loses without each of its rules; a rule that loses nothing earns no place."""
    bare = [*(by_name_alone(lists[name]) for name in NAMES_ONLY)]
    drawn = [lists[name].blanked(BLANKED, seed) for name in WITH_WEBSITES for seed in range(2)]
    typed = [by_name_alone(lists["d7"]).where("same")]
    words = read_lexicon()
    whole = keys_of_rules(CompanyKeys())
    ways = {"everything": whole}
    ways |= {rule: keys_of_rules(CompanyKeys(less(words))) for rule, less in RULES.items()}
    ways |= {"variants": without(MatchKeyClass.VARIANT, whole), "fallback": without(MatchKeyClass.FALLBACK, whole)}
    print("\nwithout one rule: precision, F1 by names; with websites left out; d7")
    start: list[Measured] = []
    for rule, keys_of in ways.items():
        now = [measure(some, keys_of) for some in (bare, drawn, typed)]
        start = start or now
        steps = (
            f"{each.score.precision - first.score.precision:+.4f} {each.f1 - first.f1:+.4f}"
            for each, first in zip(now, start, strict=True)
        )
        print(f"{rule:40} " + "   ".join(steps))


def accounts_a_second(lists: Mapping[str, Lists]) -> float:
    """Measure the whole profile in bulk on every name and website, each list once, tables freshly read."""
    sides: list[Side] = [side for each in lists.values() for side in (each.left, each.right)]
    start = time.process_time()
    rules = CompanyKeys()
    tables_read = time.process_time()
    for side in sides:
        rules.values_by_class(side.names, side.websites)
    print(f"tables read in {tables_read - start:.2f} s")
    return sum(len(side.ids) for side in sides) / (time.process_time() - tables_read)


def print_line(title: str, of: Measured) -> None:
    """Print one row of a table."""
    told = f"{of.score.precision:.4f} / {of.score.recall:.4f} / {of.f1:.4f}"
    print(f"{title:42} {told}   {of.tokens:.2f} ({of.most_tokens})")


if __name__ == "__main__":
    main()
