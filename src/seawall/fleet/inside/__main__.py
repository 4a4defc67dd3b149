"""`python .../inside KIND FD` starts here: makes this folder a package without putting it on the application's path."""

import os
import sys


def main():  # type: ignore[no-untyped-def]  # an interpreter too old for us must get as far as the message
    if sys.version_info < (3, 10):  # noqa: UP036
        sys.exit("Seawall needs Python 3.10 or newer; %s is Python %s." % (sys.executable, sys.version.split()[0]))  # noqa: UP031
    import importlib.util

    folder = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == folder:
        del sys.path[0]
    spec = importlib.util.spec_from_file_location(
        "seawall_inside", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["seawall_inside"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    importlib.import_module("seawall_inside.run").run(int(sys.argv[2]))


if __name__ == "__main__":
    main()  # type: ignore[no-untyped-call]
