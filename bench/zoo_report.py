#!/usr/bin/env python3
"""Every pair of a zoo of models with known ancestry, and what revlm says of it.

REV_ZOO names the folder: zoo.jsonl has the truth, one model a line, models/ the
models, null/ the same for independently trained models. Two models are related
when one was made from the other or both from a third. Right are DERIVED or SAME
for those (SAME is said of equal tensors only), and DIFFERENT for the others.
Equal tensors are counted and named: related pairs alone may have common ones.
Pairs with related behaviour are marked with ~ and the ratio of their divergence
to the nearest other's; that is true of a model (or a relative) and its student.

    zoo_report.py --build build [--challenges N] [--only TEXT] [--null]
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def read_truth(path):
    with open(path, encoding="utf-8") as lines:
        return {model["name"]: model for model in map(json.loads, lines)}


def ancestors(name, truth):
    """What a model was made from, itself included."""
    found = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        model = truth.get(one, {})
        waiting += [model[key] for key in ("base", "other") if model.get(key)]
    return found


def truth_of(a, b, truth):
    if not ancestors(a, truth) & ancestors(b, truth):
        for one, other in ((a, b), (b, a)):
            if truth[one].get("teacher") == other:
                return False, "taught"
        return False, "independent"
    for child, parent in ((a, b), (b, a)):
        if truth[child].get("base") == parent:
            return True, truth[child]["kind"]
    return True, "relatives"


def has_taught(a, b, truth):
    """Whether one learned from the answers of the other or of a relative."""
    return any(ancestors(teacher, truth) & ancestors(other, truth)
               for one, other in ((a, b), (b, a))
               for teacher in [truth[model].get("teacher")
                               for model in ancestors(one, truth)]
               if teacher)


def compare(program, folder, names, challenges, threads):
    with tempfile.TemporaryDirectory() as scratch:
        command = [program, "compare", *(str(folder / name) for name in names),
                   "--json", "--exit-zero", "--challenges", str(challenges),
                   "--output-dir", os.path.join(scratch, "out")]
        if threads:
            command += ["--threads", str(threads)]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if answer.returncode != 0:
            sys.exit(f"revlm ended with {answer.returncode}")
        return json.loads(answer.stdout)


def with_tokenizers(folder, names, scratch):
    """Copies of models whose one tokenizer lies beside them all."""
    shared = folder / "tokenizer.json"
    if not shared.exists():
        return folder / "models"
    for name in names:
        copy = pathlib.Path(scratch) / name
        shutil.copytree(folder / "models" / name, copy)
        copy.chmod(0o755)
        shutil.copy(shared, copy / "tokenizer.json")
    return pathlib.Path(scratch)


def interval(pair):
    behaviour = pair["behaviour"]
    if not behaviour or not behaviour["num_prompts"]:
        return "-"
    found = behaviour["divergence"]
    bound = ">= " if behaviour["scale"] == "first_bytes" else ""
    limits = (f"(> {found['lower']:.2g})" if behaviour["num_cut"] else
              f"[{found['lower']:.2g}, {found['upper']:.2g}]")
    return f"{bound}{found['nats']:.3g} {limits}"


def nearness(pair):
    """What is said of the behaviour of a pair beside other unrelated ones."""
    return (pair["behaviour"] or {}).get("nearness")


def is_near(pair):
    return bool(nearness(pair) and nearness(pair)["is_shown"])


def equal_tensors(pair):
    """The tensors that are equal, those first that no two trainings share."""
    tensors = (pair["weights"] or {}).get("tensors")
    if not tensors or not tensors["num_equal_values"]:
        return ""
    names = tensors["common"] + [name for name in tensors["equal"]
                                 if name not in tensors["common"]]
    shown = ", ".join(names[:2])
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return (f"; equal: {tensors['num_equal_values']} of "
            f"{tensors['num_tensors']} ({shown}{more}), "
            f"{len(tensors['common'])} of them common weights")


def row(pair, truth):
    related, kind = truth_of(pair["a"], pair["b"], truth)
    verdict = pair["verdict"]
    right = verdict in ("DERIVED", "SAME") if related else verdict == "DIFFERENT"
    z = pair["weights"]["z"] if pair["weights"] else 0
    print(f"{pair['a']:20s} {pair['b']:20s} {kind:12s} {verdict:10s} "
          f"{z:8.1f}  {interval(pair):28s} {'right' if right else 'WRONG'}  "
          f"{'~ %.2f ' % nearness(pair)['ratio'] if is_near(pair) else ''}"
          f"{pair['weights']['sentence'] if pair['weights'] else ''}"
          f"{equal_tensors(pair)}")
    return kind, related, verdict, z, right


def totals(rows):
    kinds = {}
    for kind, related, verdict, z, right in rows:
        of = kinds.setdefault(kind, {"pairs": 0, "right": 0, "z": []})
        of["pairs"] += 1
        of["right"] += right
        of["z"].append(z)
        of[verdict] = of.get(verdict, 0) + 1
    print(f"\n{'truth':12s} {'pairs':>5s} {'right':>5s} {'SAME':>5s} "
          f"{'DERIVED':>7s} {'DIFFERENT':>9s} {'UNDECIDED':>9s} "
          f"{'least z':>8s} {'most z':>8s}")
    for kind, of in sorted(kinds.items()):
        print(f"{kind:12s} {of['pairs']:5d} {of['right']:5d} "
              f"{of.get('SAME', 0):5d} {of.get('DERIVED', 0):7d} "
              f"{of.get('DIFFERENT', 0):9d} {of.get('UNDECIDED', 0):9d} "
              f"{min(of['z']):8.1f} {max(of['z']):8.1f}")
    false_alarms = sum(1 for _, related, verdict, _, _ in rows
                       if not related and verdict in ("DERIVED", "SAME"))
    wrong = sum(not right for *_, right in rows)
    print(f"{len(rows)} pairs, {wrong} not right, "
          f"{false_alarms} independent ones called DERIVED or SAME")
    return wrong


def related_behaviour(pairs, truth):
    """Names those that are near; returns how many are so without a cause."""
    asked = [pair for pair in pairs if nearness(pair)]
    false = 0
    print(f"\n{sum(map(is_near, asked))} of {len(asked)} pairs without common "
          "weights have related behaviour:")
    for pair in filter(is_near, asked):
        is_true = has_taught(pair["a"], pair["b"], truth)
        false += not is_true
        print(f"  {pair['a']} ~ {pair['b']}: {nearness(pair)['ratio']:.2f} "
              f"times the nearest other, "
              f"{'taught' if is_true else 'FALSE'}")
    apart = [nearness(pair)["ratio"] for pair in asked
             if not has_taught(pair["a"], pair["b"], truth)]
    if apart:
        print(f"  {false} of them false; the nearest that was not taught: "
              f"{min(apart):.2f}")
    return false


def report(title, program, folder, challenges, threads, only):
    truth = read_truth(folder / "zoo.jsonl")
    names = sorted(name for name in truth
                   if not only or any(text in name for text in only))
    if len(names) < 2:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        models = with_tokenizers(folder, names, scratch)
        found = compare(program, models, names, challenges, threads)
    print(f"{title}: {len(names)} models, {challenges} prompts, "
          f"{found['seconds']:.0f} s\n")
    print(f"{'a':20s} {'b':20s} {'truth':12s} {'verdict':10s} {'z':>8s}  "
          f"{'KL(a||b), nats a token':28s}")
    wrong = totals([row(pair, truth) for pair in found["pairs"]])
    return wrong + related_behaviour(found["pairs"], truth)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--challenges", default=50, type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", action="append",
                        help="models with this in their name")
    parser.add_argument("--null", action="store_true",
                        help="the null alone: models trained independently")
    options = parser.parse_args()
    zoo = os.environ.get("REV_ZOO")
    if not zoo:
        print("skipped: REV_ZOO names no zoo of models with known ancestry")
        return 0
    program = options.build / "cli" / "revlm"
    wrong = 0
    if not options.null:
        wrong += report("zoo", program, pathlib.Path(zoo), options.challenges,
                        options.threads, options.only)
    null = pathlib.Path(zoo) / "null"
    if null.is_dir() and not options.only:
        print()
        wrong += report("null", program, null, options.challenges,
                        options.threads, None)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
