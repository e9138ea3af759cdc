"""Kedro datasets that kedro-datasets does not have."""

from dropnorm.datasets.downloaded_csv import DownloadedCSVDataset
from dropnorm.datasets.figure import FigureDataset
from dropnorm.datasets.keras_models import KerasModelsDataset
from dropnorm.datasets.result import ResultDataset
from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.datasets.skops import SkopsDataset
from dropnorm.datasets.split import SplitDataset
from dropnorm.datasets.table import TableDataset

__all__ = [
    "DownloadedCSVDataset",
    "FigureDataset",
    "KerasModelsDataset",
    "ResultDataset",
    "RunRecordDataset",
    "SkopsDataset",
    "SplitDataset",
    "TableDataset",
]
