"""How counts are shown, as terms demand it and as a release was made."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from escrow import terms as words
from escrow.presets import DISCLOSURE_PRESETS
from escrow.terms import LEAST_THRESHOLD, LONGEST_INTERVAL, MOST_DEMANDED, NO_COUNT_STEP
from escrow.wire.values import Model

__all__ = ["STANDARD", "DisclosurePreset", "DisclosureRule", "EffectiveRule"]

_LONGEST = int(LONGEST_INTERVAL.total_seconds())


class DisclosureRule(Model):
    """How small a count may be shown, how coarsely, how often, and whether noise is added.

    ``threshold`` is the smallest count shown, raised to a multiple of ``step``, which every shown count is rounded down
    to. A release follows after ``interval_seconds``, once one of the two lists has had ``least_changes``
    accounts added, removed or changed.
    """

    threshold: Annotated[int, Field(ge=LEAST_THRESHOLD, le=MOST_DEMANDED, examples=[5])]
    step: Annotated[int, Field(ge=1, le=MOST_DEMANDED, examples=[1])]
    interval_seconds: Annotated[int, Field(ge=1, le=_LONGEST, examples=[86_400])]
    least_changes: Annotated[int, Field(ge=1, le=MOST_DEMANDED, examples=[5])]
    noise: Annotated[bool, Field(examples=[False])]

    @classmethod
    def of(cls, rule: words.DisclosureRule) -> Self:
        """Say the rule."""
        return cls(
            threshold=rule.threshold,
            step=rule.step,
            interval_seconds=int(rule.interval.total_seconds()),
            least_changes=rule.least_changes,
            noise=rule.noise,
        )

    def value(self) -> words.DisclosureRule:
        """Give the rule as the domain's value."""
        return words.DisclosureRule(
            threshold=self.threshold,
            step=self.step,
            interval=timedelta(seconds=self.interval_seconds),
            least_changes=self.least_changes,
            noise=self.noise,
        )


class EffectiveRule(DisclosureRule):
    """The meet of two rules; its ``step`` is their least common multiple.

    Where that is more than 2147483646, the step is 2147483647, and no count is shown.
    """

    step: Annotated[int, Field(ge=1, le=NO_COUNT_STEP, examples=[5])]


STANDARD = DisclosureRule.of(DISCLOSURE_PRESETS["standard"])


class DisclosurePreset(Model):
    """A rule that the service offers by name; terms may demand it, or any that is at least as strict."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$"), Field(examples=["standard"])]
    rule: DisclosureRule
