"""Keys that occur twice, and names that refer to nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from circflow.data.cells import shorten, split_names
from circflow.data.checks.findings import Drafts, by_row, comparable
from circflow.data.checks.rows import is_dash, is_totals
from circflow.data.schema.sheets import Sheet
from circflow.data.suggest import Names, remark
from circflow.i18n import say
from circflow.i18n.names import shown_column, shown_sheet, shown_word

NO_MODE = "none"
"""In Materials.modes: the material never leaves its site."""


def check_keys(drafts: Drafts) -> None:
    """Two rows of one key (and period) are an error, at the second row."""
    for draft in drafts.values():
        if draft.sheet.key and not draft.broken:
            _check_key(drafts, draft.sheet, draft.sheet.whole_key)
    _check_group_members(drafts)


def _check_key(drafts: Drafts, sheet: Sheet, columns: list[str]) -> None:
    frame = drafts[sheet.name].sound(*columns)
    if len(set(zip(*(frame[column] for column in columns), strict=True))) == len(frame):
        return
    keys = comparable(frame, columns)
    doubled = keys.duplicated()
    first = keys[~doubled].reset_index().set_index(columns)["row"]
    for row, key in zip(keys.index[doubled], keys[doubled].itertuples(index=False), strict=True):
        origin = int(first.loc[tuple(key) if len(columns) > 1 else key[0]])
        named = [c for c in columns if c in drafts[sheet.name].letters]
        drafts.error(
            sheet.name,
            row,
            named[-1] if sheet.periodic and frame.at[row, "period"] is not None else named[0],
            "{key_words} stands in row {origin} already: delete one of the two rows, or "
            "add them up",
            key_words=_key_words(sheet, frame.loc[row, columns]),
            origin=origin,
            expected=say("one row for each ") + ", ".join(sheet[c].shown for c in columns),
        )


def _key_words(sheet: Sheet, key: pd.Series) -> str:
    return ", ".join(
        say(
            "{column} {value!r}",
            column=sheet[str(column)].shown,
            value=shorten(shown_word(str(column), value) if isinstance(value, str) else value),
        )
        for column, value in key.items()
        if value is not None
    )


def _check_group_members(drafts: Drafts) -> None:
    """A material is once in a group of inputs."""
    columns = ["technology", "recipe", "role", "group", "material"]
    frame = drafts["Recipes"].sound(*columns)
    frame = frame[frame["group"].notna()]
    drafts.error(
        "Recipes",
        frame[frame.duplicated(columns)],
        "material",
        "{material!r} is in the group {group!r} twice: delete one row",
        expected=say("a material once in a group"),
    )


class _Targets:
    """The names that may be referred to, by sheet."""

    def __init__(self, drafts: Drafts) -> None:
        self.drafts = drafts
        self._names: dict[tuple[str, str], Names] = {}

    def names(self, sheet: str, column: str) -> Names:
        key = (sheet, column)
        if key not in self._names:
            self._names[key] = Names(self.drafts[sheet].frame[column].dropna().unique())
        return self._names[key]

    def unreadable(self, sheet: str) -> bool:
        return self.drafts[sheet].broken

    def doubtful(self, sheet: str, column: str) -> bool:
        """Whether some names of the sheet could not be read."""
        return bool(self.drafts[sheet].unread(column)[column].isna().any())


def target_column(sheet: Sheet) -> str:
    """The column of a sheet that references to it name."""
    special = {"Recipes": "technology", "Properties": "property"}
    return special.get(sheet.name) or sheet.key[0]


def check_references(drafts: Drafts) -> None:
    """Every name that refers to another sheet must stand there."""
    check_recipe_references(drafts)
    targets = _Targets(drafts)
    _check_modes(drafts, targets)
    _check_limit_keys(drafts, targets)
    _check_partners(drafts, targets)


def check_recipe_references(drafts: Drafts) -> None:
    """Names in columns that refer to another sheet; recipes, and the keys of emission factors."""
    targets = _Targets(drafts)
    for draft in drafts.values():
        for column in draft.sheet.columns:
            if column.reference and column.kind == "name":
                values = draft.sound(column.name)[column.name]
                cells = _Cells(draft.sheet.name, column.name, values)
                _must_be_in(targets, cells, column.reference)
    _check_recipes(drafts)
    _check_emission_keys(drafts, targets)


@dataclass(frozen=True)
class _Cells:
    """Names in a column of a sheet, by row."""

    sheet: str
    column: str
    values: pd.Series


def _must_be_in(targets: _Targets, cells: _Cells, target: str, noun: str = "") -> None:
    """Note the names that do not stand in the key column of another sheet."""
    if targets.unreadable(target) or cells.values.empty:
        return
    drafts = targets.drafts
    key = target_column(drafts[target].sheet)
    noun = shown_word("scope", noun) if noun else shown_column(target, key)
    good = targets.names(target, key)
    known = {*good.names, None}
    wrong = [(row, value) for row, value in by_row(cells.values) if value not in known]
    if not wrong:
        return
    quiet = targets.doubtful(target, key)
    for row, value in wrong:
        suggestion = good.nearest(value)
        if quiet and not suggestion:
            drafts[cells.sheet].spoil(int(row), cells.column)
            continue
        cure = say("correct the name, or add it there")
        if is_totals(value):
            cure = say("delete the row if it holds totals, or correct the name")
        elif is_dash(value):
            required = drafts[cells.sheet].sheet[cells.column].required
            cure = say("a dash is a name here: ") + (
                say("write one") if required else say("leave the cell blank")
            )
        drafts.error(
            cells.sheet,
            row,
            cells.column,
            "there is no {noun} {value!r} in {target}{remark}: {cure}",
            noun=noun,
            value=shorten(value),
            target=shown_sheet(target),
            remark=remark(value, suggestion),
            cure=cure,
            expected=say("a {noun} from the sheet {target}", noun=noun, target=shown_sheet(target)),
            suggestion=suggestion,
        )


def _check_modes(drafts: Drafts, targets: _Targets) -> None:
    if targets.unreadable("Modes"):
        return
    good = targets.names("Modes", "mode")
    frame = drafts["Materials"].sound("modes")
    known = set(good.names)
    for row, text in by_row(frame["modes"].dropna()):
        listed = split_names(text)
        if NO_MODE in listed and NO_MODE not in known:
            if len(listed) > 1:
                drafts.error(
                    "Materials",
                    row,
                    "modes",
                    "{no_mode} stands beside other modes: write {no_mode} alone, or leave it out",
                    no_mode=shown_word("modes", NO_MODE),
                    expected=_modes_expected(),
                )
            continue
        for name in listed:
            if name not in known:
                suggestion = good.nearest(name)
                drafts.error(
                    "Materials",
                    row,
                    "modes",
                    "there is no mode {name!r} in Modes{remark}: correct the name, or add it there",
                    name=shorten(name),
                    remark=remark(name, suggestion),
                    expected=_modes_expected(),
                    suggestion=suggestion,
                )


def _modes_expected() -> str:
    none = shown_word("modes", NO_MODE)
    return say("modes separated by commas, or {no_mode}", no_mode=none)


def _check_recipes(drafts: Drafts) -> None:
    """What tells of a recipe (BlendLimits: of a group) names one of its technology; a recipe or
    group there whose name could not be read may be the one that is meant."""
    recipes = drafts["Recipes"].frame
    doubtful = set(drafts["Recipes"].unread("recipe")["technology"])
    doubtful_groups = set(_pairs(drafts["Recipes"].unread("group")))
    known: dict[str, set[str]] = {}
    for technology, recipe in _pairs(recipes):
        known.setdefault(technology, set()).add(recipe)
    grouped = recipes[recipes["group"].notna()]
    groups: dict[tuple[str, str], set[str]] = {}
    for owner, group in zip(_pairs(grouped), grouped["group"], strict=True):
        groups.setdefault(owner, set()).add(group)
    if drafts["Recipes"].broken:
        return
    telling = [sheet for sheet in ("RecipeCosts", "Balance", "BlendLimits") if sheet in drafts]
    for sheet in telling:
        frame = drafts[sheet].sound("technology", "recipe")
        for row, (technology, recipe) in zip(frame.index, _pairs(frame), strict=True):
            names = known.get(technology)
            if names is not None and recipe not in names and technology not in doubtful:
                where = say("technology {technology!r}", technology=shorten(technology))
                _no_such(drafts, (sheet, int(row), "recipe"), recipe, names, where)
    frame = drafts["BlendLimits"].sound("technology", "recipe", "group")
    for row, owner, group in zip(frame.index, _pairs(frame), frame["group"], strict=True):
        names = groups.get(owner, set())
        if owner[0] in doubtful or owner in doubtful_groups or group in names:
            continue
        if owner[1] in known.get(owner[0], set()):
            where = say(
                "recipe {owner!r} of technology {owner_2!r}",
                owner=shorten(owner[1]),
                owner_2=shorten(owner[0]),
            )
            _no_such(drafts, ("BlendLimits", int(row), "group"), group, names, where)


def _pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(frame["technology"], frame["recipe"], strict=True))


def _no_such(
    drafts: Drafts, place: tuple[str, int, str], value: str, good: Iterable[str], where: str
) -> None:
    """Note a name that its owner lacks; `place` is sheet, row and column."""
    names = sorted(good)
    column = shown_column(*place[::2])
    suggestion = Names(names).nearest(value)
    choice = (
        say("one of {list}", list=", ".join(names[:10]))
        if names
        else say("a {column} that stands in Recipes", column=column)
    )
    drafts.error(
        *place,
        "the {where} has no {column} {value!r} in Recipes{remark}: correct the name, "
        "or add its rows there",
        where=where,
        column=column,
        value=shorten(value),
        remark=remark(value, suggestion),
        expected=choice,
        suggestion=suggestion,
    )


def _check_emission_keys(drafts: Drafts, targets: _Targets) -> None:
    """A factor's key is a technology or recipe, a mode, or a material, by its kind."""
    frame = drafts["EmissionFactors"].sound("kind", "key")
    frame = frame[frame["key"].notna()]
    recipe_rows = frame["kind"] == "recipe"
    modes = frame["kind"] == "transport"
    for rows, target in ((modes, "Modes"), (~recipe_rows & ~modes, "Materials")):
        if target in drafts:  # a library knows no modes
            _must_be_in(targets, _Cells("EmissionFactors", "key", frame.loc[rows, "key"]), target)
    if targets.unreadable("Recipes"):
        return
    recipes = drafts["Recipes"].frame
    pairs = {f"{t}/{r}" for t, r in zip(recipes["technology"], recipes["recipe"], strict=True)}
    known = set(recipes["technology"].dropna()) | pairs
    technologies, with_recipe = Names(recipes["technology"].dropna().unique()), Names(sorted(pairs))
    for row, key in by_row(frame.loc[recipe_rows, "key"]):
        if key not in known:
            suggestion = (with_recipe if "/" in key else technologies).nearest(key)
            drafts.error(
                "EmissionFactors",
                row,
                "key",
                "there is no technology or recipe {key!r} in Recipes{remark}: correct the "
                "name, or leave it blank for all",
                key=shorten(key),
                remark=remark(key, suggestion),
                expected=say("technology or technology/recipe"),
                suggestion=suggestion,
            )


