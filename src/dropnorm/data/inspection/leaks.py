"""Find formulas that give the target from a few inputs, such as a sum, a product or a unit."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dropnorm.data.splits import TRAIN, VALIDATION
from dropnorm.errors import shorten
from dropnorm.findings import CODES, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy.typing as npt
    import pandas as pd

    from dropnorm.study.schema import Study

    Floats = npt.NDArray[np.float64]

# A formula is nearly exact if it leaves less than these shares of the variance and of the typical
# distance to the median. (In a skewed target, one row can make up most of the variance.) A law of
# nature measured within 1 % is nearly exact, too. Among 93 columns of eight real tables (red wine,
# Spotify, concrete, five of scikit-learn), the other columns give two: the mean radius and the mean
# perimeter of the same cells.
_LEFT = 0.001
_LEFT_OF_TYPICAL = 0.05
# Share of the variance that rounding leaves.
_ROUNDING = 1e-6
_ENOUGH_ROWS = 20
# Limits of the search: rows, values, terms of a formula.
_ROWS = 5_000
_VALUES = 2_000_000
_MOST_TERMS = 64
# A term with a smaller effect is left out if the formula stays nearly exact.
_ADDS_LITTLE = 0.02
# Terms that leave more of the variance in the training rows are not tried.
_WORTH_A_TRY = 0.01
_WORTH_A_TRY_WITH_GAPS = 0.7
_MOST_CATEGORIES = 20
# Powers of a product are multiples of 0.5 up to this, within this tolerance.
_LARGEST_POWER = 3
_POWER_WITHIN = 0.02
# The most terms and columns that a message names.
_WRITTEN = 5


@dataclass(frozen=True)
class Formula:
    """A nearly exact formula for the target.

    Attributes:
        columns: Inputs of the formula.
        text: The formula, with weights to four digits.
        r2: R² on the validation rows with values in these columns, at least 0.999.
    """

    columns: tuple[str, ...]
    text: str
    r2: float


@dataclass(frozen=True)
class _Rows:
    """Values of the candidate terms, shape (rows, terms), and targets, shape (rows,)."""

    x: Floats
    y: Floats

    def of(self, terms: Sequence[int]) -> _Rows:
        """Return some terms, with the rows that have values in all of them."""
        x = self.x[:, terms]
        complete = ~np.isnan(x).any(axis=1)
        return _Rows(x[complete], self.y[complete])


@dataclass(frozen=True)
class _Fit:
    """A weighted sum of terms; ``r2`` is nan unless the sum is nearly exact."""

    terms: tuple[int, ...]
    weights: Floats
    constant: float
    r2: float


def check_formula(
    rows: pd.DataFrame, study: Study, part: pd.Categorical[str], alone: Collection[Finding]
) -> Iterator[Finding]:
    """Find DN016, inputs that together give the target of a regression.

    Args:
        rows: Rows as :func:`dropnorm.data.validation.check_table` returns them.
        study: Study with the inputs.
        part: Part of each row in split 0.
        alone: Findings of inputs that predict the target alone; these are not repeated.
    """
    formula = find_formula(rows, study, part) if study.task == "regression" else None
    if formula is None:
        return
    columns = formula.columns
    if len(columns) == 1 and f"column '{columns[0]}'" in {finding.where for finding in alone}:
        return
    named = ", ".join(f"'{shorten(column)}'" for column in columns[:_WRITTEN])
    more = f" and {len(columns) - _WRITTEN} more" if len(columns) > _WRITTEN else ""
    yield Finding(
        CODES["DN016"],
        f"column{'s' * (len(columns) > 1)} {named}{more}",
        f"{formula.text} (R² {formula.r2:.6g} on the validation rows of split 0)",
        len(columns),
        len(study.preprocessing.columns),
    )


def find_formula(rows: pd.DataFrame, study: Study, part: pd.Categorical[str]) -> Formula | None:
    """Find a nearly exact formula: a weighted sum of inputs, or else a product of their powers.

    Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993) chooses the terms on a
    sample of the training rows. Least squares fits them, and the validation rows test the formula.
    The result is deterministic.
    """
    target = study.target.column
    terms = _terms(rows, study)
    most = max(min(_ROWS, _VALUES // max(len(terms), 1)), 10 * _ENOUGH_ROWS)
    train, held = (
        _term_values(_sampled(rows.loc[part == name], most), terms, target)
        for name in (TRAIN, VALIDATION)
    )
    if not terms or min(len(train.y), len(held.y)) < _ENOUGH_ROWS:
        return None
    if fit := _search(train, held):
        columns = tuple(dict.fromkeys(terms[term][0] for term in fit.terms))
        return Formula(columns, _written_sum(fit, terms, held.y, target), fit.r2)
    return _find_product(train, held, terms, target)


def _terms(rows: pd.DataFrame, study: Study) -> list[tuple[str, str | None]]:
    """Return the number columns, and the categories of columns with few of them."""
    few = {
        column: sorted(levels)
        for column in study.preprocessing.categories
        if len(levels := rows[column].dropna().unique()) <= _MOST_CATEGORIES
    }
    return [
        *((column, None) for column in study.preprocessing.numbers),
        *((column, level) for column, levels in few.items() for level in levels),
    ]


def _sampled(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    return rows if len(rows) <= most else rows.sample(most, random_state=0)


def _term_values(rows: pd.DataFrame, terms: list[tuple[str, str | None]], target: str) -> _Rows:
    numbers = [column for column, level in terms if level is None]
    levels = [rows[column] == level for column, level in terms if level is not None]
    x = np.column_stack([rows[numbers].to_numpy(dtype=np.float64), *levels])
    return _Rows(x, rows[target].to_numpy(dtype=np.float64))


def _search(train: _Rows, held: _Rows) -> _Fit | None:
    """Return the shortest sum that is exact up to rounding, or else nearly exact."""
    chosen = None
    for terms in _pursued(train):
        fit = _fit(train, held, terms)
        if 1 - fit.r2 <= _ROUNDING:
            chosen = fit
            break
        if chosen is None and fit.r2 > 0:
            chosen = fit
    if chosen is None:
        return None
    spreads = np.abs(chosen.weights) * train.of(chosen.terms).x.std(axis=0)
    needed = tuple(
        term
        for term, spread in zip(chosen.terms, spreads, strict=True)
        if spread >= _ADDS_LITTLE * train.y.std()
    )
    shorter = _fit(train, held, needed)
    return shorter if 1 - shorter.r2 <= max(1 - chosen.r2, _ROUNDING) else chosen


def _pursued(train: _Rows) -> Iterator[tuple[int, ...]]:
    """Yield growing sets of terms that explain nearly all of the target."""
    from sklearn.linear_model import orthogonal_mp  # noqa: PLC0415  # seconds

    y = train.y - train.y.mean()
    with warnings.catch_warnings():
        # A column may be missing in all rows, and the pursuit warns when it ends early because
        # terms depend on each other.
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.nanstd(train.x, axis=0)
        varied = np.flatnonzero(spread > 0)
        if not len(varied) or not y.any():
            return
        x = train.x[:, varied]
        x = np.nan_to_num((x - np.nanmean(x, axis=0)) / spread[varied])
        x, y = x / np.linalg.norm(x, axis=0), y / np.linalg.norm(y)
        most = min(_MOST_TERMS, len(varied), len(y) // 2)
        path = orthogonal_mp(x, y, n_nonzero_coefs=most, return_path=True)
    for weights in path.reshape(len(varied), -1).T:
        chosen = np.flatnonzero(weights)
        left = y - x[:, chosen] @ weights[chosen]
        # Missing values count as the mean here, which hides how much these terms explain.
        gaps = np.isnan(train.x[:, varied[chosen]]).any()
        if left @ left < (_WORTH_A_TRY_WITH_GAPS if gaps else _WORTH_A_TRY):
            yield tuple(varied[chosen].tolist())


def _fit(train: _Rows, held: _Rows, terms: tuple[int, ...]) -> _Fit:
    """Fit a sum of terms to the rows that have values in all of them."""
    fitted, tried = train.of(terms), held.of(terms)
    none = _Fit(terms, np.zeros(len(terms)), 0.0, np.nan)
    if not terms or len(fitted.y) < max(_ENOUGH_ROWS, 2 * len(terms)):
        return none
    center, scale = fitted.x.mean(axis=0), fitted.x.std(axis=0)
    if not scale.all():
        return none
    scaled = np.column_stack([(fitted.x - center) / scale, np.ones(len(fitted.y))])
    solved = np.linalg.lstsq(scaled, fitted.y, rcond=None)[0]
    weights = solved[:-1] / scale
    constant = float(solved[-1] - center @ weights)
    return _Fit(terms, weights, constant, _exact_r2(tried.y, tried.x @ weights + constant))


def _exact_r2(y: Floats, predicted: Floats) -> float:
    """Return R², or nan if predictions are too few or not nearly exact."""
    if len(y) < _ENOUGH_ROWS or not np.isfinite(predicted).all() or y.min() == y.max():
        return np.nan
    errors = np.abs(y - predicted)
    left = float(np.mean(errors**2) / np.var(y))
    typical = np.median(np.abs(y - np.median(y)))
    if left > _LEFT or np.median(errors) > max(_LEFT_OF_TYPICAL * typical, 1e-9 * y.std()):
        return np.nan
    return 1 - left


def _find_product(
    train: _Rows, held: _Rows, terms: list[tuple[str, str | None]], target: str
) -> Formula | None:
    """Find a sum of logarithms, whose weights are the powers of a product."""
    positive = [
        place
        for place, (_, level) in enumerate(terms)
        if level is None and not any((part.x[:, place] <= 0).any() for part in (train, held))
    ]
    if not positive or min(train.y.min(), held.y.min()) <= 0:
        return None
    logs = [_Rows(np.log(part.x[:, positive]), np.log(part.y)) for part in (train, held)]
    fit = _search(*logs)
    if fit is None:
        return None
    powers = np.round(2 * fit.weights) / 2
    usual = (np.abs(powers) <= _LARGEST_POWER) & (powers != 0)
    if not (usual & (np.abs(powers - fit.weights) <= _POWER_WITHIN)).all():
        return None
    fitted, tried = (part.of(fit.terms) for part in logs)
    constant = float(np.exp(np.median(fitted.y - fitted.x @ powers)))
    r2 = _exact_r2(np.exp(tried.y), constant * np.exp(tried.x @ powers))
    if np.isnan(r2) or len(powers) > _WRITTEN:
        return None
    columns = tuple(terms[positive[term]][0] for term in fit.terms)
    return Formula(columns, _written_product(target, columns, powers, constant, r2), r2)


def _written_sum(fit: _Fit, terms: list[tuple[str, str | None]], y: Floats, target: str) -> str:
    start = f"{_named(target)} {_sign(fit.r2)}"
    if len(fit.terms) > _WRITTEN:
        plain = all(f"{weight:.4g}" == "1" for weight in fit.weights)
        return f"{start} {'the' if plain else 'a weighted'} sum of these columns"
    parts = [
        (weight, _times(abs(weight), _named(*terms[term])))
        for weight, term in zip(fit.weights, fit.terms, strict=True)
    ]
    if abs(fit.constant) > _LEFT * y.std():
        parts.append((fit.constant, f"{abs(fit.constant):.4g}"))
    # Positive terms come first, because a leading minus is hard to read.
    parts.sort(key=lambda part: part[0] < 0)
    text = " ".join(f"{'-' if weight < 0 else '+'} {term}" for weight, term in parts)
    return f"{start} {text.removeprefix('+ ')}"


def _written_product(
    target: str, columns: Sequence[str], powers: Floats, constant: float, r2: float
) -> str:
    above, below = (
        [
            _named(column) + (f"^{abs(power):g}" if abs(power) != 1 else "")
            for column, power in zip(columns, powers, strict=True)
            if (power > 0) == is_above
        ]
        for is_above in (True, False)
    )
    if f"{constant:.4g}" != "1" or not above:
        above.insert(0, f"{constant:.4g}")
    return f"{_named(target)} {_sign(r2)} {' / '.join([' × '.join(above), *below])}"


def _times(weight: float, name: str) -> str:
    factor = f"{weight:.4g}"
    return name if factor == "1" else f"{factor} × {name}"


def _sign(r2: float) -> str:
    return "=" if 1 - r2 <= _ROUNDING else "≈"


def _named(column: str, level: str | None = None) -> str:
    """Return a name for a formula, in quotes unless it is a plain word."""
    name = shorten(column)
    name = name if re.fullmatch(r"\w+", name) else f"'{name}'"
    return name if level is None else f"[{name} is '{shorten(level)}']"
