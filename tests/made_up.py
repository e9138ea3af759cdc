"""Made-up tables of the shape of the real ones; run it to write those of the sample environment."""

from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parents[1] / "data" / "sample" / "01_raw"
_CONCRETE = {
    "Cement": (100, 540), "BlastFurnaceSlag": (0, 360), "FlyAsh": (0, 200), "Water": (120, 250),
    "Superplasticizer": (0, 32), "CoarseAggregate": (800, 1150), "FineAggregate": (590, 1000),
}  # fmt: skip
_WINE = {
    "fixed acidity": (4, 16), "volatile acidity": (0.1, 1.6), "citric acid": (0, 1),
    "residual sugar": (1, 15), "chlorides": (0.01, 0.6), "free sulfur dioxide": (1, 70),
    "total sulfur dioxide": (6, 290), "density": (0.99, 1.004), "pH": (2.7, 4.0),
    "sulphates": (0.3, 2.0), "alcohol": (8, 15),
}  # fmt: skip
_SONGS = {
    "danceability": (0, 1), "energy": (0, 1), "key": (0, 11), "loudness": (-40, 1), "mode": (0, 1),
    "speechiness": (0, 1), "acousticness": (0, 1), "instrumentalness": (0, 1), "liveness": (0, 1),
    "valence": (0, 1), "tempo": (60, 200), "duration_ms": (90_000, 400_000),
}  # fmt: skip
GENRES = ("edm", "latin", "pop", "r&b", "rap", "rock")


def concrete(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Concrete whose strength grows with cement and age."""
    chance = np.random.default_rng(seed)
    table = _numbers(_CONCRETE, rows, chance).round(1)
    table["Age"] = chance.choice([3, 7, 14, 28, 56, 90], rows)
    strength = 0.08 * table["Cement"] + 6 * np.log(table["Age"]) + chance.normal(0, 5, rows)
    return table.assign(CompressiveStrength=strength.clip(2, 90).round(2))


def wine(rows: int = 200, seed: int = 1) -> pd.DataFrame:
    """Wine whose quality grows with alcohol."""
    chance = np.random.default_rng(seed)
    table = _numbers(_WINE, rows, chance).round(3)
    quality = 3 + 0.4 * (table["alcohol"] - 8) + chance.normal(0, 0.7, rows)
    return table.assign(quality=quality.round().clip(3, 8).astype(int))


def spotify(rows: int = 300, seed: int = 2) -> pd.DataFrame:
    """Songs of 40 artists, each as popular as its artist; two have no name."""
    chance = np.random.default_rng(seed)
    table = _numbers(_SONGS, rows, chance).round(3)
    artist = chance.integers(0, 40, rows)
    names = pd.Series(artist).map("Artist {}".format)
    names[[5, 11]] = None
    popularity = 20 + artist + chance.normal(0, 15, rows)
    return table.assign(
        track_artist=names,
        playlist_genre=chance.choice(GENRES, rows),
        track_popularity=popularity.round().clip(0, 100).astype(int),
    )


def _numbers(
    ranges: dict[str, tuple[float, float]], rows: int, chance: np.random.Generator
) -> pd.DataFrame:
    return pd.DataFrame({name: chance.uniform(*ends, rows) for name, ends in ranges.items()})


TABLES = {"concrete.csv": concrete, "red-wine.csv": wine, "spotify.csv": spotify}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        make().to_csv(FOLDER / name, index=False, lineterminator="\n")
