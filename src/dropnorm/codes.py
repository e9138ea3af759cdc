"""The checks that find what no option is wrong for, and that a result must not rest on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """What one check looks for.

    Attributes:
        code: ``DN001`` and so on; never used again for another check.
        title: What was found, in a few words.
        how: How it is found.
        why: Why it matters.
        remedy: What to do.
    """

    code: str
    title: str
    how: str
    why: str
    remedy: str


_ALL = (
    Code(
        "DN001",
        "copies of training rows in a held part",
        "A row of the validation or test part whose inputs and target all equal those of a row of"
        " the training part of the same split.",
        "A network that remembers its training rows is right on them: errors come out too small,"
        " and a layer that keeps it from remembering looks worse than it is.",
        "Write identical_rows: true in a random split, or take the copies out of the table.",
    ),
    Code(
        "DN002",
        "inputs of training rows in a held part",
        "A row of the validation or test part whose inputs all equal those of a row of the training"
        " part of the same split, with another target.",
        "The network has seen these very inputs; and as targets differ, no prediction from these"
        " inputs can be right for both.",
        "Write identical_rows: true in a random split, or add a column that tells them apart.",
    ),
    Code(
        "DN003",
        "an input that is nearly unique",
        "A column of categories with fewer than two rows to a value, or of whole numbers that are"
        " distinct in 95 % of the rows or more.",
        "Such a column names rows rather than describing them: a network can learn the training"
        " rows by it, and it says nothing about a new one.",
        "Leave the column out of the study, unless it is a measured quantity.",
    ),
    Code(
        "DN004",
        "an input that alone predicts the target",
        "A decision tree fitted to this column alone on the training rows has an R² of 0.98 or more"
        " on the validation rows.",
        "It is often the target in other words, or something known only after it: all variants will"
        " look good, and none will be of use.",
        "Leave the column out, unless it will be known when a prediction is made.",
    ),
    Code(
        "DN005",
        "the same entity in the training part and a held part",
        "Of a random split: a column that is no input and looks like an id (by its name, or text"
        " with many values) has values on both sides.",
        "The network can recognise the entity by its inputs; errors on new entities will be"
        " larger than those told.",
        "Write the column in keep_together of the split, or split by groups of it.",
    ),
    Code(
        "DN006",
        "few rows or groups in a part",
        "A part has fewer than 30 rows or, where whole groups are drawn, fewer than 5 groups.",
        "A score on so few is mostly chance: another draw would give another answer.",
        "Change the fractions of the split, or take more splits (replicas.splits) and read their"
        " spread.",
    ),
)
# In the order in which they are told.
CODES = {one.code: one for one in _ALL}
