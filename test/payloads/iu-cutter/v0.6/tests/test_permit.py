"""Leave for LIVE: one way in, every other way refused."""

from unittest import mock

import cutter_agent
from cutter_agent.orchestrator import permit

from .support import TempDirCase


class Permit(TempDirCase):
    def setUp(self):
        super().setUp()
        self.token = self.folder / "permit"
        self.token.write_text("token-1\n")

    def refused(self, reason, **environ):
        with self.assertRaisesRegex(permit.LiveRefused, reason):
            permit.obtain(environ)

    def answered(self, answer):
        gate, questions = self.serve(answer)
        permit.obtain({"KEYTURN_PERMIT": str(self.token), "KEYTURN_GATE_SOCKET": gate})
        return questions

    def not_opened_by(self, answer, reason="did not open"):
        with self.assertRaisesRegex(permit.LiveRefused, reason):
            self.answered(answer)

    def test_gate_that_opens_lets_the_run_go(self):
        questions = self.answered(b'{"open":true}\n')
        self.assertEqual(questions, [{"permit": "token-1", "entrypoint": "live"}])

    def test_gate_is_told_which_entrypoint_asks(self):
        gate, questions = self.serve(b'{"open":true}\n')
        environ = {"KEYTURN_PERMIT": str(self.token), "KEYTURN_GATE_SOCKET": gate}
        permit.obtain(environ, permit.SERVE)
        self.assertEqual(questions, [{"permit": "token-1", "entrypoint": "serve"}])

    def test_no_permit_is_refused_with_the_flag_as_it_is(self):
        self.refused(r"__execution_enabled__ = False\) and no run permit")

    def test_flag_set_to_true_opens_nothing(self):
        with mock.patch.object(cutter_agent, "__execution_enabled__", True):
            self.refused("no run permit was given")

    def test_permit_that_is_not_there_is_refused(self):
        self.refused("cannot be read", KEYTURN_PERMIT=str(self.folder / "none"))

    def test_empty_permit_is_refused(self):
        self.token.write_text("\n")
        self.refused("empty", KEYTURN_PERMIT=str(self.token), KEYTURN_GATE_SOCKET="/nowhere")

    def test_permit_without_a_gate_is_refused(self):
        self.refused("no execution gate", KEYTURN_PERMIT=str(self.token))

    def test_gate_that_is_not_there_is_refused(self):
        self.refused("no usable answer", KEYTURN_PERMIT=str(self.token),
                     KEYTURN_GATE_SOCKET=str(self.folder / "gone"))

    def test_gate_that_says_no_is_refused(self):
        self.not_opened_by(b'{"open":false}\n')

    def test_one_is_not_true(self):
        self.not_opened_by(b'{"open":1}\n')

    def test_yes_with_something_else_is_refused(self):
        self.not_opened_by(b'{"open":true,"but":"later"}\n')

    def test_silence_is_refused(self):
        self.not_opened_by(b"", "no usable answer")

    def test_second_line_after_a_yes_is_refused(self):
        self.not_opened_by(b'{"open":true}\n{"open":false}\n', "no usable answer")
