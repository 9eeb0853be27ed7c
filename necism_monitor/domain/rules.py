"""A text that breaks a rule: what was written, which rule it breaks, what to write instead."""

from __future__ import annotations


class RuleError(ValueError):
    """`value` breaks `rule`; `hint` says what to do.  Who reads the text adds where it stood."""

    def __init__(self, value: str, rule: str, hint: str) -> None:
        super().__init__(f"{value!r}: {rule}")
        self.value, self.rule, self.hint = value, rule, hint
