from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.errors import BadInputError
from dropnorm.study.parsing import parse_study


def test_training_options_are_those_of_the_lesson():
    found = {
        name: (s.training.optimizer, s.training.learning_rate, s.training.loss,
               s.training.batch_size, s.training.epochs)
        for name in ("wine", "spotify", "concrete") for s in [read_study(name)]
    }  # fmt: skip

    assert found == {
        "wine": ("adam", 0.001, "mae", 256, 100),
        "spotify": ("adam", 0.001, "mae", 512, 50),
        "concrete": ("sgd", 0.01, "mae", 64, 100),
    }


MARKED = {"method": "columns", "columns": ["p"]}
FILES = {"method": "files", "train": "train_{split}.txt", "test": "test_{split}.txt", "count": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network__hidden": []}, "hidden is []; it should be a list that is not empty"),
        ({"network__hidden": [0]}, "wine.network.hidden.0 is 0; it should be "),
        ({"network__dropout__rate": "x"}, "dropout.rate is 'x'; it should be a number"),
        ({"training__epochs": None}, "wine.training.epochs is null; it should be a whole number"),
        ({"missing": None}, "wine.missing is null (known: refuse, drop, impute)"),
        ({"split__method": None}, "wine.split.method is null (known: random, grouped, time, colum"),
        ({"made_up": "maybe"}, "wine.made_up is 'maybe'; it should be true or false"),
        ({"title": 3}, "wine.title is 3; it should be a text"),
        ({"title": " \n"}, "wine.title is ''; it should be a text that is not empty"),
        ({"title": "a\x1b[31m"}, "wine.title has the character U+001B, which cannot be shown"),
        ({"target__unit": "\ud800"}, "wine.target.unit has the character U+D800, which cannot"),
        ({"title": ""}, "wine.title is ''; it should be a text that is not empty"),
        ({"split": "random"}, "wine.split is 'random'; it should be a mapping"),
        ({"training__epochs": 0}, "wine.training.epochs is 0; it should be from 1 to 1000000"),
        ({"training__epochs": True}, "wine.training.epochs is true; it should be a whole number"),
        ({"training__optimizer": "adm"}, "is 'adm'; did you mean 'adam'?"),
        ({"network__batchnorm__placement": "befor_dense"}, "did you mean 'before_dense'?"),
        ({"training__epohcs": 3}, "wine.training.epohcs: no such key; did you mean 'epochs'?"),
        ({"split__method": "gruped"}, "wine.split.method is 'gruped'; did you mean 'grouped'?"),
        ({"split__method": "grouped"}, "wine.split.by is missing"),
        ({"network__hidden": 64}, "wine.network.hidden is 64; it should be a list"),
        ({"network": 3}, "wine.network is 3; it should be a mapping"),
        ({"target__column": "pH"}, "wine uses its target 'pH' as an input as well"),
        ({"preprocessing__one_hot": ["pH"]}, "wine.preprocessing names the column 'pH' twice"),
        ({"preprocessing__log1p": ["a"]}, "the logarithm of 'a', which is not one of its numbers"),
        ({"preprocessing__log1p": ["pH", "pH"]}, "names the column 'pH' twice in 'log1p'"),
        ({"preprocessing__order": {"pH": ["1"]}}, "an order of 'pH', which is not in 'ordinal'"),
        ({"preprocessing__impute": {"numbers": "medain"}}, "numbers is 'medain'; did you mean"
         " 'median'? (known: median, mean, most_frequent, or a finite number)"),
        ({"preprocessing__impute": {"numbers": True}}, "wine.preprocessing.impute.numbers is True"),
        ({"preprocessing__impute": {"numbers": 3}}, "write 'missing: impute'"),
        ({"missing": "impute", "preprocessing__log1p": ["pH"],
          "preprocessing__impute": {"numbers": -1}}, "imputes -1, for which 'log1p' is not"),
        ({"preprocessing__rare_categories": {"min_share": 0.1, "min_count": 3}}, "keep one"),
        ({"task": "classificaton"}, "wine.task is 'classificaton'; did you mean 'classification'?"),
        ({"task": "classification"}, "has 'mae' in training.loss (known for a classification: cro"),
        ({"training__loss": "cross_entropy"}, "wine is a regression, but has 'cross_entropy' in"),
        ({"training__metrics": ["accuracy"]}, "'accuracy' in training.metrics (known for a regres"),
        ({"task": "classification", "training__loss": "cross_entropy"}, "leave out target.unit"),
        ({"target__divide_by": 2.0, "target__scale": "log1p"}, "both 'divide_by' and 'scale:"),
        ({"split__test_fraction": 0.3}, "wine.split has a train_fraction of 0.7 and a test_fraction"
         " of 0.3, which leaves nothing to validate on"),
        ({"split": {"method": "random", "identical_rows": True, "keep_together": ["pH"]}},
         "wine.split has both 'keep_together' and 'identical_rows'"),
        ({"split": {}}, "wine.split.method is missing: one of random, grouped, time, colu"),
        ({"split": {**MARKED, "values": {"tran": 0}}},
         "wine.split.values names the part 'tran'; did you mean 'train'? (known: train, valid"),
        ({"split": {**MARKED, "values": {"train": None, "test": 1}}},
         "wine.split.values has no number or text for train"),
        ({"split": {**MARKED, "values": {"train": 0, "unused": 1}}},
         "wine.split.values needs the values of train, and of validation or test"),
        ({"split": {**MARKED, "values": {"train": 0}}},
         "wine.split.values needs the values of train, and of validation or test"),
        ({"split": {**MARKED, "values": {"train": 1, "test": [0, 1.0]}}},
         "wine.split.values has a value twice; each stands for one part"),
        ({"split": {**MARKED, "validation_fraction": 0},
          "training__early_stopping": {"patience": 3, "rows": "validation"}},
         "training.early_stopping would choose the epoch by them; write rows: training"),
        ({"split": {**FILES, "validation_fraction": 0},
          "training__schedule": {"method": "reduce_on_plateau", "rows": "validation"}},
         "reduce_on_plateau would set the learning rate by them; write rows: training"),
        ({"split": {**FILES, "validation_fraction": 0},
          "compare": {"baseline": {}, "early": {"training": {
              "early_stopping": {"patience": 3, "rows": "validation"}}}}},
         "training.early_stopping would choose the epoch by them; write rows: training"),
        ({"split": {"method": "files", "train": "a", "count": 1}},
         "wine.split names only training rows; write test or validation as well"),
        ({"split": {**FILES, "test": "train_{split}.txt"}}, "names the same file for two parts"),
        ({"split": {**FILES, "test": "test.txt"}}, "has 3 splits, but 'test.txt' names one file"),
        ({"split": {**FILES, "first_row": 2}}, "wine.split.first_row is 2; it should be from 0 to"),
        ({"split": FILES, "replicas__splits": 4}, "has 4 splits, but split.count is 3; change"),
        ({"split": FILES, "replicas": {"until": "settled"}}, "number of splits by files is fixed"),
        ({"split": {"method": "columns", "columns": []}}, "wine.split.columns is []"),
        ({"split": {"method": "columns", "columns": ["p", "p"]}}, "names a column twice"),
        ({"split": {"method": "columns", "columns": ["pH"]}}, "uses its split column 'pH' as an"),
        ({"split": {"method": "time", "by": "quality"}}, "wine splits by its target 'quality'"),
        ({"split": {"method": "time", "by": "t", "seed": 1}}, "wine.split.seed: no such key"),
        ({"split": {"method": "time", "by": "t"}, "replicas__splits": 2}, "splits by time, but"),
        ({"split": {"method": "columns", "columns": ["a", "b"]}, "replicas__splits": 3},
         "wine has 3 splits, but split.columns names 2"),
        ({"silence": ["dn001"]}, "wine.silence names 'dn001'; did you mean 'DN001'? (known: "),
        ({"training__metrics": ["mae", "mae"]}, "names a metric twice"),
        ({"training__learning_rate": float("nan")}, "wine.training.learning_rate is nan"),
    ],
)  # fmt: skip
def test_mistakes_in_a_study_are_reported_with_their_key(change, message):
    with pytest.raises(BadInputError) as error:
        read_study("wine", **change)

    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_cross_entropy_is_the_default_loss_of_a_classification():
    training = {"batch_size": 1, "epochs": 1}

    study = read_study("wine", task="classification", target={"column": "quality"},
                       training=training)  # fmt: skip

    assert study.training.loss == "cross_entropy"
    assert read_study("wine", training=training).training.loss == "mae"
    assert study.class_column == "quality"
    assert "quality" in study.categories
    assert "quality" not in study.numbers


