"""Link: references in both languages, and what they resolve to."""

import unittest

from cutter_agent.phases.link import references

from .support import codes, run_to, state_of


def targets(text):
    return [target for _, target in references(text)]


class References(unittest.TestCase):
    def test_vietnamese_article(self):
        self.assertEqual(targets("theo Điều 12."), ["article:12"])

    def test_vietnamese_point_of_clause_of_article(self):
        self.assertEqual(targets("tại điểm đ khoản 2 Điều 3"), ["article:3/clause:2/point:đ"])

    def test_this_article_in_vietnamese(self):
        self.assertEqual(targets("khoản 1 Điều này"), ["./clause:1"])

    def test_article_of_another_act_is_left_out(self):
        self.assertEqual(targets("theo Điều 15 của Luật Doanh nghiệp"), [])

    def test_article_of_this_act_is_kept(self):
        self.assertEqual(targets("Điều 15 Luật này"), ["article:15"])

    def test_english_article_with_brackets(self):
        self.assertEqual(targets("under Article 2(1)(b)"), ["article:2/clause:1/point:b"])

    def test_english_clause_of_article(self):
        self.assertEqual(targets("clause 1 of Article 2"), ["article:2/clause:1"])

    def test_this_article_in_english(self):
        self.assertEqual(targets("clause 3 of this Article"), ["./clause:3"])

    def test_article_of_another_english_act_is_left_out(self):
        self.assertEqual(targets("Article 15 of the Companies Act"), [])

    def test_several_references_in_order(self):
        self.assertEqual(targets("Điều 1, Điều 2a và Điều 3"),
                         ["article:1", "article:2a", "article:3"])


class Link(unittest.TestCase):
    def linked(self, *lines):
        state = run_to("link", state_of(*lines))
        return state.drafts[-1].refs, codes(state)

    def test_target_is_found_in_whichever_chapter_it_is(self):
        refs, _ = self.linked("Chương I", "Điều 1. A", "Chương II", "Điều 2. B", "1. Theo Điều 1.")
        self.assertEqual(refs, ("chapter:1/article:1",))

    def test_this_article_is_the_one_around_the_unit(self):
        refs, _ = self.linked("Điều 1. A", "1. x", "Điều 2. B", "1. y", "2. Theo khoản 1 Điều này.")
        self.assertEqual(refs, ("article:2/clause:1",))

    def test_broken_reference_is_found_in_its_words(self):
        state = run_to("link", state_of("Điều 1. A", "1. Theo khoản 4 Điều 1."))
        self.assertEqual([(f.code, f.detail) for f in state.findings],
                         [("broken-reference", "khoản 4 Điều 1")])

    def test_this_article_outside_any_article_is_broken(self):
        self.assertEqual(self.linked("1. Theo Điều này."), ((), [("broken-reference", "clause:1")]))

    def test_same_target_twice_is_one_reference(self):
        refs, _ = self.linked("Article 1. A", "1. Article 1, and again Article 1.")
        self.assertEqual(refs, ("article:1",))
