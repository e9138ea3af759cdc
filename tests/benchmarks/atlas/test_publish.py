import json
import math
import shutil
from dataclasses import asdict, replace

import pandas as pd
import pytest
from atlas import publish
from atlas.analysis import ENDS, analyse
from atlas.collect import LAYERS
from atlas.networks import LISTS, pool_changes, pool_networks, read_networks
from atlas.publish import (
    EFFECTS,
    EXPECTATIONS,
    MEANS,
    NETWORKS,
    PAGE,
    SEARCHES,
    expectations,
    names_of,
    publish_runs,
    read_entries,
)
from atlas.searches import pool_budgets

from conftest import ROOT
from dropnorm.evaluation.answers.other_tables import expect, expect_of
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.wording import percent


def flat(told, key=""):
    """Numbers by the path to them; other values as they are."""
    items = told.items() if isinstance(told, dict) else enumerate(told)
    return {
        path: value
        for name, one in items
        for path, value in (
            flat(one, f"{key}/{name}") if isinstance(one, dict | list) else {f"{key}/{name}": one}
        ).items()
    }


@pytest.fixture(scope="module")
def effects():
    return pd.read_csv(PAGE / EFFECTS)


def test_what_studies_are_told_to_expect_follows_from_the_published_effects(effects):
    found = expectations(effects)

    assert list(json.loads(EXPECTATIONS.read_text())) == sorted(found)
    assert {task: expect(task) for task in found} == found


def test_the_published_analysis_follows_from_the_published_effects(effects):
    told, _ = analyse(effects)

    published = json.loads((PAGE / "analysis.json").read_text())
    assert flat(published) == pytest.approx(flat(json.loads(json.dumps(told))), nan_ok=True)


def test_the_table_in_the_readme_follows_from_the_published_analysis(effects):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = {"dropout": "dropout", "batchnorm": "batch normalization", "dropout_batchnorm": "both"}
    analysis = json.loads((PAGE / "analysis.json").read_text())

    for layer, name in names.items():
        pooled, verdicts = analysis[layer]["pooled"], effects[effects["layer"] == layer]["verdict"]
        mean, low, high, new_low, new_high = (
            percent(100 * math.expm1(pooled[key]))
            for key in ("mean", "low", "high", "predicted_low", "predicted_high")
        )
        helps, hurts = (
            int(verdicts.isin(some).sum())
            for some in ((Verdict.HELPS, Verdict.RESCUES), (Verdict.HURTS, Verdict.BREAKS))
        )
        assert (
            f"| {name} | {mean} ({low} to {high}) | {new_low} to {new_high} |"
            f" {f'{helps} tables' if helps else 'none'} | {hurts} tables |"
        ) in readme
        assert f"On {len(verdicts)} tables, they changed" in readme


def test_new_runs_take_the_place_of_those_of_their_tables_and_leave_the_others(
    effects, tmp_path, monkeypatch
):
    shutil.copytree(PAGE, tmp_path / "page")
    monkeypatch.setattr(publish, "PAGE", tmp_path / "page")
    monkeypatch.setattr(publish, "EXPECTATIONS", tmp_path / "expected.json")
    entries = {one.name: one for one in read_entries()}
    order = ["brand_new", *entries]
    known = order[2]
    again = effects[effects["table"] == known].assign(version="later")
    found = pd.concat([again, again.assign(table="brand_new")])
    shown = [replace(entries[known], name=name, action="Anew.") for name in (known, "brand_new")]

    publish_runs(found, shown, order)

    told = pd.read_csv(tmp_path / "page" / EFFECTS)
    assert told["table"].unique().tolist() == order
    kept = ~told["table"].isin(["brand_new", known])
    old = effects[effects["table"] != known].reset_index(drop=True)
    pd.testing.assert_frame_equal(told[kept].reset_index(drop=True), old)
    assert set(told[~kept]["version"]) == {"later"}
    written = {one.name: one.action for one in read_entries()}
    assert list(written) == order
    assert [name for name, action in written.items() if action == "Anew."] == ["brand_new", known]
    analysis = json.loads((tmp_path / "page" / "analysis.json").read_text())
    assert analysis["dropout"]["directions"]["tables"] == len(order)


