"""The list of teams."""

from __future__ import annotations

import re

import pytest

from cppn.faults import VisitorError
from cppn.flags import endpoints
from cppn.flags.teams import TEAMS


def test_all_31_entities_and_41_teams_are_there():
    assert len(TEAMS) == 31
    assert sum(team.entries for team in TEAMS.values()) == 41
    assert all(re.fullmatch(r"[a-z_]+", slug) for slug in TEAMS)
    assert len({team.svg for team in TEAMS.values()}) == 31


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        (" Malaysia ", "malaysia"),
        ("TÜRKIYE", "turkiye"),
        ("Hong Kong", "hong_kong"),
        ("hong kong, CHINA", "hong_kong"),
        ("Macao", "macao"),
        ("isle of man", "isle_of_man"),
        ("Letovo (stand-in banner)", "letovo"),
        ("Letovo", "letovo"),
        ("United States", "usa"),
    ],
)
def test_a_team_is_found_by_every_name_that_it_has(written, slug):
    assert endpoints.decode_flag(written, 16).facts["team"] == slug


@pytest.mark.parametrize("text", ["", "atlantis", "x" * 10_000])
def test_an_unknown_team_is_named_and_the_known_ones_are_listed(text):
    with pytest.raises(VisitorError, match=r"team must be one of: .*malaysia") as error:
        endpoints.decode_flag(text)
    assert len(str(error.value)) < 1000
