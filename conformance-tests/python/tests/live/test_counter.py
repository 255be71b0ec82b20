"""The whole counter flow with every card of the sandbox. Each answer is verified before anyone looks at it."""

import datetime
import unittest

from live import SANDBOX, clinic, eligibility, visit

# Kind of entry: audit/README.md.
DISCLOSURE = 1
MICROSECONDS = 1_000_000


class Counter(unittest.TestCase):
    def test_p1_every_card_gives_the_expected_answer_with_its_proof(self):
        self.assertGreaterEqual(len(SANDBOX.cards), 8)
        with clinic() as terminal:
            for card in SANDBOX.cards:
                with self.subTest(card.name, scenario=card.scenario):
                    answers = visit(terminal, card)
                    self.assertIn(card.expected, {word for answer in answers for word in words(answer)})
                    for answer in answers:
                        self.check_entry(answer)

    def check_entry(self, answer):
        """The log says the same as the answer."""
        self.assertEqual((answer.proof.leaf.kind, answer.proof.leaf.purpose), (DISCLOSURE, answer.request.purpose))
        logged = [(one.group, one.outcome) for one in answer.proof.detail.outcomes]
        answered = [(one.group, one.outcome) for one in answer.response.results]
        self.assertEqual(sorted(logged), sorted(answered))
        age = datetime.datetime.now(datetime.UTC).timestamp() - answer.proof.leaf.time_us / MICROSECONDS
        self.assertLess(abs(age), 60)
        self.assertTrue(answer.response.summary.receptionist.ja)


def words(answer):
    """State of the whole, or the outcomes of its results."""
    if answer.response.state == eligibility.ANSWER_STATE_ANSWERED:
        return {eligibility.Outcome.Name(one.outcome).removeprefix("OUTCOME_") for one in answer.response.results}
    return {eligibility.AnswerState.Name(answer.response.state).removeprefix("ANSWER_STATE_")}


if __name__ == "__main__":
    unittest.main()
