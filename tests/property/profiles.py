"""How many examples a property is tried on: few and always the same for every change, many new ones for `-m long`."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

PHASES: Final = (Phase.explicit, Phase.generate, Phase.shrink)
"""Without the explanation of a failure, which takes longer than the search for it."""
SLOW: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


class Profile(NamedTuple):
    """`factor` times the examples of the quick profile; `fixed`: the same ones on every run and every machine."""

    factor: int
    fixed: bool

    def tries(self, count: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
        """Run the decorated function on examples of `strategies`, at once."""

        def run(check: Callable[..., None]) -> None:
            bounds = settings(
                max_examples=count * self.factor,
                derandomize=self.fixed,
                database=None,
                deadline=None,
                phases=PHASES,
                print_blob=not self.fixed,
                suppress_health_check=SLOW,
            )
            bounds(given(*strategies)(check))()

        return run


both = pytest.mark.parametrize(
    "profile",
    [
        pytest.param(Profile(1, fixed=True), id="quick"),
        pytest.param(Profile(15, fixed=False), id="long", marks=pytest.mark.long),
    ],
)
