"""select: rows, ids and channels of a selection."""
import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_a_selection_is_resolved(self):
        self.simulate()
        picked = self.answer("select", "in.ms", "scan=2", "spw=1:2~5", "antenna=0&1~2")
        self.assertEqual(picked["rows"], 4)
        self.assertEqual(picked["scans"], [2])
        self.assertEqual(picked["ddids"], [1])

    def test_a_wrong_expression_is_refused(self):
        self.assertIn("scan", self.multims("select", self.simulate(), "scan=one", status=2).stderr)


program_case.main()
