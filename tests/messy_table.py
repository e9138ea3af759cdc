"""Writes a made-up, messy table: ``python tests/messy_table.py bikes.csv``.

A semicolon between columns, decimal commas, Windows' encoding, dates, ids, free text, missing
values in two spellings, a category that is rare, rows that stand there twice.
"""

import sys

import numpy as np
import pandas as pd


def bikes(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return made-up second-hand bicycles, each with its price in euros."""
    chance = np.random.default_rng(seed)
    kind = chance.choice(
        ["Stadtrad", "Rennrad", "E-Bike", "Lastenrad"], rows, p=[0.5, 0.3, 0.195, 0.005]
    )
    age = chance.gamma(2, 2, rows).round(1)
    weight = chance.normal(14, 2, rows).round(1)
    new = pd.Series(kind).map({"Stadtrad": 600, "Rennrad": 1400, "E-Bike": 2600, "Lastenrad": 4000})
    price = new * np.exp(-0.15 * age) * chance.lognormal(0, 0.15, rows)
    table = pd.DataFrame({
        "Anzeige_id": chance.permutation(np.arange(70_000, 70_000 + rows)),
        "Händler_id": chance.integers(1, 60, rows),
        "Eingestellt am": pd.date_range("2024-01-01", periods=rows, freq="7h").strftime("%d.%m.%Y"),
        "Art": kind,
        "Größe": chance.choice(["S", "M", "L"], rows),
        "Alter (Jahre)": age,
        "Gewicht, kg": weight,
        "Kilometer": (age * chance.gamma(1, 900, rows)).round(),
        "Licht": chance.choice(["ja", "nein"], rows),
        "Text": [f"Nur noch {n} km im Jahr gefahren" for n in chance.integers(1, 9999, rows)],
        "Währung": "EUR",
        "Preis": price.round(2),
    })  # fmt: skip
    table["Kilometer"] = table["Kilometer"].mask(chance.random(rows) < 0.12)
    table["Größe"] = table["Größe"].mask(chance.random(rows) < 0.05)
    table["Preis"] = table["Preis"].mask(chance.random(rows) < 0.01)
    weights = table["Gewicht, kg"].map("{:.1f}".format).str.replace(".", ",")
    table["Gewicht, kg"] = weights.mask(chance.random(rows) < 0.03, "?")
    return pd.concat([table, table.sample(10, random_state=seed)], ignore_index=True)


if __name__ == "__main__":
    bikes().to_csv(sys.argv[1], sep=";", decimal=",", index=False, encoding="cp1252")
