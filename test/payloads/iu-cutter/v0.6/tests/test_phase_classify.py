"""Classify: the role of a unit."""

import unittest

from cutter_agent.phases.classify import role_of

from .support import codes, run_to, state_of


class RoleOf(unittest.TestCase):
    def test_vietnamese_obligation(self):
        self.assertEqual(role_of("Người soạn thảo phải ghi rõ số hiệu."), ("obligation", False))

    def test_vietnamese_prohibition(self):
        self.assertEqual(role_of("Nghiêm cấm sửa tài liệu."), ("prohibition", False))

    def test_not_permitted_is_a_prohibition_and_not_a_permission(self):
        self.assertEqual(role_of("Không được phép sao chép."), ("prohibition", False))

    def test_vietnamese_permission(self):
        self.assertEqual(role_of("Thành viên có quyền xem hồ sơ."), ("permission", False))

    def test_vietnamese_definition(self):
        self.assertEqual(role_of("Hồ sơ được hiểu là tập tài liệu."), ("definition", False))

    def test_english_obligation(self):
        self.assertEqual(role_of("The board shall meet."), ("obligation", False))

    def test_shall_not_is_a_prohibition(self):
        self.assertEqual(role_of("The keeper shall not destroy it."), ("prohibition", False))

    def test_may_not_is_a_prohibition(self):
        self.assertEqual(role_of("No copies; members may not lend."), ("prohibition", False))

    def test_cue_inside_a_word_is_no_cue(self):
        self.assertEqual(role_of("The mayor is mustard keen."), ("statement", False))

    def test_definition_outweighs_a_duty_within_it(self):
        self.assertEqual(role_of('"Duty" means what a keeper must do.'), ("definition", False))

    def test_duty_with_an_option_is_mixed(self):
        self.assertEqual(role_of("The keeper must report and may appoint a deputy."),
                         ("obligation", True))


class Classify(unittest.TestCase):
    def roles(self, *lines):
        return [draft.role for draft in run_to("classify", state_of(*lines)).drafts]

    def test_headings_and_tables_have_roles_of_their_own(self):
        self.assertEqual(self.roles("Article 1. Duties must be met", "| must | 1 |"),
                         ["heading", "data"])

    def test_points_carry_on_a_clause_that_ends_in_a_colon(self):
        self.assertEqual(self.roles("1. The keeper must not:", "(a) burn it;", "(b) sell it."),
                         ["prohibition"] * 3)

    def test_point_with_a_role_of_its_own_keeps_it(self):
        self.assertEqual(self.roles("1. Members must:", "(a) pay; they may pay early.")[-1],
                         "permission")

    def test_clause_without_a_colon_passes_nothing_on(self):
        self.assertEqual(self.roles("1. The keeper must file.", "(a) daily;")[-1], "statement")

    def test_mixed_role_is_found(self):
        state = run_to("classify", state_of("1. One shall ask and may insist."))
        self.assertEqual(codes(state), [("mixed-role", "clause:1")])
