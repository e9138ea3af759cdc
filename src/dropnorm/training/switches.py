"""What changes the numbers of a training beside its study, its table and the versions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dropnorm.training.backend import engine_name, keras_configuration

_ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
# Environment variables that change how numbers are computed: for every engine, and for one.
_VARIABLES = (
    "NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG", "MKL_CBWR", "OPENBLAS_CORETYPE",
    "ONEDNN_DEFAULT_FPMATH_MODE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "KERAS_NNX_ENABLED",
)  # fmt: skip
_OF_ENGINE = {
    "tensorflow": (
        _ONEDNN, "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_CUDNN_USE_AUTOTUNE",
        "TF_CUDNN_USE_FRONTEND", "TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32",
        "TF_ENABLE_CUDNN_TENSOR_OP_MATH_FP32", "TF_ENABLE_AUTO_MIXED_PRECISION",
        "TF_SET_ONEDNN_FPMATH_MODE", "TF_XLA_FLAGS", "XLA_FLAGS", "TF_NUM_INTEROP_THREADS",
        "TF_NUM_INTRAOP_THREADS", "TF_USE_CUDNN_BATCHNORM_SPATIAL_PERSISTENT",
    ),
    "jax": (
        "XLA_FLAGS", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64", "JAX_DEFAULT_DTYPE_BITS",
        "JAX_NUMPY_DTYPE_PROMOTION", "JAX_DEFAULT_PRNG_IMPL", "JAX_THREEFRY_PARTITIONABLE",
        "JAX_RANDOM_SEED_OFFSET", "JAX_DISABLE_JIT", "JAX_DISABLE_MOST_OPTIMIZATIONS",
        "JAX_PLATFORMS", "JAX_PLATFORM_NAME",
    ),
    "torch": (
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "ATEN_CPU_CAPABILITY", "KERAS_TORCH_DEVICE",
    ),
}  # fmt: skip
# Where a driver shows that there is a GPU.
_DRIVERS = ("/proc/driver/nvidia/version", "/dev/kfd", "/dev/dxg")
_HIDES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
# What lets an engine use it.
_GPU_PACKAGES = (
    "nvidia-cudnn-cu12", "nvidia-cudnn-cu13", "jax-cuda12-plugin", "jax-cuda13-plugin",
    "jax-rocm60-plugin", "tensorflow-metal", "jax-metal",
)  # fmt: skip


@dataclass(frozen=True)
class Switches:
    """What changes the numbers of a training beside its study, its table and the versions.

    Attributes:
        floatx: Type of the weights, of Keras' own configuration file.
        epsilon: Of Keras' losses, of the same file.
        device: ``cpu``, or ``gpu`` where the machine shows one and the environment does not hide
            it, with the packages that let an engine use it.
        cpu: The processor's kind and its largest instruction set that NumPy knows.
        variables: Environment variables that are set. Whether TensorFlow computes with oneDNN is
            always told: ``default`` is TensorFlow's choice, which the instruction set decides.
    """

    floatx: str
    epsilon: float
    device: str
    cpu: str
    variables: dict[str, str]

    def described(self) -> dict[str, Any]:
        """Return the switches as JSON says them."""
        return asdict(self)


def switches_of(engine: str | None = None) -> Switches:
    """Return the switches of this process and of those that it starts; imports no engine."""
    engine = engine or engine_name()
    configuration = keras_configuration()
    names = (*_VARIABLES, *_OF_ENGINE.get(engine, ()))
    variables = {name: os.environ[name] for name in names if os.environ.get(name)}
    if engine == "tensorflow":
        given = variables.get(_ONEDNN, "").lower()
        known = {"0": "off", "false": "off", "1": "on", "true": "on"}
        variables[_ONEDNN] = known.get(given, "default")
    return Switches(
        floatx=str(configuration.get("floatx", "float32")),
        epsilon=float(configuration.get("epsilon", 1e-7)),
        device=_device(),
        cpu=_cpu(),
        variables=dict(sorted(variables.items())),
    )


def _device() -> str:
    hidden = any(os.environ.get(name, "0") in ("", "-1") for name in _HIDES)
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    if hidden or not (apple or any(Path(driver).exists() for driver in _DRIVERS)):
        return "cpu"
    packages = []
    for name in _GPU_PACKAGES:
        try:
            packages.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return " ".join(["gpu", *packages])


def _cpu() -> str:
    known = np.show_config(mode="dicts")  # type: ignore[call-overload,unused-ignore]
    simd = (known or {}).get("SIMD Extensions", {})
    largest = [*simd.get("baseline", []), *simd.get("found", [])][-1:]
    return " ".join([platform.machine(), *largest])
