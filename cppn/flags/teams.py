"""The teams of IOAI 2024 whose gifts are shown: 31 entities, 41 teams (Burgas, 9 to 15 August 2024).

Names are the official ones of ioai-official.org; a country that entered two teams has one flag. `svg` is the file stem
in the public-domain package svg-country-flags. Letovo School competed under its own name; its logo is a trademark, so a
plain banner drawn by this project stands in for it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Team:
    """One gift. `slug` is its name in file names, links and endpoint calls."""

    slug: str
    name: str
    svg: str | None  # None: drawn by `rasterise.letovo_stand_in`
    entries: int = 1  # how many teams it sent

    @property
    def label(self) -> str:
        """The name as shown, with the stand-in named as one."""
        return self.name if self.svg else f"{self.name} (stand-in banner)"


TEAMS = {
    team.slug: team
    for team in (
        Team("australia", "Australia", "au", 2),
        Team("bangladesh", "Bangladesh", "bd"),
        Team("brazil", "Brazil", "br"),
        Team("bulgaria", "Bulgaria", "bg", 2),
        Team("canada", "Canada", "ca"),
        Team("china", "China", "cn", 2),
        Team("chinese_taipei", "Chinese Taipei", "tw"),
        Team("colombia", "Colombia", "co"),
        Team("estonia", "Estonia", "ee"),
        Team("hong_kong", "Hong Kong, China", "hk"),
        Team("hungary", "Hungary", "hu", 2),
        Team("iran", "Iran", "ir"),
        Team("isle_of_man", "Isle of Man", "im"),
        Team("japan", "Japan", "jp"),
        Team("jordan", "Jordan", "jo"),
        Team("kyrgyzstan", "Kyrgyzstan", "kg"),
        Team("letovo", "Letovo", None),
        Team("macao", "Macao, China", "mo"),
        Team("malaysia", "Malaysia", "my"),
        Team("mongolia", "Mongolia", "mn"),
        Team("nepal", "Nepal", "np"),
        Team("netherlands", "Netherlands", "nl"),
        Team("poland", "Poland", "pl", 2),
        Team("romania", "Romania", "ro", 2),
        Team("singapore", "Singapore", "sg", 2),
        Team("sweden", "Sweden", "se"),
        Team("tunisia", "Tunisia", "tn"),
        Team("turkiye", "Türkiye", "tr", 2),
        Team("uae", "United Arab Emirates", "ae"),
        Team("usa", "United States", "us", 2),
        Team("vietnam", "Vietnam", "vn", 2),
    )
}


# What else a team may be called: its name as shown, with and without what stands behind a comma
SPELLINGS = {
    spelling: team.slug
    for team in TEAMS.values()
    for spelling in (team.name, team.label, team.name.partition(",")[0], team.slug.replace("_", " "))
}
