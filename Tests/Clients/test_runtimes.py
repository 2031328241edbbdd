"""A client is skipped where its runtime is missing or incomplete, and fails where the project is at fault."""

import os
import tempfile
import threading
import unittest
from unittest import mock

import test_clients
from runtimes import EXAMPLES, Failed, Runtime, first_meaningful_line, run
from test_clients import Client, Context, Web, WebServer


def failing(message, output=None):
    """An attempt or a probe that fails."""

    def fail(*arguments):
        raise Failed(message, output)

    return fail


def passing(*arguments):
    return "1.0"


class OutcomeTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.context = Context("http://127.0.0.1:1", self.folder, "none")

    def outcome(self, attempt, probe, probing=False, **more):
        return Client("a client", Runtime(probe, debian=["some-package"], **more), attempt).outcome(self.context, probing)

    def test_a_missing_command_is_skipped(self):
        outcome, detail = self.outcome(failing("not tried"), failing("not probed"), commands=["no-such-command"])
        self.assertEqual((outcome, detail), ("skipped", "no-such-command is not installed; scripts/setup_clients.sh installs some-package"))

    def test_an_incomplete_runtime_is_skipped_with_the_line_that_says_why(self):
        outcome, detail = self.outcome(failing("it failed"), failing("it failed", "warning: old\nx.cs(1,7): error CS0006: no 'Extensions'\nhint"))
        self.assertEqual(outcome, "skipped")
        self.assertIn("incomplete: x.cs(1,7): error CS0006: no 'Extensions'; scripts/setup_clients.sh installs some-package", detail)

    def test_a_fault_of_the_client_is_a_failure(self):
        self.assertEqual(self.outcome(failing("a syntax error"), passing), ("failed", "a syntax error"))

    def test_an_unexpected_error_is_a_failure_of_that_client_only(self):
        self.assertEqual(self.outcome(lambda context: {}["predictions"], passing), ("failed", "KeyError: 'predictions'"))

    def test_a_client_that_passes_needs_no_probe(self):
        self.assertEqual(self.outcome(passing, failing("broken")), ("passed", "1.0"))

    def test_where_all_are_required_probes_must_pass_too(self):
        outcome, detail = self.outcome(passing, failing("broken probe"), probing=True)
        self.assertEqual(outcome, "failed")
        self.assertIn("broken probe", detail)

    def test_a_program_that_cannot_be_started_is_a_failure(self):
        script = os.path.join(self.folder, "compiler")
        with open(script, "w") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        with self.assertRaisesRegex(Failed, "cannot be started"):
            run([script])


@unittest.skipUnless(Runtime(None, ["bash", "base64", "curl"]).absent() is None, "needs bash, base64 and curl")
class ProbeTests(unittest.TestCase):
    """The example for curl, with faults on either side."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        web = WebServer(("127.0.0.1", 0), Web)
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.context = Context(f"http://127.0.0.1:{web.server_port}", self.folder, "none")
        self.context.server, self.context.expected = "http://127.0.0.1:1", []
        # These tests must not ask a proxy either.
        self.enter(mock.patch.dict(os.environ, {"no_proxy": "127.0.0.1"}))

    def enter(self, manager):
        manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)

    def outcome(self):
        client = next(client for client in test_clients.clients() if client.name == "curl")
        return client.outcome(self.context, probing=False)

    def test_a_syntax_error_in_the_example_is_a_failure(self):
        examples = os.path.join(self.folder, "examples")
        os.makedirs(os.path.join(examples, "curl"))
        with open(os.path.join(EXAMPLES, "curl/segment.sh")) as file, open(os.path.join(examples, "curl/segment.sh"), "w") as broken:
            broken.write(file.read() + "\n((\n")
        with mock.patch.object(test_clients, "EXAMPLES", examples):
            outcome, detail = self.outcome()
        self.assertEqual(outcome, "failed")
        self.assertIn("segment.sh", detail)

    def test_a_server_that_does_not_answer_is_a_failure(self):
        outcome, detail = self.outcome()
        self.assertEqual(outcome, "failed")
        self.assertIn("connect", detail)

    def test_a_command_that_does_not_load_its_library_is_skipped(self):
        tool = os.path.join(self.folder, "curl")
        with open(tool, "w") as file:
            file.write("#!/bin/sh\necho 'curl: error while loading shared libraries: libcurl.so.4: cannot open' >&2\nexit 127\n")
        os.chmod(tool, 0o755)
        if not os.access(tool, os.X_OK):
            self.skipTest("programs in temporary folders may not run here")
        self.enter(mock.patch.dict(os.environ, {"PATH": self.folder + os.pathsep + os.environ["PATH"]}))
        outcome, detail = self.outcome()
        self.assertEqual(outcome, "skipped")
        self.assertIn("incomplete: curl: error while loading shared libraries: libcurl.so.4", detail)


class LineTests(unittest.TestCase):
    def test_the_line_that_names_what_is_wrong_is_found(self):
        for text, line in [
            ("Traceback (most recent call last):\n  File \"x\", line 1\nModuleNotFoundError: No module named 'a'", "ModuleNotFoundError: No module named 'a'"),
            ("node:internal/loader:1\n  throw err;\n  ^\n\nError: Cannot find module 'axios'", "Error: Cannot find module 'axios'"),
            ("Exception in thread main\nCaused by: a\nCaused by: ClassNotFoundException: b\n\t... 8 more", "Caused by: ClassNotFoundException: b"),
            ("x.c:1: warning: no such thing\nx.c:2: fatal error: y.h: No such file", "x.c:2: fatal error: y.h: No such file"),
            ("  it says this\nand that", "it says this"),
            ("", "it printed nothing"),
        ]:
            self.assertEqual(first_meaningful_line(text), line)
        self.assertEqual(len(first_meaningful_line("error " * 100)), 160)


if __name__ == "__main__":
    unittest.main()
