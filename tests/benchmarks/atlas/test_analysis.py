import numpy as np
import pandas as pd
import pytest
from atlas.analysis import (
    BEFOREHAND,
    MODERATORS,
    analyse,
    between_variance,
    directions,
    leave_one_out,
    percent,
    pool,
    shares,
    slopes,
)
from atlas.figure import choose_ticks, draw_forest
from scipy import stats

from dropnorm.evaluation.estimation.verdicts import Verdict


def made_up(tables: int, *, mean=-0.05, between=0.1, slope=0.0, seed=0, layer="dropout"):
    """Effects of known mean, spread between tables and dependence on the training rows."""
    draw = np.random.default_rng(seed)
    errors = draw.uniform(0.01, 0.05, tables)
    lines = pd.DataFrame({name: draw.normal(size=tables) for name in MODERATORS})
    truth = mean + slope * lines["rows"] + draw.normal(0, between, tables)
    lines["log_ratio"] = draw.normal(truth, errors)
    lines["standard_error"] = errors
    lines["share"] = np.expm1(lines["log_ratio"])
    lines["low"] = np.expm1(lines["log_ratio"] - 2 * errors)
    lines["high"] = np.expm1(lines["log_ratio"] + 2 * errors)
    lines["verdict"] = np.select(
        [lines["high"] < 0, lines["low"] > 0], ["helps", "hurts"], "not settled"
    )
    lines["table"] = [f"table_{number}" for number in range(tables)]
    lines["task"] = np.where(np.arange(tables) % 2, "regression", "classification")
    lines["layer"] = layer
    return lines


def numbers(lines):
    return lines["log_ratio"].to_numpy(), lines["standard_error"].to_numpy()


def test_few_tables_that_happen_to_agree_have_no_interval_narrower_than_their_errors_allow():
    effects, errors = np.full(4, -0.05), np.full(4, 0.02)

    narrow, wide = pool(effects, errors), pool(effects, errors, least_spread=1.0)

    assert narrow.high - narrow.low == pytest.approx(0, abs=1e-9)
    assert wide.mean == narrow.mean
    assert wide.high - wide.mean == pytest.approx(stats.t.ppf(0.975, 3) * 0.02 / 2)


def test_the_mean_and_the_spread_between_many_tables_are_those_that_made_them():
    pooled = pool(*numbers(made_up(2000)))

    assert pooled.mean == pytest.approx(-0.05, abs=0.01)
    assert pooled.between == pytest.approx(0.1, abs=0.01)
    assert pooled.predicted_low == pytest.approx(-0.05 - 1.96 * 0.1, abs=0.02)
    assert pooled.predicted_high == pytest.approx(-0.05 + 1.96 * 0.1, abs=0.02)


def test_19_of_20_new_tables_lie_in_the_prediction_interval_and_19_of_20_means_in_theirs():
    inside, covered = 0, 0
    draw = np.random.default_rng(1)
    for seed in range(400):
        pooled = pool(*numbers(made_up(15, seed=seed)))
        inside += pooled.predicted_low < draw.normal(-0.05, 0.1) < pooled.predicted_high
        covered += pooled.low < -0.05 < pooled.high

    assert inside / 400 == pytest.approx(0.95, abs=0.03)
    assert covered / 400 == pytest.approx(0.95, abs=0.03)


def test_tables_of_one_true_effect_have_no_spread_between_them():
    errors = np.array([0.02, 0.03, 0.05, 0.04])

    assert between_variance(np.array([0.11, 0.10, 0.09, 0.10]), errors) == 0.0


def test_the_spread_solves_the_equation_of_paule_and_mandel():
    effects, errors = numbers(made_up(20))
    between = between_variance(effects, errors)

    weights = 1 / (errors**2 + between)
    mean = np.average(effects, weights=weights)
    assert between > 0
    assert weights @ (effects - mean) ** 2 == pytest.approx(19)