def test_titles_and_units_are_put_on_one_line():
    study = read_study("wine", title="Red\n  wine\t日本 \n", target__unit="of\u2028ten")

    assert study.title == "Red wine 日本"
    assert study.target.unit == "of ten"


def test_a_split_by_columns_runs_all_columns_by_default():
    split = {"method": "columns", "columns": ["a", "b", "c"]}

    assert read_study("wine", split=split, replicas={"starts": 2}).replicas.splits == 3
    assert read_study("wine", split=split, replicas={"splits": 2}).replicas.splits == 2


def test_a_study_uses_the_columns_it_splits_by():
    used = {
        "group": {"method": "grouped", "by": "group"},
        "when": {"method": "time", "by": "when"},
        "part": {"method": "columns", "columns": ["part"]},
        "id": {"method": "random", "keep_together": ["id"]},
    }

    for column, split in used.items():
        assert read_study("wine", split=split).columns[-1] == column


def test_a_recorded_study_is_read_again():
    study = read_study(
        "wine", missing="impute", preprocessing__impute={"numbers": 3, "indicator": True},
        split={"method": "columns", "columns": ["part"]}, silence=["DN001"],
    )  # fmt: skip

    assert parse_study("wine", study.model_dump(mode="json")) == study


def test_a_run_until_settled_uses_up_to_40_splits_by_default():
    usual = read_study("concrete", replicas={"until": "settled"}, replicas__splits=None).replicas
    fewer = read_study(
        "concrete", replicas={"until": "settled", "at_most": 20}, replicas__splits=None
    ).replicas

    assert (usual.splits, usual.at_most) == (40, 40)
    assert (fewer.splits, fewer.at_most) == (20, 20)
    assert "until" not in read_study("concrete").replicas.model_dump()


@pytest.mark.parametrize(
    ("study", "changes", "told"),
    [
        ("concrete", {"replicas__at_most": 20}, "at_most without until"),
        ("concrete", {"replicas__until": "done"}, "replicas.until is 'done'"),
        ("concrete", {"replicas": {"until": "settled", "at_most": 4}}, "from 5 to 1000"),
        ("concrete", {"replicas": {"until": "settled", "at_most": 10, "splits": 20},
                      "replicas__splits": 20}, "has 20 splits, but until settled it needs one of"),
        ("concrete", {"replicas": {"until": "settled"}, "replicas__splits": None,
                      "split": {"method": "time", "by": "Day"}}, "splits by time is"),
        ("concrete", {"replicas": {"until": "settled"}, "replicas__splits": None,
                      "split": {"method": "columns", "columns": ["a", "b"]}},
         "splits by columns is"),
    ],
)  # fmt: skip
def test_invalid_options_of_a_run_until_settled_are_refused(study, changes, told):
    with pytest.raises(BadInputError, match=told):
        read_study(study, **changes)
