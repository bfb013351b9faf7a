"""enroll, identify and ls: references, strangers, files and exit codes."""

import json
import os
import sqlite3
import unittest

from revlm_process import MODEL, OTHER_MODEL, ProgramTest

KNOWN, UNKNOWN, BAD_USAGE = 0, 4, 2


class LibraryTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.environment["XDG_DATA_HOME"] = str(self.folder / "data")
        self.library = self.folder / "data" / "revlm" / "library.sqlite"

    def document(self, *arguments, code=0):
        out, err = self.revlm(*arguments, "--json", code=code)
        document = json.loads(out)
        self.assertEqual(document["exit_code"], code)
        self.assertIsNone(document["verdict"])
        return document, err.decode()

    def enroll(self, model=MODEL, *more):
        return self.document("enroll", model, *more)[0]

    def test_a_descendant_is_identified(self):
        enrolled = self.enroll()
        self.assertEqual(enrolled["schema"], "revlm.enroll/1")
        self.assertEqual(enrolled["family"], "aster-s0")
        self.assertEqual(enrolled["library"], str(self.library))
        self.assertEqual(enrolled["fingerprint"]["num_units"], 192)
        self.assertTrue(enrolled["fingerprint"]["sites"])
        found, _ = self.document("identify", OTHER_MODEL)
        self.assertEqual(found["schema"], "revlm.identify/1")
        match = found["match"]
        self.assertEqual((match["name"], match["family"]),
                         ("aster-s0", "aster-s0"))
        self.assertFalse(match["has_same_tensors"])
        self.assertGreater(match["weights"]["z"], 13)
        self.assertEqual(match["weights"]["target_layers"], list(range(6)))
        self.assertGreater(match["states"]["mean_cka"], 0.9)
        self.assertEqual(found["candidates"], [match])
        self.assertEqual(found["left_out"]["num_trials"], 0)

    def test_the_model_itself_has_the_same_tensors(self):
        self.enroll()
        out, _ = self.revlm("identify", MODEL)
        self.assertIn("all tensors are the same", out.decode())
        found, _ = self.document("identify", MODEL)
        self.assertTrue(found["match"]["has_same_tensors"])
        self.assertIsNone(found["match"]["states"]["first_other_bits"])

    def test_what_no_reference_explains_is_unknown(self):
        self.enroll()
        found, _ = self.document("identify", OTHER_MODEL, "--except",
                                 "aster-s0", code=UNKNOWN)
        self.assertIsNone(found["match"])
        self.assertEqual(found["candidates"], [])
        out, _ = self.revlm("identify", OTHER_MODEL, "--except", "aster-s0",
                            "--quiet", code=UNKNOWN)
        self.assertEqual(out, b"unknown\n")
        # A bound that no weights can reach.
        found, _ = self.document("identify", OTHER_MODEL, "--alpha", "1e-60",
                                 code=UNKNOWN)
        self.assertLess(found["candidates"][0]["weights"]["z"],
                        found["z_needed"])

    def test_a_light_probe_finds_the_same(self):
        self.enroll()
        found, _ = self.document("identify", OTHER_MODEL, "--light")
        match = found["match"]
        self.assertEqual(match["name"], "aster-s0")
        self.assertIsNone(match["states"])
        self.assertIsNone(found["target"]["tensor_root"])
        layers = match["weights"]["target_layers"]
        self.assertEqual(len(layers), 2)
        self.assertEqual(layers, match["weights"]["reference_layers"])

    def test_a_fingerprint_travels_as_a_file(self):
        self.enroll(MODEL, "-o", "a.revfp")
        exported = (self.folder / "a.revfp").read_bytes()
        self.assertLess(len(exported), 400_000)
        imported = self.enroll("ref:a.revfp", "--library", "other.sqlite")
        self.assertEqual(imported["fingerprint"]["name"], "aster-s0")
        before = self.document("ls", "refs", "--library", "other.sqlite")
        again = self.enroll("ref:aster-s0", "--library", "other.sqlite",
                            "-o", "b.revfp")
        self.assertEqual((self.folder / "b.revfp").read_bytes(), exported)
        self.assertEqual(again["fingerprint"], imported["fingerprint"])
        # Its reference is as it was.
        self.assertIsNone(again["library"])
        self.assertEqual(self.document("ls", "refs", "--library",
                                       "other.sqlite"), before)
        _, err = self.revlm("enroll", "ref:aster-s0", "--library",
                            "other.sqlite", code=BAD_USAGE)
        self.assertIn(b"--replace", err)
        found, _ = self.document("identify", "ref:b.revfp")
        self.assertTrue(found["match"]["has_same_tensors"])
        damaged = bytearray(exported)
        damaged[1000] ^= 1
        (self.folder / "c.revfp").write_bytes(damaged)
        _, err = self.revlm("identify", "ref:c.revfp", code=BAD_USAGE)
        self.assertIn(b"c.revfp", err)

    def test_nothing_but_the_model_decides_a_fingerprint(self):
        def made(*more):
            self.revlm("enroll", MODEL, "--library", f"{len(more)}.sqlite",
                       "-o", "f.revfp", *more)
            return (self.folder / "f.revfp").read_bytes()

        expected = made()
        self.assertEqual(made("--threads", 1), expected)
        self.assertEqual(made("--parallel-batch-size", 1, "--no-resident"),
                         expected)
        self.assertEqual(
            made("--parallel-memory-limit", 0.1, "--threads", 1,
                 "--parallel-batch-size", 5), expected)

    def test_ls_tells_what_is_there_and_what_was_seen(self):
        self.enroll(MODEL, "--name", "base", "--family", "asters")
        self.enroll(OTHER_MODEL)
        self.document("identify", OTHER_MODEL, "--except",
                      "aster-s0-ft-quotes")
        self.document("identify", OTHER_MODEL, "--no-sighting")
        listed, _ = self.document("ls")
        self.assertEqual(listed["schema"], "revlm.library/1")
        # The second was found to come from the first.
        self.assertEqual([(r["name"], r["family"])
                          for r in listed["references"]],
                         [("base", "asters"), ("aster-s0-ft-quotes",
                                               "asters")])
        self.assertEqual([(s["target"], s["match"])
                          for s in listed["sightings"]],
                         [("aster-s0-ft-quotes", "base")])
        self.assertEqual(self.document("ls", "refs")[0]["sightings"], [])
        self.assertEqual(self.document("ls", "runs")[0]["references"], [])
        out, _ = self.revlm("ls", "refs", "--quiet")
        self.assertEqual(out, b"base\naster-s0-ft-quotes\n")
        out, _ = self.revlm("ls", env={"REV_LIBRARY": str(self.library)})
        self.assertIn("asters", out.decode())

    def test_a_name_that_is_taken_is_refused_before_the_model_is_run(self):
        self.enroll()
        _, err = self.revlm("enroll", MODEL, "-o", "x.revfp", code=BAD_USAGE)
        self.assertIn(b"--replace", err)
        self.assertFalse((self.folder / "x.revfp").exists())

    def test_a_replaced_reference_keeps_its_family(self):
        self.enroll(MODEL, "--name", "base", "--family", "asters")
        self.enroll(OTHER_MODEL, "--family", "quotes")
        again = self.enroll(MODEL, "--name", "base", "--replace")
        self.assertEqual(again["family"], "asters")
        self.assertEqual(again["derived_from"], "aster-s0-ft-quotes")
        out, _ = self.revlm("enroll", MODEL, "--name", "base", "--replace")
        self.assertIn("family      asters\n", out.decode())
        self.assertIn("aster-s0-ft-quotes", out.decode())
        again = self.enroll(MODEL, "--name", "base", "--replace", "--family",
                            "others")
        self.assertEqual(again["family"], "others")
        self.assertTrue(again["is_family_named"])

    def test_false_matches_between_families_are_counted(self):
        # Two relatives under different families: both match the other.
        self.enroll(MODEL, "--family", "one")
        self.enroll(OTHER_MODEL, "--family", "two")
        # What joins a family because it matches proves nothing.
        self.enroll(MODEL, "--name", "joined")
        found, _ = self.document("identify", "ref:aster-s0")
        self.assertEqual(found["left_out"]["num_trials"], 2)
        self.assertEqual(found["left_out"]["num_false_matches"], 2)
        self.assertEqual([r["is_family_named"]
                          for r in self.document("ls")[0]["references"]],
                         [True, True, False])

    def test_without_named_families_nothing_is_counted(self):
        self.enroll(MODEL)
        self.enroll(OTHER_MODEL)
        out, _ = self.revlm("identify", "ref:aster-s0")
        self.assertIn("enroll --family", out.decode())
        found, _ = self.document("identify", "ref:aster-s0")
        self.assertEqual(found["left_out"],
                         {"num_trials": 0, "num_false_matches": 0,
                          "rate_limit": 1})

    def test_a_damaged_reference_is_named_and_the_others_go_on(self):
        self.enroll(MODEL, "--name", "good")
        self.enroll(MODEL, "--name", "bad")
        with sqlite3.connect(self.library) as database:
            database.execute("UPDATE reference SET revfp = x'00' "
                             "WHERE name = 'bad'")
        database.close()
        references = self.document("ls")[0]["references"]
        self.assertEqual([r["name"] for r in references], ["good", "bad"])
        self.assertIsNone(references[0]["defect"])
        self.assertIn("--replace", references[1]["defect"])
        self.assertIsNone(references[1]["fingerprint"])
        out, _ = self.revlm("ls", "refs")
        self.assertIn("bad", out.decode())
        found, _ = self.document("identify", OTHER_MODEL)
        self.assertEqual(found["match"]["name"], "good")
        self.assertEqual([u["name"] for u in found["unread"]], ["bad"])
        out, _ = self.revlm("identify", OTHER_MODEL)
        self.assertIn("not compared bad: ", out.decode())
        # Without the copies that are compared with many, too.
        with sqlite3.connect(self.library) as database:
            database.execute("DELETE FROM brief")
        database.close()
        self.assertEqual(self.document("identify", OTHER_MODEL)[0], found)
        enrolled = self.enroll(OTHER_MODEL)
        self.assertEqual(enrolled["derived_from"], "good")
        self.assertEqual([u["name"] for u in enrolled["unread"]], ["bad"])
        enrolled = self.enroll(MODEL, "--name", "bad", "--replace")
        self.assertEqual(enrolled["unread"], [])
        self.assertEqual(self.document("identify", OTHER_MODEL)[0]["unread"],
                         [])

    def test_mistakes_are_explained(self):
        _, err = self.revlm("identify", MODEL, code=BAD_USAGE)
        self.assertIn(b"revlm enroll", err)
        self.assertFalse(self.library.exists())
        self.enroll()
        _, err = self.revlm("enroll", MODEL, code=BAD_USAGE)
        self.assertIn(b"--name", err)
        self.enroll(MODEL, "--replace")
        document, _ = self.document("identify", MODEL, "--except", "nobody",
                                    code=BAD_USAGE)
        self.assertIn("nobody", document["error"]["message"])
        _, err = self.revlm("identify", "ref:nobody", code=BAD_USAGE)
        self.assertIn(b"nobody", err)
        self.revlm("identify", MODEL, "--alpha", 2, code=BAD_USAGE)
        self.revlm("ls", "everything", code=BAD_USAGE)
        _, err = self.revlm("ls", code=BAD_USAGE,
                            env={"XDG_DATA_HOME": "", "HOME": ""})
        self.assertIn(b"--library", err)
        _, err = self.revlm("enroll", MODEL, "--library", "/proc/x/l.sqlite",
                            code=BAD_USAGE)
        self.assertIn(b"--library", err)
        _, err = self.revlm("ls", "--library", "/dev/null", code=BAD_USAGE)
        self.assertIn(b"no regular file", err)
        self.library.write_bytes(b"x" * 4096)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(f"{self.library}{suffix}"):
                os.remove(f"{self.library}{suffix}")
        _, err = self.revlm("ls", code=BAD_USAGE)
        self.assertIn(b"library.sqlite", err)


if __name__ == "__main__":
    unittest.main()
