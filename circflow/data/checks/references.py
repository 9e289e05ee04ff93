"""Keys that occur twice, and names that refer to nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from circflow.data.cells import shorten, split_names
from circflow.data.checks.findings import Draft, Drafts, among, later
from circflow.data.checks.rows import is_dash, is_totals
from circflow.data.coded import Items, by_row
from circflow.data.schema.sheets import Sheet
from circflow.data.suggest import Names, remark
from circflow.i18n import say
from circflow.i18n.names import shown_word

NO_MODE = "none"
"""In Materials.modes: the material never leaves its site."""


def check_keys(drafts: Drafts) -> None:
    """Two rows of one key (and period) are an error, at the second row."""
    for draft in drafts.values():
        if draft.sheet.key and not draft.broken:
            _check_key(drafts, draft.sheet, draft.sheet.row_key)
    _check_group_members(drafts)


def _check_key(drafts: Drafts, sheet: Sheet, columns: list[str]) -> None:
    known: dict[tuple[object, ...], int] = {}
    for row, *key in by_row(drafts[sheet.name].sound(*columns), *columns):
        origin = known.setdefault(tuple(key), row)
        if origin == row:
            continue
        named = [c for c in columns if c in drafts[sheet.name].letters]
        drafts[sheet.name].error(
            row,
            named[-1] if sheet.periodic and key[-1] is not None else named[0],
            "{key_words} stands in row {origin} already: delete one of the two rows, or "
            "add them up",
            key_words=_key_words(sheet, dict(zip(columns, key, strict=True))),
            origin=origin,
            expected=say("one row for each ") + ", ".join(sheet[c].shown for c in columns),
        )


def _key_words(sheet: Sheet, key: dict[str, str | None]) -> str:
    return ", ".join(
        say(
            "{column} {value!r}",
            column=sheet[column].shown,
            value=shorten(shown_word(column, value)),
        )
        for column, value in key.items()
        if value is not None
    )


def _check_group_members(drafts: Drafts) -> None:
    """A material is once in a group of inputs."""
    columns = ["technology", "recipe", "role", "group", "material"]
    rows = drafts["Recipes"].sound(*columns)
    drafts["Recipes"].error(
        rows.take(pd.notna(rows["group"]) & later(rows, *columns)),
        "material",
        "{material!r} is in the group {group!r} twice: delete one row",
        expected=say("a material once in a group"),
    )


def _must_stand(draft: Draft, column: str, rows: Items, target: Draft, noun: str = "") -> None:
    """Note the names in a column that do not stand in the key column of another sheet."""
    if target.broken or not len(rows):
        return
    key = target_column(target.sheet)
    noun = shown_word("scope", noun) if noun else target.sheet[key].shown
    good, quiet = target.names(key), _is_doubtful(target, key)
    known = {*good.names, None}
    for row, value in by_row(rows, column):
        if value in known:
            continue
        suggestion = good.nearest(value)
        if quiet and not suggestion:
            draft.spoil(row, column)
            continue
        cure = say("correct the name, or add it there")
        if is_totals(value):
            cure = say("delete the row if it holds totals, or correct the name")
        elif is_dash(value):
            cure = say("a dash is a name here: ") + (
                say("write one") if draft.sheet[column].required else say("leave the cell blank")
            )
        sheet = target.sheet.shown
        draft.error(
            row,
            column,
            "there is no {noun} {value!r} in {target}{remark}: {cure}",
            noun=noun,
            value=shorten(value),
            target=sheet,
            remark=remark(value, suggestion),
            cure=cure,
            expected=say("a {noun} from the sheet {target}", noun=noun, target=sheet),
            suggestion=suggestion,
        )


def _is_doubtful(draft: Draft, column: str) -> bool:
    """Whether some names of a sheet could not be read."""
    return column in draft.faulty and bool(pd.isna(draft.unread(column)[column]).any())


def target_column(sheet: Sheet) -> str:
    """The column of a sheet that references to it name."""
    special = {"Recipes": "technology", "Properties": "property"}
    return special.get(sheet.name) or sheet.key[0]


def check_references(drafts: Drafts) -> None:
    """Every name that refers to another sheet must stand there."""
    check_recipe_references(drafts)
    _check_modes(drafts)
    _check_limit_keys(drafts)
    _check_partners(drafts)


def check_recipe_references(drafts: Drafts) -> None:
    """Names in columns that refer to another sheet; recipes, and the keys of emission factors."""
    for draft in drafts.values():
        for column in draft.sheet.columns:
            if column.reference and column.kind == "name":
                rows = draft.sound(column.name)
                _must_stand(draft, column.name, rows, drafts[column.reference])
    _check_recipes(drafts)
    _check_emission_keys(drafts)


def _check_modes(drafts: Drafts) -> None:
    if drafts["Modes"].broken:
        return
    good = drafts["Modes"].names("mode")
    known = set(good.names)
    for row, text in by_row(drafts["Materials"].sound("modes"), "modes"):
        named = split_names(text)
        if NO_MODE in named and NO_MODE not in known:
            if len(named) > 1:
                drafts["Materials"].error(
                    row,
                    "modes",
                    "{no_mode} stands beside other modes: write {no_mode} alone, or leave it out",
                    no_mode=shown_word("modes", NO_MODE),
                    expected=_modes_expected(),
                )
            continue
        for name in named:
            if name not in known:
                suggestion = good.nearest(name)
                drafts["Materials"].error(
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
    recipes = drafts["Recipes"]
    if recipes.broken:
        return
    doubtful = set(recipes.unread("recipe")["technology"].tolist())
    doubtful_groups = {tuple(owner) for _, *owner in by_row(recipes.unread("group"), *_RECIPE)}
    known: dict[str, set[str]] = {}
    groups: dict[tuple[str, str], set[str]] = {}
    for _, technology, recipe, group in by_row(recipes.rows, *_RECIPE, "group"):
        known.setdefault(technology, set()).add(recipe)
        if group is not None:
            groups.setdefault((technology, recipe), set()).add(group)
    telling = [sheet for sheet in ("RecipeCosts", "Balance", "BlendLimits") if sheet in drafts]
    for sheet in telling:
        for row, technology, recipe in by_row(drafts[sheet].sound(*_RECIPE), *_RECIPE):
            names = known.get(technology)
            if names is not None and recipe not in names and technology not in doubtful:
                where = say("technology {technology!r}", technology=shorten(technology))
                _no_such(drafts[sheet], row, "recipe", recipe, names, where)
    limits = drafts["BlendLimits"].sound(*_RECIPE, "group")
    for row, technology, recipe, group in by_row(limits, *_RECIPE, "group"):
        owner = technology, recipe
        names = groups.get(owner, set())
        if technology in doubtful or owner in doubtful_groups or group in names:
            continue
        if recipe in known.get(technology, set()):
            where = say(
                "recipe {owner!r} of technology {owner_2!r}",
                owner=shorten(recipe),
                owner_2=shorten(technology),
            )
            _no_such(drafts["BlendLimits"], row, "group", group, names, where)


_RECIPE = ("technology", "recipe")


def _no_such(  # noqa: PLR0913, PLR0917
    draft: Draft, row: int, name: str, value: str, good: Iterable[str], where: str
) -> None:
    """Note a name that its owner lacks, in the column `name`."""
    names, column = sorted(good), draft.sheet[name].shown
    suggestion = Names(names).nearest(value)
    choice = (
        say("one of {list}", list=", ".join(names[:10]))
        if names
        else say("a {column} that stands in Recipes", column=column)
    )
    draft.error(
        row,
        name,
        "the {where} has no {column} {value!r} in Recipes{remark}: correct the name, "
        "or add its rows there",
        where=where,
        column=column,
        value=shorten(value),
        remark=remark(value, suggestion),
        expected=choice,
        suggestion=suggestion,
    )


def _check_emission_keys(drafts: Drafts) -> None:
    """A factor's key is a technology or recipe, a mode, or a material, by its kind."""
    rows = drafts["EmissionFactors"].sound("kind", "key")
    rows = rows.take(pd.notna(rows["key"]))
    of_recipe = rows["kind"] == "recipe"
    modes = rows["kind"] == "transport"
    for chosen, target in ((modes, "Modes"), (~of_recipe & ~modes, "Materials")):
        if target in drafts:  # a library knows no modes
            _must_stand(drafts["EmissionFactors"], "key", rows.take(chosen), drafts[target])
    if drafts["Recipes"].broken:
        return
    pairs = {f"{t}/{r}" for _, t, r in by_row(drafts["Recipes"].rows, *_RECIPE)}
    technologies = drafts["Recipes"].names("technology")
    with_recipe = Names(sorted(pairs))
    known = {*technologies.names, *pairs}
    for row, key in by_row(rows.take(of_recipe), "key"):
        if key not in known:
            suggestion = (with_recipe if "/" in key else technologies).nearest(key)
            drafts["EmissionFactors"].error(
                row,
                "key",
                "there is no technology or recipe {key!r} in Recipes{remark}: correct the "
                "name, or leave it blank for all",
                key=shorten(key),
                remark=remark(key, suggestion),
                expected=say("technology or technology/recipe"),
                suggestion=suggestion,
            )


