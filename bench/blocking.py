"""The modules of :mod:`bench.work` for libraries that block: the same source without ``await``.

``from .blocking import oneway`` compiles ``work/oneway.py`` without ``async`` and ``await``, so the
measured time does not include the cost of coroutines.
"""

import ast
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


class TakeOutAwaits(ast.NodeTransformer):
    def visit_AsyncFunctionDef(self, node):
        self.generic_visit(node)
        fields = {name: getattr(node, name) for name in node._fields}
        return ast.copy_location(ast.FunctionDef(**fields), node)

    def visit_Await(self, node):
        self.generic_visit(node)
        return node.value


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    spec = find_spec(f"{__package__}.work.{name}")
    if spec is None:
        raise AttributeError(f"bench has no module work/{name}.py")
    tree = TakeOutAwaits().visit(ast.parse(Path(spec.origin).read_text()))
    module = ModuleType(f"{__name__}.{name}")
    # With this name, "from . import oneway" in the module imports the version without await.
    module.__package__ = __name__
    exec(compile(tree, spec.origin, "exec"), vars(module))
    globals()[name] = module
    return module