def test_both_published_forms_of_the_effects_say_the_same(effects):
    other = pd.read_json(PAGE / "effects.json", orient="records", precise_float=True)

    pd.testing.assert_frame_equal(other, effects, check_dtype=False, rtol=1e-9)


def test_rescued_and_broken_trainings_count_as_help_and_harm(effects):
    some = effects.assign(verdict=Verdict.RESCUES.value)

    for layers in expectations(some).values():
        assert [one.helps == one.tables for one in layers.values()] == [True] * len(LAYERS)


def test_the_means_at_equal_budget_follow_from_the_published_searches():
    means = pool_budgets(pd.read_csv(PAGE / SEARCHES))

    pd.testing.assert_frame_equal(means, pd.read_csv(PAGE / MEANS))


def test_the_table_at_equal_budget_follows_from_the_published_means():
    page = (ROOT / "docs" / "explanation" / "atlas.md").read_text(encoding="utf-8")
    names = {
        "dropout": "dropout",
        "batchnorm": "batch normalization",
        "dropout_batchnorm": "both layers",
    }
    means = pd.read_csv(PAGE / MEANS).set_index(["layer", "budget"])

    for layer, name in names.items():
        cells = []
        for budget, unit, ends in (
            ("configured", " %", " %"),
            ("equal_budget", " %", " %"),
            ("change", " points", ""),
        ):
            mean, low, high = (
                f"{100 * means.loc[(layer, budget), key]:+.1f}".replace("-", "−")
                for key in ("mean", "low", "high")
            )
            cells.append(f"{mean}{unit} ({low} to {high}{ends})")
        assert f"| {name} | {' | '.join(cells)} |" in page


@pytest.mark.parametrize("name", LISTS)
def test_the_means_of_other_networks_follow_from_the_published_lines(name):
    lines, means, _ = names_of(name)

    pd.testing.assert_frame_equal(
        pool_networks(pd.read_csv(PAGE / lines)), pd.read_csv(PAGE / means)
    )


def test_the_changes_with_depth_follow_from_the_published_lines():
    lines, _, changes = names_of("depths")

    pd.testing.assert_frame_equal(
        pool_changes(pd.read_csv(PAGE / lines), read_networks("depths").changes),
        pd.read_csv(PAGE / changes),
    )


def test_what_is_told_of_other_options_follows_from_the_published_means():
    for one in pd.read_csv(PAGE / names_of(NETWORKS)[1]).to_dict("records"):
        told = asdict(expect_of(one["network"], one["against"]))
        assert told == {name: pytest.approx(one[name], abs=1e-6) for name in told}


def rows_of_page(header):
    page = (ROOT / "docs" / "explanation" / "atlas.md").read_text(encoding="utf-8")
    return page.partition(header)[2].split("\n\n")[0].splitlines()[2:]


def signed(share):
    told = f"{100 * share:+.1f}".replace("-", "−")
    return "0.0" if float(told[1:]) == 0 else told


@pytest.mark.parametrize(
    ("name", "header"),
    [("networks", "| network | against |"), ("depths", "| network by depth | against |")],
)
def test_the_table_of_other_networks_follows_from_the_published_means(name, header):
    means = pd.read_csv(PAGE / names_of(name)[1]).to_dict("records")

    for row, one in zip(rows_of_page(header), means, strict=True):
        mean, low, high, new_low, new_high = (signed(one[end]) for end in ENDS)
        assert row.endswith(
            f"| {one['tables']} | {mean} % ({low} to {high} %) | {new_low} % to {new_high} %"
            f" | {one['better']}, {one['worse']} |"
        )


def test_the_table_of_changes_with_depth_follows_from_the_published_ones():
    changes = pd.read_csv(PAGE / names_of("depths")[2]).to_dict("records")

    for row, one in zip(rows_of_page("| from one hidden layer to four |"), changes, strict=True):
        mean, low, high = (signed(one[end]) for end in ENDS[:3])
        assert row.endswith(f"| {one['tables']} | {mean} % ({low} to {high} %) |")
