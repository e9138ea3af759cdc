"""Types of the arrays and tables that tasks take and return."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
# Inputs and targets, as columns of a table or in training units.
Rows = tuple[pd.DataFrame, pd.Series]
Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