def test_a_mean_over_two_tables_is_refused():
    with pytest.raises(ValueError, match="2 tables"):
        pool(np.array([0.1, 0.2]), np.array([0.1, 0.1]))


def test_shares_count_every_verdict_and_name_those_that_no_table_has():
    lines = pd.DataFrame({"verdict": ["helps", "helps", "both fail", "not settled"]})

    told = shares(lines)

    assert (told[Verdict.HELPS], told[Verdict.BOTH_FAIL], told[Verdict.BREAKS]) == (0.5, 0.25, 0)
    assert sum(told.values()) == 1


def test_the_moderator_that_an_effect_depends_on_is_found_and_comes_first():
    found = slopes(made_up(60, slope=-0.2))

    assert found[0].moderator == "rows"
    assert found[0].low < -0.2 < found[0].high
    assert found[0].p_holm < 0.001
    assert all(slope.p_holm >= slope.p for slope in found)


def test_moderators_without_an_influence_are_called_one_in_20_times_at_most():
    called = [min(slope.p_holm for slope in slopes(made_up(40, seed=seed))) for seed in range(200)]

    assert np.mean(np.array(called) < 0.05) < 0.09


def test_a_moderator_that_is_the_same_everywhere_is_left_out():
    assert "depth" not in {slope.moderator for slope in slopes(made_up(30).assign(depth=2.0))}


def test_the_table_without_which_the_mean_changes_most_is_named():
    lines = made_up(20, between=0.01)
    lines.loc[7, "log_ratio"] = 3.0

    found = leave_one_out(lines)

    assert found.table == "table_7"
    assert found.mean == pytest.approx(pool(*numbers(lines.drop(index=7))).mean)


def test_a_direction_that_a_moderator_decides_is_told_better_than_by_the_majority():
    told = directions(made_up(80, mean=0.0, between=0.02, slope=0.2))

    assert told.by_moderators > 0.85
    assert told.by_majority < 0.65


def test_a_direction_that_nothing_decides_is_told_no_better_than_by_the_majority():
    told = [directions(made_up(40, mean=-0.1, seed=seed)) for seed in range(20)]

    assert np.mean([one.by_moderators - one.by_majority for one in told]) < 0.01


def test_a_direction_needs_every_moderator_that_is_known_beforehand():
    lines = made_up(30)
    lines.loc[0, BEFOREHAND[0]] = np.nan

    assert directions(lines).tables == 29


def test_a_ratio_is_told_in_percent_of_the_error():
    assert percent(np.log(0.5)) == pytest.approx(-50)


def test_the_analysis_counts_every_table_and_draws_a_panel_for_each_layer():
    effects = pd.concat([made_up(12), made_up(12, seed=1, layer="batchnorm")])
    diverged = effects["table"].eq("table_3") & effects["layer"].eq("batchnorm")
    effects.loc[diverged, ["log_ratio", "standard_error", "low", "high"]] = np.nan
    effects.loc[diverged, "verdict"] = "cannot be compared"

    told, pooled = analyse(effects)
    figure = draw_forest(effects[effects["log_ratio"].notna()], pooled)

    assert told["batchnorm"]["pooled"]["tables"] == 11
    assert told["batchnorm"]["shares"][Verdict.DIVERGED] == pytest.approx(1 / 12)
    assert sum(told["batchnorm"]["shares"].values()) == pytest.approx(1)
    assert [panel.get_title() for panel in figure.axes] == ["Dropout", "Batch normalization"]
    assert len(figure.axes[0].get_yticks()) == 13


def test_labels_of_an_axis_do_not_stand_on_one_another():
    wide, narrow = choose_ticks(-1.5, 1.5), choose_ticks(-0.3, 0.25)

    assert 0 in wide
    assert np.diff(np.log1p(np.array(wide) / 100)).min() > 0.09 * 3.0
    assert narrow == [-25, -10, 0, 10, 25]
