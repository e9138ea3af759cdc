from __future__ import annotations

import itertools
import threading

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from dropnorm.reporting import style

# How lin. RGB is seen without one kind of cones (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN_BY = {
    "all cones": np.eye(3),
    "no long": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no medium": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
PAGES = {"light": (style.LIGHT, "#FFFFFF"), "dark": (style.DARK, "#161616")}


def linear(colour):
    channels = np.array(mpl.colors.to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", SEEN_BY)
@pytest.mark.parametrize("page", PAGES)
def test_networks_are_told_apart_by_every_eye(page, eye):
    palette, _ = PAGES[page]
    seen = [
        lab(SEEN_BY[eye] @ linear(colour))
        for colour in (*palette.variants.values(), *palette.further)
    ]

    # Ten times what is just noticeable side by side.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 18


@pytest.mark.parametrize("page", PAGES)
def test_names_written_in_the_colours_have_the_contrast_that_text_needs(page):
    palette, background = PAGES[page]
    for colour in (*palette.variants.values(), *palette.further, palette.text, palette.quiet):
        dark, light = sorted(XYZ[1] @ linear(one) for one in (colour, background))

        assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_settings_are_put_back_whichever_of_two_threads_ends_first():
    before = dict(mpl.rcParams)
    drawing, ended = threading.Event(), threading.Event()
    found = []

    def first():
        with style.drawn():
            drawing.set()
            ended.wait(0.2)
            found.append(mpl.rcParams["font.size"])

    def second():
        drawing.wait()
        with style.drawn(dark=True):
            found.append(mpl.rcParams["text.color"])
        ended.set()

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [14, style.DARK.text]
    assert dict(mpl.rcParams) == before


def test_the_style_is_there_for_plots_of_ones_own():
    with plt.style.context("dropnorm.plots"):
        colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]

    assert colours == list(style.LIGHT.variants.values())


@pytest.fixture
def only_matplotlibs_font(monkeypatch):
    """As on a machine without any other font."""
    fonts = [one for one in style.fontManager.ttflist if one.name == "DejaVu Sans"]
    monkeypatch.setattr(style.fontManager, "ttflist", fonts)
    for remembered in (style._installed, style._letters):
        remembered.cache_clear()
    yield
    for remembered in (style._installed, style._letters):
        remembered.cache_clear()


def test_characters_that_no_font_has_are_named_once_each(only_matplotlibs_font):
    assert style.not_shown(["日本 und 日", "MPa·µm² Ω ≤ ü\u200d"]) == "日本"
    assert style.not_shown([chr(0x4E00 + one) for one in range(100)]).endswith("…")
    assert len(style.not_shown([chr(0x4E00 + one) for one in range(100)])) == 61


def test_fonts_that_are_not_here_are_not_asked_for(only_matplotlibs_font, caplog):
    with style.drawn():
        assert mpl.rcParams["font.family"] == ["DejaVu Sans"]
    style.not_shown(["日"])

    assert not caplog.records


def test_other_fonts_come_after_matplotlibs_own():
    assert style._installed()[0] == "DejaVu Sans"


@pytest.mark.parametrize("own", [{"text.usetex": True}, {"axes.formatter.use_mathtext": True}])
def test_the_users_own_settings_make_no_mathematics_of_titles(own):
    with mpl.rc_context(own), style.drawn():
        assert not mpl.rcParams[next(iter(own))]
        assert not mpl.rcParams["text.parse_math"]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([600_000.0, 1_500_000.0], {"0.6 M", "1 M", "1.4 M"}),
        ([-2e9, 0.0], {"-2,000 M", "0"}),
        ([2e13, 8e13], {"2e+13", "8e+13"}),
        ([1e-6, 5e-6], {"1e-06", "5e-06"}),
        ([-1e300, 1e300], {"-1e+300", "0", "1e+300"}),
        ([1e5 + 0.001, 1e5 + 0.002], {"100,000.001", "100,000.002"}),
    ],
)
def test_numbers_at_an_axis_are_written_in_full_or_in_millions(values, written):
    with style.drawn():
        figure = Figure()
        axes = figure.subplots()
        axes.plot(values, [0.0, 1.0])
        style.to_png(figure)

    shown = {label.get_text().replace("\N{MINUS SIGN}", "-") for label in axes.get_xticklabels()}
    assert written <= shown, shown
    assert axes.xaxis.get_offset_text().get_text() == ""
