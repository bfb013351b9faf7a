#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using report::Column;
using report::FormatCount;
using report::Plural;

// How many candidates are shown.
constexpr size_t kMaxCandidates = 10;

std::string Line(std::string_view name, std::string_view value) {
  return fmt::format("{:<11} {}\n", name, value);
}

std::string ModelLine(std::string_view title,
                      const FingerprintSummary& fingerprint, Charset charset) {
  return Line(title, fmt::format("{}, {}, {}, width {}, {} parameters",
                                 Printable(fingerprint.name, charset),
                                 Printable(fingerprint.model_type, charset),
                                 Plural(fingerprint.num_layers, "layer"),
                                 fingerprint.hidden_size,
                                 FormatCount(fingerprint.num_parameters)));
}

std::string SiteLines(const FingerprintSummary& fingerprint) {
  std::string lines;
  for (const RestrictionSite& site : fingerprint.sites) {
    lines += Line(lines.empty() ? "sites" : "",
                  fmt::format("layer {}: states change by {:.3f} ({:.3f} to "
                              "{:.3f} in 90 % of half-samples)",
                              site.layer, site.change, site.low, site.high));
  }
  return lines;
}

std::string UnreadLines(const std::vector<UnreadReference>& unread,
                        Charset charset) {
  std::string lines;
  for (const UnreadReference& reference : unread) {
    lines += Line("not compared",
                  Printable(reference.name + ": " + reference.reason, charset));
  }
  return lines;
}

// A bound as text, also where it is too small for a number: 1e-4, 2e-42.
std::string Probability(double log_p) {
  const double log10_p = log_p / std::log(10.0);
  double exponent = std::floor(log10_p);
  double digit = std::ceil(std::pow(10.0, log10_p - exponent) - 1e-9);
  if (digit >= 10) {
    digit = 1;
    exponent += 1;
  }
  if (exponent >= 0) return "1";
  return fmt::format("{:.0f}e{:.0f}", digit, exponent);
}

// Layers of the target beside those of the reference: "in order", or which.
std::string LayersText(const ReferenceMatch::Weights& weights,
                       uint32_t num_layers) {
  if (weights.reference_layers == weights.target_layers) {
    return weights.target_layers.size() == num_layers
               ? "all layers in order"
               : fmt::format("{} layers in order",
                             weights.target_layers.size());
  }
  std::string text = "layers of the reference:";
  for (const uint32_t layer : weights.reference_layers) {
    text += fmt::format(" {}", layer);
  }
  return text;
}

std::string MatchLines(const IdentifyReport& report, Charset charset) {
  const ReferenceMatch& match = *report.match;
  const std::string name = Printable(match.name, charset);
  std::string text = Line(
      "is", match.has_same_tensors
                ? fmt::format("{}: all tensors are the same", name)
                : fmt::format("derived from {}, or both from one model", name));
  text += Line("family", Printable(match.family, charset));
  if (match.weights) {
    text += Line("weights",
                 fmt::format("z {:.2f}, of {} units; independent models come "
                             "so near with P < {}",
                             match.weights->z, match.weights->num_units,
                             Probability(match.weights->log_p)));
    text += Line("", LayersText(*match.weights, report.target.num_layers));
  }
  if (match.states && match.states->first_other_bits) {
    const auto& apart = match.states->first_apart;
    text += Line(
        "states",
        fmt::format(
            "CKA {:.3f}; other numbers from {} on{}", match.states->mean_cka,
            *match.states->first_other_bits == 0
                ? "the embedding"
                : fmt::format("layer {}", *match.states->first_other_bits - 1),
            !apart ? ""
            : *apart == 0
                ? ", apart from the embedding on"
                : fmt::format(", apart from layer {} on", *apart - 1)));
  }
  return text;
}

std::string CandidateTable(const IdentifyReport& report, Charset charset) {
  std::string table =
      fmt::format("\n{:<24} {:<16} {:>8} {:>8} {:>6} {:>6}\n", "REFERENCE",
                  "FAMILY", "WEIGHTS", "P <", "CKA", "BITS");
  const size_t shown = std::min(report.candidates.size(), kMaxCandidates);
  for (size_t i = 0; i < shown; ++i) {
    const ReferenceMatch& candidate = report.candidates[i];
    std::string row = Column(candidate.name, 24, charset) + " " +
                      Column(candidate.family, 16, charset);
    row += candidate.weights
               ? fmt::format(" {:>8} {:>8}",
                             fmt::format("z {:.1f}", candidate.weights->z),
                             Probability(candidate.weights->log_p))
               : fmt::format(" {:>8} {:>8}", "-", "-");
    row += candidate.states
               ? fmt::format(" {:>6.3f} {:>4.0f} %", candidate.states->mean_cka,
                             100 * candidate.states->different_bits)
               : fmt::format(" {:>6} {:>6}", "-", "-");
    table += row + "\n";
  }
  if (shown < report.candidates.size()) {
    table += fmt::format("and {} more\n", report.candidates.size() - shown);
  }
  return table;
}