def _check_limit_keys(drafts: Drafts, targets: _Targets) -> None:
    """A limit's key is of the kind that its scope says; blank for the cluster alone."""
    frame = drafts["EmissionLimits"].sound("scope", "key")
    of_cluster, blank = frame["scope"] == "cluster", frame["key"].isna()
    drafts.error(
        "EmissionLimits",
        frame[of_cluster & ~blank],
        "key",
        "a limit of scope cluster has no key, but {key!r} stands here: clear the "
        "cell, or name another scope",
        expected=say("a blank cell"),
    )
    lacking = frame.loc[~of_cluster & blank, "scope"]
    for row, scope in by_row(lacking.map(lambda word: shown_word("scope", word))):
        drafts.error(
            "EmissionLimits",
            row,
            "key",
            "a limit of scope {scope} needs a key: name the {scope}",
            scope=scope,
            expected=say("the name of a {scope}", scope=scope),
        )
    frame = drafts["EmissionLimits"].sound("scope", "key")
    for scope, target in (("member", "Members"), ("site", "Sites"), ("unit", "Units")):
        keys = frame.loc[frame["scope"] == scope, "key"]
        _must_be_in(targets, _Cells("EmissionLimits", "key", keys), target, noun=scope)
    if targets.unreadable("Sites"):
        return
    regions = targets.names("Sites", "region")
    keys = frame.loc[frame["scope"] == "region", "key"].dropna()
    for row, key in by_row(keys[~keys.isin(regions.names)]):
        suggestion = regions.nearest(key)
        drafts.error(
            "EmissionLimits",
            row,
            "key",
            "no site is in the region {key!r}{remark}: correct the name, or fill in the "
            "column region of Sites",
            key=shorten(key),
            remark=remark(key, suggestion),
            expected=say("a region from the column region of Sites"),
            suggestion=suggestion,
        )


