"""The modules of :mod:`bench.work` for libraries that block: the same source without its awaits.

``from .blocking import oneway`` compiles ``work/oneway.py`` without them, so the clock sees no
coroutine.
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
    module.__package__ = __name__  # "from . import oneway" there finds the one without awaits
    exec(compile(tree, spec.origin, "exec"), vars(module))
    globals()[name] = module
    return module
