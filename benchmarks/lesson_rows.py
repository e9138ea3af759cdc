"""The lesson's tables, split and prepared as the lesson does it; with nothing of this project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    import numpy as np

TABLES = Path(__file__).parents[1] / "data" / "01_raw"
# study: hidden units, dropout's rate, optimizer, batch size, epochs
STUDIES = {
    "concrete": ([512, 512, 512], 0.3, "sgd", 64, 100),
    "wine": ([1024, 1024, 1024], 0.3, "adam", 256, 100),
    "spotify": ([128, 64], 0.3, "adam", 512, 50),
}
NUMBERS = [
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness",
    "instrumentalness", "liveness", "valence", "tempo", "duration_ms",
]  # fmt: skip


def read(study: str) -> list[np.ndarray]:
    """Return x and y of the training rows, then of the validation rows."""
    if study == "spotify":
        songs = pd.read_csv(TABLES / "spotify.csv").dropna()
        shuffle = GroupShuffleSplit(train_size=0.75, n_splits=1, random_state=0)
        train, valid = next(shuffle.split(songs, groups=songs["track_artist"]))
        prepare = make_column_transformer(
            (StandardScaler(), NUMBERS), (OneHotEncoder(), ["playlist_genre"])
        )
        y = songs["track_popularity"].to_numpy() / 100
        x_train = prepare.fit_transform(songs.iloc[train])
        return [x_train, y[train], prepare.transform(songs.iloc[valid]), y[valid]]
    file, target = {
        "concrete": ("concrete.csv", "CompressiveStrength"),
        "wine": ("red-wine.csv", "quality"),
    }[study]
    table = pd.read_csv(TABLES / file)
    train = table.sample(frac=0.7, random_state=0)
    valid = table.drop(train.index)
    return [
        array
        for part in (train, valid)
        for array in (part.drop(columns=target).to_numpy(), part[target].to_numpy())
    ]