def _check_partners(drafts: Drafts, targets: _Targets) -> None:
    """A partner is a unit, or two sites as from>to."""
    frame = drafts["SynergyPartners"].sound("kind", "partner")
    units = frame.loc[frame["kind"] == "unit", "partner"]
    _must_be_in(targets, _Cells("SynergyPartners", "partner", units), "Units")
    if targets.unreadable("Sites"):
        return
    sites = targets.names("Sites", "site")
    known = set(sites.names)
    for row, text in by_row(frame.loc[frame["kind"] == "flow", "partner"]):
        ends, suggestion = text.split(">"), ""
        wrong = [end for end in ends if end not in known]
        if len(ends) != 2 or not all(ends):
            message = say(
                "{text!r} is not a flow: write the two sites as from>to", text=shorten(text)
            )
            expected = say("from>to")
        elif wrong:
            near = [sites.nearest(end) or end if end in wrong else end for end in ends]
            if near == ends and targets.doubtful("Sites", "site"):
                continue
            suggestion = ">".join(near) if near != ends else ""
            message = say(
                "there is no site {wrong!r} in Sites: correct the name", wrong=shorten(wrong[0])
            )
            expected = say("from>to, two names from the sheet Sites")
        elif ends[0] == ends[1]:
            message = say(
                "a flow goes from one site to another, but both are the same: name two sites"
            )
            expected = say("from>to, two different sites")
        else:
            continue
        drafts.error(
            "SynergyPartners", row, "partner", message, expected=expected, suggestion=suggestion
        )
