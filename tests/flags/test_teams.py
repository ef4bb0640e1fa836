"""The list of teams."""

from __future__ import annotations

import re

import pytest

from cppn.flags.teams import TEAMS, find_team


def test_all_31_entities_and_41_teams_are_there():
    assert len(TEAMS) == 31
    assert sum(team.entries for team in TEAMS.values()) == 41
    assert all(re.fullmatch(r"[a-z_]+", slug) for slug in TEAMS)
    assert len({team.svg for team in TEAMS.values()}) == 31


def test_a_team_is_found_by_slug_and_by_name():
    assert find_team(" Malaysia ").slug == "malaysia"
    assert find_team("TÜRKIYE").slug == "turkiye"
    assert find_team("letovo").label == "Letovo (stand-in banner)"


@pytest.mark.parametrize("text", ["", "atlantis", "x" * 10_000])
def test_an_unknown_team_is_named_and_the_known_ones_are_listed(text):
    with pytest.raises(KeyError, match="malaysia") as error:
        find_team(text)
    assert len(str(error.value)) < 1000