std::string ReferenceTable(const LibraryReport& report, Charset charset) {
  std::string table =
      fmt::format("{:<24} {:<16} {:<10} {:>6} {:>6} {:>9}  {}\n", "REFERENCE",
                  "FAMILY", "TYPE", "LAYERS", "WIDTH", "BYTES", "TENSORS");
  for (const auto& reference : report.references) {
    const FingerprintSummary& fingerprint = reference.fingerprint;
    table += Column(reference.name, 24, charset) + " " +
             Column(reference.family, 16, charset) + " ";
    if (!reference.defect.empty()) {
      table += Printable(reference.defect, charset) + "\n";
      continue;
    }
    table += fmt::format("{} {:>6} {:>6} {:>9}  {}\n",
                         Column(fingerprint.model_type, 10, charset),
                         fingerprint.num_layers, fingerprint.hidden_size,
                         FormatBytes(fingerprint.size_bytes),
                         report::ShortDigest(fingerprint.tensor_root));
  }
  return table;
}

std::string SightingTable(const LibraryReport& report, Charset charset) {
  std::string table = fmt::format("{:<20} {:<24} {:<24} {:>8}\n", "SEEN",
                                  "TARGET", "IS", "P <");
  for (const auto& sighting : report.sightings) {
    table +=
        fmt::format("{} {} {} {:>8}\n", Column(sighting.seen_utc, 20, charset),
                    Column(sighting.target, 24, charset),
                    Column(sighting.match.empty() ? "unknown" : sighting.match,
                           24, charset),
                    Probability(sighting.log_p));
  }
  return table;
}

}  // namespace

std::string RenderText(const EnrollReport& report, const TextStyle& style) {
  const Charset charset = style.charset;
  const FingerprintSummary& fingerprint = report.fingerprint;
  const bool is_added = !report.library.empty();
  std::string text =
      ModelLine(is_added ? "enrolled" : "fingerprint", fingerprint, charset);
  if (is_added) {
    text += Line("library", Printable(report.library, charset));
    text += Line("family", Printable(report.family, charset));
    if (!report.derived_from.empty()) {
      text +=
          Line("weights", fmt::format("those of {}, changed or not",
                                      Printable(report.derived_from, charset)));
    }
  }
  text += UnreadLines(report.unread, charset);
  if (!report.output_file.empty()) {
    text += Line("file",
                 fmt::format("{}, {}", Printable(report.output_file, charset),
                             FormatBytes(fingerprint.size_bytes)));
  }
  text += Line("tensor root", fingerprint.tensor_root);
  text += Line("rests on",
               fmt::format("{} positions, {} units of weights",
                           fingerprint.num_positions, fingerprint.num_units));
  return text + SiteLines(fingerprint);
}

std::string RenderText(const IdentifyReport& report, const TextStyle& style) {
  const Charset charset = style.charset;
  std::string text = ModelLine("target", report.target, charset);
  if (report.match) {
    text += MatchLines(report, charset);
  } else {
    text +=
        Line("is", "unknown: of " +
                       Plural(static_cast<int64_t>(report.candidates.size()),
                              "reference") +
                       " none is known to share its weights");
  }
  text += UnreadLines(report.unread, charset);
  text += Line("error rate",
               fmt::format("a model trained independently of all is matched "
                           "with P <= {:g} (z {:.2f})",
                           report.alpha, report.z_needed));
  text += Line(
      "", report.num_left_out > 0
              ? fmt::format("{} of {} references matched one of another named "
                            "family, at most {:.2g} %",
                            report.num_false_matches, report.num_left_out,
                            100 * report.false_match_limit)
              : "not checked here: it takes two families that enroll --family "
                "named");
  if (!report.candidates.empty()) text += CandidateTable(report, charset);
  return text;
}

std::string RenderText(const LibraryReport& report, const TextStyle& style) {
  std::string text;
  if (!report.references.empty()) {
    text += ReferenceTable(report, style.charset);
  }
  if (!report.sightings.empty()) {
    if (!text.empty()) text += "\n";
    text += SightingTable(report, style.charset);
  }
  return text.empty() ? "nothing yet\n" : text;
}

}  // namespace revlm