def _check_limit_keys(drafts: Drafts) -> None:
    """A limit's key is of the kind that its scope says; blank for the cluster alone."""
    rows = drafts["EmissionLimits"].sound("scope", "key")
    of_cluster, blank = rows["scope"] == "cluster", pd.isna(rows["key"])
    drafts["EmissionLimits"].error(
        rows.take(of_cluster & ~blank),
        "key",
        "a limit of scope cluster has no key, but {key!r} stands here: clear the "
        "cell, or name another scope",
        expected=say("a blank cell"),
    )
    for row, word in by_row(rows.take(~of_cluster & blank), "scope"):
        scope = shown_word("scope", word)
        drafts["EmissionLimits"].error(
            row,
            "key",
            "a limit of scope {scope} needs a key: name the {scope}",
            scope=scope,
            expected=say("the name of a {scope}", scope=scope),
        )
    rows = drafts["EmissionLimits"].sound("scope", "key")
    for scope, target in (("member", "Members"), ("site", "Sites"), ("unit", "Units")):
        of_scope = rows.take(rows["scope"] == scope)
        _must_stand(drafts["EmissionLimits"], "key", of_scope, drafts[target], noun=scope)
    if drafts["Sites"].broken:
        return
    regions = drafts["Sites"].names("region")
    of_region = (rows["scope"] == "region") & ~among(rows["key"], {None, *regions.names})
    for row, key in by_row(rows.take(of_region), "key"):
        suggestion = regions.nearest(key)
        drafts["EmissionLimits"].error(
            row,
            "key",
            "no site is in the region {key!r}{remark}: correct the name, or fill in the "
            "column region of Sites",
            key=shorten(key),
            remark=remark(key, suggestion),
            expected=say("a region from the column region of Sites"),
            suggestion=suggestion,
        )


def _check_partners(drafts: Drafts) -> None:
    """A partner is a unit, or two sites as from>to."""
    rows = drafts["SynergyPartners"].sound("kind", "partner")
    units = rows.take(rows["kind"] == "unit")
    _must_stand(drafts["SynergyPartners"], "partner", units, drafts["Units"])
    if drafts["Sites"].broken:
        return
    sites = drafts["Sites"].names("site")
    known = set(sites.names)
    for row, text in by_row(rows.take(rows["kind"] == "flow"), "partner"):
        ends, suggestion = text.split(">"), ""
        wrong = [end for end in ends if end not in known]
        if len(ends) != 2 or not all(ends):
            message = say(
                "{text!r} is not a flow: write the two sites as from>to", text=shorten(text)
            )
            expected = say("from>to")
        elif wrong:
            near = [sites.nearest(end) or end if end in wrong else end for end in ends]
            if near == ends and _is_doubtful(drafts["Sites"], "site"):
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
        drafts["SynergyPartners"].error(
            row, "partner", message, expected=expected, suggestion=suggestion
        )
