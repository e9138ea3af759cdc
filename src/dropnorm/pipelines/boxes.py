"""What kedro-viz shows: nodes that say what they do, and boxes that fold."""

from __future__ import annotations

import inspect
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from kedro.pipeline import Node, Pipeline
from kedro.pipeline.preview_contract import TextPreview
from kedro.utils import KedroExperimentalWarning

if TYPE_CHECKING:
    from collections.abc import Callable


def described_node(
    function: Callable[..., Any],
    inputs: str | list[str] | dict[str, str],
    outputs: str | list[str],
    *,
    name: str,
    tags: str | None = None,
) -> Node:
    """Make a node whose preview is the first paragraph of its function's docstring."""
    told = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
    with warnings.catch_warnings():
        # Kedro calls previews of nodes experimental, once in each process.
        warnings.simplefilter("ignore", KedroExperimentalWarning)
        return Node(
            function,
            inputs,
            outputs,
            name=name,
            tags=tags,
            preview_fn=partial(TextPreview, content=told),
        )


def box(name: str, *parts: Node | Pipeline) -> Pipeline:
    """Put nodes into a box that folds; what they read and write keeps its names."""
    return Pipeline(parts, namespace=name, prefix_datasets_with_namespace=False)
