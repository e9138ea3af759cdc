"""Section ``network``: hidden layers, dropout and batch normalization."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from dropnorm.study.common import Section


def _one_or_each(value: object) -> str:
    return "each" if isinstance(value, list | tuple) else "one"


Rate = Annotated[float, Field(ge=0, lt=1)]


class Dropout(Section):
    """Dropout after each hidden layer (Srivastava et al. 2014, JMLR 15)."""

    rate: Annotated[
        Annotated[Rate, Tag("one")]
        | Annotated[tuple[Rate, ...], Field(strict=False, min_length=1), Tag("each")],
        Discriminator(_one_or_each),
    ] = Field(
        0.3,
        description="Share of a layer's outputs to drop: a number for all hidden layers, or a list"
        " with one for each.",
    )
    order: Literal["before_batchnorm", "after_batchnorm"] = Field(
        "before_batchnorm",
        description="Order of dropout and batch normalization after a hidden layer. It has no"
        " effect if the placement of batchnorm is before_activation or input.",
    )


Placement = Literal["before_dense", "after_hidden", "before_activation", "input"]


class BatchNorm(Section):
    """Batch normalization (Ioffe and Szegedy 2015)."""

    placement: Placement = Field(
        "after_hidden",
        description="before_dense: before each Dense layer, including the last; after_hidden: after"
        " each hidden layer; before_activation: between a hidden layer and its activation; input:"
        " only at the input.",
    )
    momentum: float = Field(
        0.99, ge=0, lt=1, description="Momentum of the moving mean and variance for inference."
    )
    epsilon: float = Field(0.001, gt=0, le=1, description="Constant that is added to the variance.")


class LayerNorm(Section):
    """Layer normalization (Ba, Kiros and Hinton 2016, arXiv:1607.06450)."""

    placement: Placement = Field(
        "after_hidden",
        description="As for batchnorm. In the same place, batch normalization comes first.",
    )
    epsilon: float = Field(0.001, gt=0, le=1, description="Constant that is added to the variance.")


class GaussianNoise(Section):
    """Noise added to activations in training (Bishop 1995, Neural Computation 7)."""

    stddev: float = Field(0.1, ge=0, le=1e6, description="Standard deviation of the noise.")
    placement: Literal["input", "after_hidden"] = Field(
        "input", description="input: only at the input; after_hidden: after each hidden layer."
    )


class BatchEnsemble(Section):
    """An ensemble in one network, whose members share the weights of the hidden layers.

    See Wen, Tran and Ba 2020, "BatchEnsemble", and Gorishniy, Kotelnikov and Babenko 2025, "TabM:
    Advancing tabular deep learning with parameter-efficient ensembling", both ICLR. Each member has
    its own factors of the inputs and outputs of each hidden layer, its own biases and its own
    output layer. The training loss is the mean of the members' losses.
    """

    members: int = Field(
        16,
        ge=1,
        le=1024,
        description="Number of members. The prediction is their mean, in training units, or the"
        " mean of their probabilities; val_loss is its loss.",
    )
    scaling: Literal["random_signs", "normal"] = Field(
        "random_signs",
        description="What each member's factors of the network's inputs begin with: -1 or 1, or"
        " normal random numbers. All other factors begin with 1.",
    )


def _is_none(value: object) -> bool:
    return value is None


class Network(Section):
    """Hidden Dense layers and linear outputs, with the two layers that the variants switch."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(strict=False)] = (
        Field(min_length=1, description="Units of each hidden layer.")
    )
    activation: Literal["relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"] = Field(
        "relu", description="Activation of each hidden layer."
    )
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
        "lecun_normal", "orthogonal",
    ] = Field("glorot_uniform", description="Weight initializer of all Dense layers.")  # fmt: skip
    dropout: Dropout = Dropout()
    batchnorm: BatchNorm = BatchNorm()
    # Left out of a record by default, so that the records of older runs do not differ.
    layernorm: LayerNorm | None = Field(
        None, exclude_if=_is_none, description="Layer normalization; left out, there is none."
    )
    gaussian_noise: GaussianNoise | None = Field(
        None, exclude_if=_is_none, description="Noise during training; left out, there is none."
    )
    max_norm: float | None = Field(
        None,
        gt=0,
        le=1e6,
        exclude_if=_is_none,
        description="Largest norm of the weights into a unit of a hidden layer (Srivastava et al."
        " 2014, section 5.1); left out, there is no limit.",
    )
    batch_ensemble: BatchEnsemble | None = Field(
        None,
        exclude_if=_is_none,
        description="Ensemble in one network; left out, there is none.",
    )

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate after each hidden layer."""
        rate = self.dropout.rate
        return rate if isinstance(rate, tuple) else (rate,) * len(self.hidden)

    @model_validator(mode="after")
    def _one_limit_for_each_member(self) -> Network:
        if self.batch_ensemble is not None and self.max_norm is not None:
            raise ValueError(
                "has 'max_norm' and 'batch_ensemble', but the members scale the weights that it"
                " limits; remove one of them"
            )
        return self

    @model_validator(mode="after")
    def _a_rate_for_each_layer(self) -> Network:
        if len(self.dropout_rates) != len(self.hidden):
            raise ValueError(
                f"has {len(self.hidden)} hidden layers, but {len(self.dropout_rates)} rates in"
                " 'dropout.rate'; write one for each, or one number for all"
            )
        return self
