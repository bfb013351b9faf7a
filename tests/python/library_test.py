"""The library of references from Python."""

import json
import os
import unittest

import revlm
from package import MODEL, OTHER_MODEL, PackageTest


class LibraryTest(PackageTest):
    def test_a_derivative_comes_from_its_reference(self):
        library = revlm.Library("l.sqlite")
        enrolled = library.enroll(MODEL, name="base", output_file="base.revfp")
        self.assertEqual(enrolled["family"], "base")
        self.assertTrue(os.path.exists("base.revfp"))
        self.assertEqual([reference["name"] for reference in library.references],
                         ["base"])
        for light in (False, True):
            found = library.identify(OTHER_MODEL, light=light)
            self.assertEqual((found.match, found.family), ("base", "base"))
            self.assertEqual(found.risk, 1e-4)
            self.assertEqual(len(found.candidates), 1)
            self.assertIn("base", repr(found))
            self.assertEqual(json.loads(found.to_json())["schema"],
                             "revlm.identify/1")
        self.assertEqual([sighting["match"] for sighting in library.sightings],
                         ["base", "base"])

    def test_what_is_not_known_is_unknown(self):
        library = revlm.Library("l.sqlite")
        library.enroll(MODEL)
        found = library.identify(MODEL, light=True, exclude=["aster-s0"],
                                 keep_sighting=False)
        self.assertEqual((found.match, found.candidates), (None, []))
        self.assertIn("unknown", repr(found))
        self.assertEqual(library.sightings, [])

    def test_its_usual_place_is_the_programs(self):
        before = os.environ.get("XDG_DATA_HOME")
        os.environ["XDG_DATA_HOME"] = str(self.folder)
        try:
            library = revlm.Library()
        finally:
            del os.environ["XDG_DATA_HOME"]
            if before is not None:
                os.environ["XDG_DATA_HOME"] = before
        self.assertEqual(library.path,
                         str(self.folder / "revlm" / "library.sqlite"))

    def test_what_cannot_be_meant_is_refused(self):
        library = revlm.Library("l.sqlite")
        library.enroll(MODEL)
        with self.assertRaises(revlm.RevUsageError):
            library.enroll(OTHER_MODEL, name="aster-s0")
        with self.assertRaises(revlm.RevUsageError):
            library.identify("nowhere")
        for bad in ({"alpha": 0}, {"alpha": "1"}, {"exclude": ["nobody"]},
                    {"memory_limit_gb": -1}):
            with self.assertRaises(revlm.RevUsageError, msg=str(bad)):
                library.identify(MODEL, light=True, **bad)
        with self.assertRaises(revlm.RevMemoryError):
            library.identify(OTHER_MODEL, memory_limit_gb=0.001)


if __name__ == "__main__":
    unittest.main()
