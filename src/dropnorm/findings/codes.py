"""What each check looks for, why it matters and what to do, by code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters to the answer, the worst first."""

    SERIOUS = "serious"
    CAUTION = "caution"
    NOTE = "note"


@dataclass(frozen=True)
class Code:
    """What one check looks for.

    Attributes:
        code: ``DN001`` and so on; never used again for another check.
        title: What was found, in a few words.
        how: How it is found.
        why: Why it matters.
        remedy: What to do.
        severity: How much it matters; None where that depends on the share of the rows.
        sentence: How a finding is told, with ``{where}`` and ``{found}``.
    """

    code: str
    title: str
    how: str
    why: str
    remedy: str
    severity: Severity | None = Severity.CAUTION
    sentence: str = "{where}: {found}"


_ALL = (
    Code(
        "DN001",
        "copies of training rows in a held part",
        "A row of the validation or test part whose inputs and target all equal those of a row of"
        " the training part of the same split. It is not told where equal inputs are expected:"
        " where the inputs, each shuffled by itself, repeat half as often or more, or where fewer"
        " than half of the rows are distinct and equal inputs have different targets.",
        "A network that remembers its training rows is right on them: errors come out too small,"
        " and a layer that keeps it from remembering looks worse than it is.",
        "Take the copies out of the table, or write identical_rows: true if the split is random.",
        severity=None,
        sentence="{found} ({where})",
    ),
    Code(
        "DN002",
        "inputs of training rows in a held part",
        "A row of the validation or test part whose inputs all equal those of a row of the training"
        " part of the same split, with another target. As DN001, it is not told where equal inputs"
        " are expected.",
        "The network has seen these very inputs; and as targets differ, no prediction from these"
        " inputs can be right for both.",
        "Add a column that tells them apart, or write identical_rows: true if the split is random.",
        severity=None,
        sentence="{found} ({where})",
    ),
    Code(
        "DN003",
        "an input that is nearly unique",
        "A column of categories with fewer than two rows to a value; or of whole numbers that are"
        " distinct in 95 % of the rows or more, and either are called an id or a code, are called a"
        " number or district and all of one length, or fill at least two thirds of their range.",
        "Such a column names rows rather than describing them: a network can learn the training"
        " rows by it, and it says nothing about a new one.",
        "Leave the column out of the study, unless it is a measured quantity.",
        sentence="{where} has a value of its own in nearly every row: {found}",
    ),
    Code(
        "DN004",
        "an input that alone predicts the target",
        "A decision tree fitted to this column alone on the training rows has an R² of 0.98 or more"
        " on the validation rows; of classes, it makes at most 2 % of the mistakes of who names the"
        " most frequent one.",
        "It is often the target in other words, or something known only after it: all variants will"
        " look good, and none will be of use.",
        "Leave the column out, unless it will be known when a prediction is made.",
        severity=Severity.SERIOUS,
        sentence="{where} alone predicts the target: {found}",
    ),
    Code(
        "DN005",
        "the same entity in the training part and a held part",
        "Of a random split: a column that is no input and looks like an id (by its name, or text"
        " with many values) has values on both sides.",
        "The network can recognise the entity by its inputs; errors on new entities will be"
        " larger than those told.",
        "Write the column in keep_together of the split, or split by groups of it.",
        severity=None,
        sentence="{found} ({where})",
    ),
    Code(
        "DN006",
        "few rows or groups in a part",
        "A part has fewer than 30 rows or, where whole groups are drawn, fewer than 5 groups.",
        "A score on so few is mostly chance: another draw would give another answer.",
        "Change the fractions of the split, or take more splits (replicas.splits, or at_most of a"
        " run until settled) and read their spread.",
        sentence="the {where} has only {found}",
    ),
    Code(
        "DN007",
        "a training that diverged",
        "The loss of an epoch, of training or validation, was not a finite number in at least one"
        " run of the variant.",
        "A run without an error cannot be averaged with those that have one: leaving it out would"
        " flatter the variant, so that its effects get no verdict.",
        "Standardize the inputs, lower training.learning_rate, or clip gradients"
        " (training.optimizer_options.clipnorm).",
        sentence="{where} diverged in {found}",
    ),
    Code(
        "DN008",
        "a network no better than a constant",
        "In the last epoch of at least one run, or the one that early stopping chose, the"
        " validation loss was not below that of the constant with the least loss on the training"
        " rows (their median, or mean, as the loss asks; of classes, their frequencies, and then no"
        " more classes were right either than by naming the most frequent one).",
        "It has learnt nothing that carries over to other rows. A difference to it says that the"
        " training failed, not what a layer does to one that works.",
        "Look at its learning curves: train longer or with another learning rate, standardize the"
        " inputs, lower the rate of dropout. If early stopping ended it, give it more patience.",
        sentence="{where} is no better than a constant in {found}",
    ),
    Code(
        "DN009",
        "a network worse than a linear model",
        "On the same rows of the same splits its error is above that of the better of two linear"
        " models: least squares (of classes, logistic regression), and one Dense layer trained as"
        " the network is. With an interval, all of it is above zero; of one run, the difference"
        " is.",
        "Hidden layers that do not pay for themselves leave nothing for the two layers to improve:"
        " what helps here may only hold back a network that is too much for the table.",
        "Use the linear model, or a network that beats it: fewer units, weight decay, fewer"
        " epochs.",
        sentence="{where} is worse than a linear model: {found}",
    ),
    Code(
        "DN010",
        "networks not shown to beat the best reference model",
        "The 95 % interval of the network's paired error less that of the best reference model is"
        " not all below zero.",
        "A model that takes seconds to fit does as well here, as far as these runs can tell; which"
        " of the two layers the network has may not be what matters.",
        "Read the table of reference models before choosing a network; more splits narrow the"
        " interval.",
        severity=Severity.NOTE,
        sentence="not shown to beat the best reference model: {where}; {found}",
    ),
    Code(
        "DN011",
        "a gap between training and validation that keeps growing",
        "Validation loss less training loss, as means over quarters of the epochs, grows from the"
        " second quarter to the third and from the third to the last, each time by 2 % of the"
        " validation loss or more, and is above zero in the last, in most of the runs that stayed"
        " finite.",
        "The network goes on learning its training rows by heart: the last epoch is not its best,"
        " and a layer may look good only because it slows this down, as fewer epochs would.",
        "Train for fewer epochs, and compare again; or use weight decay or a smaller network.",
        severity=Severity.NOTE,
        sentence="{where} goes on to learn its training rows by heart: the gap grows in {found}",
    ),
    Code(
        "DN012",
        "too few runs to settle a difference",
        "A verdict is 'not settled', or there was one run and no verdict at all.",
        "The difference seen is within what chance does between runs: another draw may turn it"
        " round. It is no evidence that a layer does nothing, either.",
        "Take more splits (replicas.splits; starts, where the split is fixed; at_most, for a run"
        " until settled): they show smaller differences. If what is left is too small to matter,"
        " write the margin.",
        severity=Severity.NOTE,
        sentence="not settled: {where}; {found}",
    ),
    Code(
        "DN013",
        "validation rows that steer the training",
        "training.early_stopping chooses the epoch, or a plateau schedule the learning rate, and"
        " has 'rows: validation'.",
        "The rows that score a network have had a part in it: its scores are optimistic, and the"
        " more so the more its validation loss jumps.",
        "Leave 'rows: validation' out: training rows that are set aside then choose. Or set the"
        " number of epochs, or hold a test part (split.test_fraction) and read its scores in the"
        " metrics.",
        sentence="the rows that score the networks also steer their training: {found}",
    ),
    Code(
        "DN014",
        "a network too sure of its classes",
        "In the last epoch of at least one run, or the one that early stopping chose, the"
        " validation log loss was not below that of the classes' frequencies, although more classes"
        " were right than by naming the most frequent one.",
        "It tells classes apart and gives far too little probability to those it takes for"
        " another: the log loss asks for honest probabilities, and a layer that only makes the"
        " network less sure of itself looks good by it.",
        "Read the accuracy and the AUC beside the log loss; train for fewer epochs, or with weight"
        " decay, for probabilities that can be used.",
        sentence="{where} is too sure of its classes in {found}",
    ),
    Code(
        "DN015",
        "few rows of a class in a part",
        "A class has fewer than 5 rows in a part of a split.",
        "What is said of that class is mostly chance, and with no row of it AUC is not defined.",
        "Put the class together with another, or get more rows of it.",
        sentence="the {where} has {found}",
    ),
    Code(
        "DN016",
        "inputs that together give the target",
        "Of a regression: a weighted sum of inputs (numbers, and categories of columns that have up"
        " to 20), or a product of powers of numbers, is fitted to the training rows of split 0. On"
        " the validation rows its R² is 0.999 or more, and its median absolute error at most 5 % of"
        " the target's median absolute deviation.",
        "The target was computed from these columns, or one of them from it. If they are not known"
        " when a prediction is made, all variants look good, and none is of use; if they are, the"
        " formula does what the network is to learn.",
        "Leave out the columns that are not known when a prediction is made; if all are, use the"
        " formula.",
        severity=Severity.SERIOUS,
        sentence="{where} together give the target: {found}",
    ),
    Code(
        "DN017",
        "a target that is often missing",
        "A third of the table's rows or more have no target, and are left out.",
        "What is left need not be like the rest: rows whose target nobody knows often differ from"
        " those whose target is known. And a word that was read as missing, such as None, may be a"
        " class.",
        "Look at the rows that are left out; if they are of a class of their own, give it a name.",
        sentence="{found} ({where})",
    ),
    Code(
        "DN018",
        "earlier looks at the same study",
        "There are complete runs of the same study, on the same table and engine, with the same"
        " options and fewer splits or starts, or with another plan of looks (replicas.until,"
        " at_most) and no more. The looks of a run until settled itself do not count: its own"
        " levels allow for them.",
        "Who adds replicas until a verdict comes looks several times, and each look may be wrong:"
        " the intervals of a run hold with 95 % for one look, and not for all of them together.",
        "Take a verdict that comes with a later look as a hint, or let the run itself add splits:"
        " --until-settled, or replicas.until: settled in the study, holds over all its looks.",
        sentence="this is {where} at this study, {found}; its intervals do not allow for that",
    ),
    Code(
        "DN019",
        "running statistics that have not settled",
        "The share of their first values (mean 0, variance 1) that the running statistics of batch"
        " normalization keep, momentum to the power of the steps of a training, is above 1 %.",
        "Inference uses the running statistics. What is left of their first values is no property"
        " of the table, and makes the validation loss larger than the training loss for no other"
        " reason.",
        "Train for more epochs, with smaller batches, or with a lower network.batchnorm.momentum.",
        sentence="the running statistics of {where} have not settled: {found}",
    ),
    Code(
        "DN020",
        "batches too small for batch normalization",
        "A network with batch normalization is trained with fewer than 8 rows to a batch, or the"
        " last batch of an epoch, which has the rows that are left, has one row or two.",
        "The mean and the variance of so few rows are mostly chance; those of one row make all"
        " inputs of the layer zero. A last batch that small also spoils the running statistics just"
        " before the validation rows are scored.",
        "Write a training.batch_size of 16 or more that leaves a larger last batch, or leave no"
        " rows over.",
        sentence="batches are too small for {where}: {found}",
    ),
    Code(
        "DN021",
        "dropout on a network that does not overfit",
        "The baseline's validation loss after the last epoch, or the one that early stopping chose,"
        " is at most 10 % above its training loss, both in inference (mean over the runs, all of"
        " which stayed finite and are better than a constant).",
        "Dropout mends overfitting: a gap between training and validation loss. Where there is"
        " none, it can only make the network smaller or slower to train.",
        "Do not expect a gain from dropout here. If the error is too large, try a larger network,"
        " more epochs or better inputs.",
        severity=Severity.NOTE,
        sentence="dropout has nothing to mend: {where} does not overfit; {found}",
    ),
    Code(
        "DN022",
        "a validation loss below the training loss, because of dropout",
        "In most runs that stayed finite, the validation loss of the last epoch, or of the one that"
        " early stopping chose, is below the training loss of that epoch, and the training loss in"
        " inference is lower by at least half of the difference.",
        "The training loss of the history is computed with dropout at work, on the way through the"
        " epoch; the validation loss is computed in inference, behind it. The two do not compare.",
        "Nothing is wrong. Compare the validation loss with the training loss in inference, which"
        " the report has below 'Inside the networks'.",
        severity=Severity.NOTE,
        sentence="the validation loss of {where} is below its training loss, because dropout is at"
        " work in the latter: {found}",
    ),
    Code(
        "DN023",
        "a best rate at the edge of a sweep",
        "Of the rates of dropout that a sweep tried at one place, the least error belongs to the"
        " largest or, unless it is 0, the smallest, and the next rate is shown to be worse"
        " (one-sided, at a level of 5 %).",
        "The error still falls where the sweep ends: the best rate may lie beyond it.",
        "Try rates beyond the edge: kedro study sweep NAME --dropout …",
        sentence="the best rate of {where} is at the edge of what was tried: {found}",
    ),
    Code(
        "DN024",
        "intervals of MC dropout that hold too few targets",
        "Each network draws predictions of its own validation rows with dropout at work. The share"
        " of the rows whose target lies between the 2.5 % and 97.5 % quantiles of these draws is"
        " below 95 % by more than chance (binomial, one-sided, at a level of 5 %).",
        "The draws tell how unsure a network is of its mean, not how far single targets scatter"
        " around it: their interval is no interval for a new target.",
        "Do not read mc_low and mc_high as an interval for the target. lower_95 and upper_95 of"
        " kedro study predict --level 95 are one: they come from the errors of validation rows.",
        sentence="the 95 % interval of MC dropout holds too few targets: {found} ({where})",
    ),
    Code(
        "DN025",
        "predictions far from all targets",
        "A prediction of a validation or test row is below the least or above the largest target of"
        " these rows by more than the two are apart.",
        "One such row can decide a mean error, and with it an effect and its interval. It can also"
        " make a network look no better than a constant.",
        "Look at the inputs of that row: a value far outside those of the training rows does this,"
        " and so does an input that hardly varies and is divided by its deviation. Scale or clip"
        " such inputs, and compare the median of the pairs in effects.json with their mean.",
        sentence="{where} predicts values far from all targets: {found}",
    ),
    Code(
        "DN026",
        "an interval that rests on the splits alone",
        "The interval of an effect is that of Nadeau and Bengio (2003), from the differences of the"
        " splits alone: fewer than five splits have a pair, fewer than 20 rows or groups of rows"
        " are held out in all splits together, or the loss of a row is not finite.",
        "This interval is mostly wider than the one that also uses the losses of single rows, which"
        " holds only from five splits and 20 rows on. A verdict is harder to reach with it.",
        "Take five splits or more. If the rows form few groups, only more groups help.",
        severity=Severity.NOTE,
        sentence="the interval of {where} rests on the splits alone, and is mostly wider: {found}",
    ),
    Code(
        "DN027",
        "a number that may stand for a missing value",
        "An input or the target has a number of nines alone (-9, 99, -99, 999 and so on) in two"
        " rows or more, and it is further from the nearest other value than all others are from"
        " each other.",
        "Such numbers often mean that there is no value. Read as amounts, they decide means,"
        " deviations and errors.",
        "If it means a missing value, empty these cells, or write it in missing of the column's"
        " format.",
        sentence="{where} has a number that may stand for a missing value: {found}",
    ),
    Code(
        "DN028",
        "a word in two spellings",
        "Two classes, or two categories of an input, are equal but for usual upper and lower case"
        " (yes, Yes, YES), blanks, invisible characters, or another encoding of the same letters.",
        "Each spelling counts as a class or a category of its own. Networks then have to tell apart"
        " classes that are the same.",
        "Write them alike in the table, unless they differ in meaning.",
        sentence="{where} has a word in two spellings: {found}",
    ),
)
# In the order in which they are told.
CODES = {one.code: one for one in _ALL}
