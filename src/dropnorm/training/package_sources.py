"""Which source files a module of this package rests on, and their checksum."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec


def sources_checksum(module: str) -> str:
    """Return one checksum of a module's source and of all in its package that it imports.

    The imports are followed in the sources, wherever they stand; none of the modules is imported
    for it. What is imported for type annotations alone does not count.

    Args:
        module: Full name, as in ``dropnorm.training.trainer``.
    """
    digest = hashlib.sha256()
    for name, source in sorted(sources_of(module).items()):
        digest.update(f"{name}\0{len(source)}\0{source}".encode())
    return digest.hexdigest()


def sources_of(module: str) -> dict[str, str]:
    """Return the sources by module; see :func:`sources_checksum`."""
    package = module.partition(".")[0]
    sources: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in sources or name.partition(".")[0] != package:
            continue
        spec = _find(name)
        if spec is None:  # a function or a class: its module is followed already
            continue
        # Of a package without sources only its version tells.
        sources[name] = getattr(spec.loader, "get_source", lambda _: None)(name) or ""
        waiting += [spec.parent or package, name.rpartition(".")[0] or package]
        waiting += _imported(ast.parse(sources[name]), spec.parent)
    return sources


def _find(name: str) -> ModuleSpec | None:
    """Return where a module is; None of a name in a module. What Python asks imports packages."""
    holder = name.rpartition(".")[0]
    if holder:
        spec = _find(holder)
        if spec is None or spec.submodule_search_locations is None:
            return None
    return importlib.util.find_spec(name)


def _imported(tree: ast.Module, package: str | None) -> Iterator[str]:
    """Yield the names of what is imported, be it a module or something in one."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        match waiting.pop():
            case ast.If(
                test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"),
                orelse=other,
            ):
                waiting += other
            case ast.Import(names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = importlib.util.resolve_name(f"{'.' * level}{module or ''}", package)
                yield base
                yield from (f"{base}.{one.name}" for one in names)
            case ast.expr():
                pass
            case node:
                waiting += ast.iter_child_nodes(node)
