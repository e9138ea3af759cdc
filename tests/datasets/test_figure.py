from __future__ import annotations

import base64
import io
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro_viz.models.flowchart.node_metadata import DataNodeMetadata
from kedro_viz.models.flowchart.nodes import GraphNode
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from conftest import read_study
from dropnorm.datasets import FigureDataset
from dropnorm.reporting.figures.learning_curves import draw_learning_curves
from made_results import measured, some_metrics


def a_figure(slope=1.0):
    figure = Figure(figsize=(2, 1.5), dpi=60)
    axes = figure.subplots()
    axes.plot([0, 1], [0, slope], label="loss")
    axes.set(xlabel="epoch", title="a title")
    axes.legend()
    return figure


def a_plot_of_a_run():
    """Return a figure with constrained layout, as the project draws them."""
    history = pd.DataFrame(
        {"split": 0, "start": 0, "epoch": range(1, 6), "loss": 9.0, "val_loss": [9, 7, 6, 5, 5.5]}
    )
    metrics = some_metrics(measured(min_val_loss=5.0, best_epoch=4), variant="dropout")
    no_steps = pd.DataFrame(columns=["split", "start", "step", "loss"])
    return draw_learning_curves(history, no_steps, metrics, read_study("concrete"))


@pytest.fixture
def dataset(tmp_path):
    return FigureDataset(filepath=str(tmp_path / "curves.png"))


@pytest.mark.parametrize("draw", [a_figure, a_plot_of_a_run])
def test_the_same_figure_always_gives_the_same_bytes(dataset, draw):
    figure, saved = draw(), []
    for drawn in (figure, figure, draw()):
        dataset.save(drawn)
        saved.append(dataset.load())

    assert saved[0] == saved[1] == saved[2]


def test_another_figure_gives_other_bytes(dataset):
    dataset.save(a_figure())
    before = dataset.load()

    dataset.save(a_figure(slope=2))

    assert dataset.load() != before


def test_the_loaded_bytes_are_a_png_of_the_figure(tmp_path, dataset):
    figure = a_figure()

    dataset.save(figure)

    assert dataset.load() == (tmp_path / "curves.png").read_bytes()
    with Image.open(io.BytesIO(dataset.load())) as picture:
        assert picture.format == "PNG"
        assert picture.size == (120, 90)
        drawn = np.asarray(picture)
        assert set(picture.info) == {"dpi"}  # no date, and no version of Matplotlib
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    np.testing.assert_array_equal(drawn, np.asarray(canvas.buffer_rgba()))


def test_a_versioned_figure_is_saved_and_loaded_by_a_catalog(tmp_path):
    entries = {
        "curves": {
            "type": "dropnorm.datasets.FigureDataset",
            "filepath": str(tmp_path / "curves.png"),
            "versioned": True,
        }
    }

    DataCatalog.from_config(entries, save_version="1").save("curves", a_figure())

    file = tmp_path / "curves.png" / "1" / "curves.png"
    assert DataCatalog.from_config(entries).load("curves") == file.read_bytes()
    assert sorted(path.name for path in file.parent.iterdir()) == ["curves.png", "curves.svg"]


def test_a_path_without_png_suffix_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"curves.svg: the path of a figure must end in .png"):
        FigureDataset(filepath=str(tmp_path / "curves.svg"))


@pytest.mark.parametrize("draw", [a_figure, a_plot_of_a_run])
def test_a_reproducible_self_contained_svg_is_saved_beside_the_png(tmp_path, dataset, draw):
    saved = []
    for _ in range(2):
        dataset.save(draw())
        saved.append((tmp_path / "curves.svg").read_bytes())

    assert saved[0] == saved[1]
    root = ElementTree.fromstring(saved[0])  # noqa: S314  # written here
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not root.findall(".//{*}date")
    assert b"Matplotlib" not in saved[0]
    links = [value for one in root.iter() for name, value in one.items() if name.endswith("href")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "curves.svg"]


def test_kedro_viz_shows_the_preview_as_an_image(dataset):
    dataset.save(a_figure())

    assert base64.b64decode(dataset.preview(), validate=True) == dataset.load()
    node = GraphNode.create_data_node("curves", "curves", None, set(), dataset, set())
    metadata = DataNodeMetadata(data_node=node, is_all_previews_enabled=True)
    assert metadata.preview == dataset.preview()
    assert metadata.preview_type == "ImagePreview"


def test_figures_and_settings_of_pyplot_are_unchanged(dataset):
    plt.switch_backend("agg")
    figures = [plt.figure() for _ in range(2)]
    plt.figure(figures[0].number)
    numbers, settings = plt.get_fignums(), dict(mpl.rcParams)
    try:
        dataset.save(a_figure())
        dataset.save(figures[1])

        assert plt.get_fignums() == numbers
        assert plt.gcf() is figures[0]
        assert dict(mpl.rcParams) == settings
    finally:
        for figure in figures:
            plt.close(figure)


def test_a_figure_that_cannot_be_drawn_keeps_the_earlier_file(tmp_path, dataset):
    dataset.save(a_figure())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = a_figure()
    broken.axes[0].set_title("$\\nothing$")  # fails when it is drawn

    with pytest.raises(DatasetError):
        dataset.save(broken)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
