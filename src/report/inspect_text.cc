#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>

#include "report/text.h"
#include "revlm/report.h"

namespace revlm {
namespace {

using report::Column;
using report::FormatCount;

std::string Line(std::string_view name, std::string_view value) {
  return fmt::format("{:<11} {}\n", name, value);
}

std::string FamilyLine(const InspectReport& report, Charset charset) {
  std::string value = report.model_type;
  if (!report.architectures.empty()) {
    value += fmt::format(" ({})", fmt::join(report.architectures, ", "));
  }
  value = Printable(value, charset);
  return Line("family",
              value + (report.cannot_run ? ", cannot be run" : ", supported")) +
         (report.cannot_run
              ? Line("why not", Printable(report.cannot_run->message, charset))
              : "");
}

std::string TokenizerLines(const InspectReport::Tokenizer& tokenizer,
                           Charset charset) {
  if (tokenizer.error) {
    return Line("tokenizer", "cannot be used: " +
                                 Printable(tokenizer.error->message, charset));
  }
  std::string lines =
      Line("tokenizer", Printable(tokenizer.description, charset));
  std::string special;
  for (const auto& token : tokenizer.special_tokens) {
    special +=
        fmt::format("{}{} {} {}", special.empty() ? "" : ", ", token.role,
                    token.id, Printable(token.text, charset));
  }
  if (!special.empty()) lines += Line("special", special);
  return lines;
}

std::string MemoryLines(const InspectReport& report) {
  if (!report.memory) return "";
  return Line("memory",
              fmt::format("weights: {} kept, {} or more streamed",
                          FormatBytes(report.memory->resident_bytes),
                          FormatBytes(report.memory->streaming_bytes))) +
         Line("",
              fmt::format("+ {} for each prompt token in flight, {} for each "
                          "kept",
                          FormatBytes(report.memory->prompt_token_bytes),
                          FormatBytes(report.memory->kv_token_bytes))) +
         Line("compute", report.compute + " by default");
}

std::string LayerTable(const InspectReport& report) {
  std::string table =
      fmt::format("\n{:<12} {:>8} {:>12}\n", "LAYER", "TENSORS", "BYTES");
  for (const auto& group : report.layers) {
    std::string name = "no layer";
    if (group.first_layer >= 0) {
      name =
          group.first_layer == group.last_layer
              ? std::to_string(group.first_layer)
              : fmt::format("{}-{} each", group.first_layer, group.last_layer);
    }
    table += fmt::format("{:<12} {:>8} {:>12}\n", name, group.num_tensors,
                         FormatBytes(group.bytes));
  }
  return table;
}

std::string FileTable(const InspectReport& report, Charset charset) {
  std::string table = fmt::format("\n{} {:>10}  SHA-256\n",
                                  Column("FILE", 40, charset), "BYTES");
  for (const auto& file : report.files) {
    table +=
        fmt::format("{} {:>10}  {}\n", Column(file.name, 40, charset),
                    FormatBytes(file.size_bytes),
                    file.sha256.empty() ? "(--hash reads it)"
                                        : report::ShortDigest(file.sha256));
  }
  return table;
}

// Whole digests, as sha256sum writes them: asked for with `hash` only.
std::string DigestLists(const InspectReport& report, Charset charset) {
  if (report.tensors.empty()) return "";
  std::string lists = "\nSHA-256 of each file\n";
  for (const auto& file : report.files) {
    lists +=
        fmt::format("{}  {}\n", file.sha256, Printable(file.name, charset));
  }
  lists += "\nSHA-256 of each tensor\n";
  for (const auto& tensor : report.tensors) {
    lists += fmt::format("{}  {} {} [{}]\n", tensor.sha256,
                         Printable(tensor.name, charset), tensor.dtype,
                         fmt::join(tensor.shape, ","));
  }
  return lists;
}

}  // namespace

std::string RenderText(const InspectReport& report, const TextStyle& style) {
  const Charset charset = style.charset;
  std::string text =
      Line("model", Printable(report.alias, charset) +
                        (report.commit.empty()
                             ? ", HF directory"
                             : fmt::format(", HF cache, {} at {}",
                                           Printable(report.model_id, charset),
                                           report.commit)));
  text += Line("path", Printable(report.directory, charset));
  text += FamilyLine(report, charset);
  text += Line("shape", fmt::format("{} layers, width {}, {} heads ({} of keys "
                                    "and values)",
                                    report.num_layers, report.hidden_size,
                                    report.num_heads, report.num_kv_heads));
  text += Line("", fmt::format("vocabulary {}, context {}", report.vocab_size,
                               report.context_length));
  text +=
      Line("parameters",
           fmt::format("{} ({}) in {} tensors, {}", report.num_parameters,
                       FormatCount(report.num_parameters), report.num_tensors,
                       FormatBytes(report.weight_bytes)));
  for (const auto& dtype : report.dtypes) {
    text +=
        Line(&dtype == report.dtypes.data() ? "dtypes" : "",
             fmt::format("{}: {} tensors, {} parameters, {}", dtype.dtype,
                         dtype.num_tensors, FormatCount(dtype.num_parameters),
                         FormatBytes(dtype.bytes)));
  }
  text += TokenizerLines(report.tokenizer, charset);
  text += MemoryLines(report);
  if (!report.tensor_root.empty()) {
    text += Line("tensor root", report.tensor_root);
  }
  text += LayerTable(report);
  text += FileTable(report, charset);
  text += DigestLists(report, charset);
  return text;
}

}  // namespace revlm
