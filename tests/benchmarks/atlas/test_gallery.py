import math

import numpy as np
import pandas as pd
import pytest
from atlas.collect import LAYERS
from atlas.gallery import ENTRIES, Entry, draw_curves, draw_strip, write_gallery
from atlas.publish import EFFECTS, ENTRY_FILE, PAGE, sentences

from browser import chromium, started
from dropnorm.evaluation.estimation.verdicts import Verdict


def a_line(share=-0.1, low=-0.2, high=0.0, verdict=Verdict.NOT_SETTLED):
    return pd.Series({"share": share, "low": low, "high": high, "verdict": verdict.value})


def an_entry(name="cars", rows=400, **others):
    given = {
        "name": name, "frame": "some/Cars", "licence": "MIT", "target": "price",
        "task": "regression", "rows": rows, "columns": 5, "groups": "", "action": "Use it.",
        "error": "mae", "errors": {"baseline": 1.0, "dropout": None}, "curves": (),
        "epochs": 20,
    }  # fmt: skip
    return Entry(**given | others)


def some_effects(*tables):
    return pd.DataFrame(
        [{"table": table, "layer": layer, **a_line()} for table in tables for layer in LAYERS]
    )


def test_no_effect_lies_in_the_middle_and_twice_the_error_at_the_end():
    strip = draw_strip("dropout", a_line(0.0, -0.5, 3.0))

    assert (strip.left, strip.point, strip.right) == (0.0, 50.0, 100.0)
    assert strip.told == "+0.0 % (−50.0 to +300.0 %)"


def test_a_layer_without_pairs_has_no_interval():
    strip = draw_strip("dropout", a_line(math.nan, math.nan, math.nan, Verdict.DIVERGED))

    assert (strip.told, strip.tone) == ("no pair of finite runs", "open")


def test_a_network_that_diverged_has_no_curve():
    good = pd.DataFrame({"epoch": [1, 2, 1, 2], "val_loss": [1.0, 0.5, 1.0, 0.7]})
    bad = good.assign(val_loss=[1.0, np.nan, 1.0, 0.7])

    (curve,) = draw_curves({"baseline": good, "dropout": bad})

    assert curve.variant == "baseline"
    assert curve.points.split()[-1] == "260,120"  # the least loss, at the last epoch


def test_names_are_text_on_the_page():
    page = write_gallery(
        [an_entry(action="Use <b>it</b>.")], some_effects("cars"), {"dropout": "a & b"}
    )

    assert "Use &lt;b&gt;it&lt;/b&gt;." in page
    assert "a &amp; b" in page
    assert "diverged" in page


@pytest.mark.skipif(chromium() is None, reason="needs Chromium")
def test_filters_leave_the_tables_that_are_asked_for(tmp_path):
    path = tmp_path / "gallery.html"
    entries = [an_entry(), an_entry("houses", 9000, frame="some/Houses")]
    path.write_text(write_gallery(entries, some_effects("cars", "houses"), {}))

    with started() as browser:
        page = browser.new_page()
        page.goto(path.as_uri())
        page.fill("#rows", "1000")
        assert page.inner_text("#count") == "1 of 2 tables"
        assert page.locator("details:visible").count() == 1
        page.fill("#text", "cars")
        assert page.inner_text("#count") == "0 of 2 tables"


def test_the_published_gallery_follows_from_the_published_data():
    effects = pd.read_csv(PAGE / EFFECTS)
    entries = ENTRIES.validate_json((PAGE / ENTRY_FILE).read_bytes())

    page = write_gallery(entries, effects, sentences(effects))

    assert page == (PAGE / "gallery.html").read_text()


def test_the_published_gallery_is_small_and_refers_to_nothing_elsewhere():
    text = (PAGE / "gallery.html").read_text()

    assert len(text) < 5_000_000
    assert "http" not in text
    assert "src=" not in text


@pytest.mark.parametrize("name", ["effects.csv", "effects.json", "analysis.json", "forest.png"])
def test_what_the_page_links_to_is_published(name):
    assert (PAGE / name).stat().st_size > 0
