"""What the rows say together: the ratios that bench/README.md explains."""

import cost
import measure
import table


class Ratios:
    """Of one shape. A ratio of rows that are missing is left out."""

    def __init__(self, rows, shape, model):
        self.rows = {tuple(row["key"][1:]): row for row in rows
                     if row["key"][0] == shape}
        self.model = model
        self.lines = []

    def seconds(self, *key):
        row = self.rows.get(key)
        return table.median(row, "seconds") if row else None

    def decode_seconds(self, limit, num_prompts, new_tokens):
        whole = self.seconds("revlm", limit, num_prompts, new_tokens)
        prompts = self.seconds("revlm", limit, num_prompts, 0)
        return whole - prompts if whole and prompts else None

    def decode_over_bound(self, limit, num_prompts, new_tokens):
        """Of the passes after the prompts', at the median C and B."""
        seconds = self.decode_seconds(limit, num_prompts, new_tokens)
        if not seconds:
            return None
        row = self.rows["revlm", limit, num_prompts, new_tokens]
        rates = {name: table.median(row, name) for name in
                 ("read_bytes_per_second", "flops_per_second")}
        generate, score = (
            cost.Work(num_prompts, measure.PROMPT_TOKENS, count)
            for count in (new_tokens, 0))
        read_bytes, flops = (
            generate.read_bytes(self.model, row["limit_bytes"]) -
            self.model.pass_bytes,
            generate.flops(self.model) - score.flops(self.model))
        return seconds / max(read_bytes / rates["read_bytes_per_second"],
                             flops / rates["flops_per_second"])

    def add(self, name, ratio):
        if ratio is not None:
            self.lines.append(f"{name:66s} {ratio:7.2f}")

    def quotient(self, name, above, below):
        self.add(name, above / below if above and below else None)

    def render(self):
        counts = sorted({key[2] for key in self.rows if key[2] > 1})
        news = sorted({key[3] for key in self.rows if key[3] > 1})
        for count in counts:
            self.add_prefill(count)
            for new_tokens in news:
                self.add_decode(count, new_tokens)
            for new_tokens in [0, *news]:
                self.add_peers(count, new_tokens)
        return self.lines

    def add_prefill(self, count):
        row = self.rows.get(("revlm", "W/4", count, 0))
        self.add(f"{count} prompts, prefill at W/4: over the bound",
                 table.over_bound(row) if row else None)
        self.quotient(f"{count} prompts, prefill: W/8 over resident",
                      self.seconds("revlm", "W/8", count, 0),
                      self.seconds("revlm", "2W", count, 0))

    def add_decode(self, count, new):
        for limit in ("W/8", "W/4"):
            self.add(f"{count} prompts, {new} new, decode at {limit}: over "
                     "the bound", self.decode_over_bound(limit, count, new))
        self.quotient(f"{count} prompts, {new} new, decode: W/8 over resident",
                      self.decode_seconds("W/8", count, new),
                      self.decode_seconds("2W", count, new))

    def add_peers(self, count, new):
        ours = self.seconds("revlm", "W/4", count, new)
        one = self.seconds("revlm", "W/4", 1, new)
        what = f"{count} prompts, {new} new"
        self.quotient(f"{what} at W/4: one at a time over together",
                      one and one * count, ours)
        for key in self.rows:
            system, limit, num_prompts, new_tokens = key
            if system == "revlm" or (num_prompts, new_tokens) != (count, new):
                continue
            if limit == "2W":
                self.quotient(f"{what} resident: {system} over revlm",
                              self.seconds(*key),
                              self.seconds("revlm", "2W", count, new))
            else:
                self.quotient(f"{what}: {system} over revlm at W/4",
                              self.seconds(*key), ours)
