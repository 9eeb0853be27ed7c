"""Names of logical disks, arrays, services and resources, validated once at the edge.

A name is a `str`, so it prints and compares as one; only a validated name can become part of a command.
Length rules are documented by the vendor: a logical disk name has at most 24 characters, an array name 32.
The characters the array allows are not documented.  We refuse those that would break a screen, a configuration
line or a command line: blanks, control and non-ASCII characters, brackets, quotes and separators.
"""

from typing import Self

from necism_monitor.domain.patterns import pattern

LD_NAME_MAX = 24
ARRAY_NAME_MAX = 32
OS_TYPES = frozenset({"A2", "A4", "AX", "CX", "LX", "NX", "SX", "WN", "WG", "-"})
"""OS type codes seen on screens; `-` is "no type" (captured 2017)."""

_ALLOWED = pattern(r"[!#%&*+./0-9=?@A-Z^_a-z{}~$-]+")
_RESOURCE = pattern(r"sync#[0-9A-Za-z_.-]+")
_SERVICE = pattern(r"[0-9A-Za-z_][0-9A-Za-z_.@+-]*")


class NameRuleError(ValueError):
    """A text that breaks a naming rule; `value`, `rule` and `hint` say which and what to do."""

    def __init__(self, value: str, rule: str, hint: str) -> None:
        super().__init__(f"{value!r}: {rule}")
        self.value, self.rule, self.hint = value, rule, hint


def _check(value: str, what: str, limit: int) -> None:
    if not value:
        raise NameRuleError(value, f"{what} is empty", f"write the name of the {what}")
    if ":" in value:
        raise NameRuleError(
            value, f"{what} holds a ':'", "write the bare name, without the OS type in front (LX:NAME -> NAME)"
        )
    if len(value) > limit:
        raise NameRuleError(
            value, f"{what} has {len(value)} characters, at most {limit} are allowed", "check for typos"
        )
    if not _ALLOWED.fullmatch(value):
        bad = next(char for char in value if not _ALLOWED.fullmatch(char))
        raise NameRuleError(
            value,
            f"{what} holds the character {bad!r}",
            "only printable ASCII without blanks, quotes, brackets, ',', ';', ':' and '|' is accepted",
        )
    if value.startswith("-"):
        raise NameRuleError(value, f"{what} starts with '-'", "a leading '-' would be read as an option")


class LdName(str):
    """The name of a BV, SV or LV, as the array knows it, without its OS type; at most 24 characters."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Raise NameRuleError where `value` is no logical disk name."""
        _check(value, "logical disk name", LD_NAME_MAX)
        return super().__new__(cls, value)


class ArrayName(str):
    """The label of an `[array NAME]` section; at most 32 characters."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Raise NameRuleError where `value` is no array name."""
        _check(value, "array name", ARRAY_NAME_MAX)
        return super().__new__(cls, value)


class ServiceName(str):
    """The name of a service: the stem of its file."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Raise NameRuleError where `value` is no service name."""
        if not _SERVICE.fullmatch(value):
            raise NameRuleError(value, "a service name is letters, digits and _ . @ + -", "rename the service file")
        return super().__new__(cls, value)


class ResourceName(str):
    """The name of a `[sync#N]` section."""

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Raise NameRuleError where `value` is not of the form sync#N."""
        if not _RESOURCE.fullmatch(value):
            raise NameRuleError(value, "a resource is named sync#N", "name the section [sync#1], [sync#2], ...")
        return super().__new__(cls, value)


class ResourceId(str):
    """`SERVICE/sync#N`: what a selector, a journal and a metric call one resource."""

    __slots__ = ()

    @classmethod
    def of(cls, service: ServiceName, resource: ResourceName) -> Self:
        """The identity of `resource` in `service`."""
        return cls(f"{service}/{resource}")
