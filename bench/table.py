"""Renders the rows of the benchmark as text."""

import statistics

MIB = 1 << 20


def median(row, name):
    values = [run[name] for run in row["measured"] if name in run]
    return statistics.median(values) if values else None


def over_bound(row):
    ratios = [run["seconds"] / run["bound_seconds"] for run in row["measured"]
              if run.get("bound_seconds")]
    return statistics.median(ratios) if ratios else None


def describe(row):
    shape, system, limit, num_prompts, new_tokens = row["key"]
    cells = [f"{shape:13s}", f"{system:22s}", f"{limit:>5s}",
             f"{row['limit_bytes'] / MIB:7.0f}", f"{num_prompts:7d}",
             f"{new_tokens:4d}", f"{median(row, 'seconds'):9.2f}"]
    ratio = over_bound(row)
    cells.append(f"{ratio:10.2f}" if ratio else " " * 10)
    peak = max(run["peak_bytes"] for run in row["measured"])
    cells.append(f"{peak / row['limit_bytes']:10.3f}")
    for name in ("flops_per_second", "read_bytes_per_second"):
        value = median(row, name)
        cells.append(f"{value / 1e9:8.2f}" if value else " " * 8)
    cells.append(f"{len(row['measured']):2d}")
    return " ".join(cells)


HEADER = (f"{'shape':13s} {'program':22s} limit     MiB prompts  new"
          "   seconds over bound peak/limit    C GF/s  B GB/s  n")


def render(rows):
    lines = [HEADER]
    lines += [describe(row) for row in sorted(rows, key=order)]
    return "\n".join(lines)


def order(row):
    shape, system, limit, num_prompts, new_tokens = row["key"]
    return shape, new_tokens, num_prompts, system != "revlm", system, limit
