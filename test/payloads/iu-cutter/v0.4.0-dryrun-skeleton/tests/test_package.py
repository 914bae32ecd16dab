"""What a deployer reads from the tree as text, and the compile check."""

import contextlib
import io
import re
import tempfile
import unittest
from pathlib import Path

import cutter_agent

ROOT = Path(__file__).resolve().parent.parent
INIT = (ROOT / "cutter_agent" / "__init__.py").read_text("utf-8")


class VersionAndFlag(unittest.TestCase):
    def test_version_pattern_finds_the_version_once(self):
        self.assertEqual(re.findall(r'__version__ = "(.+)"', INIT), [cutter_agent.__version__])

    def test_flag_pattern_finds_the_flag_once(self):
        self.assertEqual(re.findall(r"__execution_enabled__ = (\w+)", INIT), ["False"])

    def test_flag_stands_alone_on_line_36(self):
        self.assertEqual(INIT.splitlines()[35], "__execution_enabled__ = False")

    def test_flag_as_imported_is_the_constant_false(self):
        self.assertIs(cutter_agent.__execution_enabled__, False)

    def test_no_module_assigns_the_flag(self):
        assigning = [
            path.name for path in (ROOT / "cutter_agent").rglob("*.py")
            if re.search(r"^\s*(\w+\.)?__execution_enabled__\s*=", path.read_text("utf-8"), re.M)
        ]
        self.assertEqual(assigning, ["__init__.py"])


def load_compile_check():
    source = ROOT / "tools" / "compile_check.py"
    scope = {"__name__": "compile_check", "__file__": str(source)}
    exec(compile(source.read_bytes(), str(source), "exec"), scope)
    return scope


class CompileCheck(unittest.TestCase):
    def setUp(self):
        self.tool = load_compile_check()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_main(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self.tool["main"](list(argv))
        return code, out.getvalue(), err.getvalue()

    def test_counts_every_module_of_the_package(self):
        modules = len(list((ROOT / "cutter_agent").rglob("*.py")))
        self.assertEqual(self.run_main(), (0, f"compiled {modules} files\n", ""))

    def test_names_the_file_that_does_not_compile(self):
        (self.folder / "good.py").write_text("x = 1\n")
        (self.folder / "bad.py").write_text("x = = 1\n")
        code, out, err = self.run_main(str(self.folder))
        self.assertEqual((code, out), (1, "compiled 1 files\n"))
        self.assertIn("bad.py", err)

    def test_an_empty_folder_is_a_failure(self):
        self.assertEqual(self.run_main(str(self.folder))[0], 1)

    def test_writes_nothing(self):
        (self.folder / "good.py").write_text("x = 1\n")
        self.run_main(str(self.folder))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["good.py"])
