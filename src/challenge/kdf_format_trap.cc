#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "challenge/kdf_methods.h"
#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// Speech within speech; some of it is closed at the end.
std::string WriteQuotes(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kSaid[] = {
      "{name} said: ", "{name} wrote: ", "The {person} answered: ",
      "The sign {spot} read: ", "\"Again,\" said {name}: "};
  static constexpr std::string_view kMarks[] = {"\"", "'"};
  const uint64_t depth = strength + 1;
  std::string text;
  for (uint64_t i = 0; i < depth; ++i) {
    text += ExpandCommon(DrawOne(kSaid, draws), draws);
    text += kMarks[i % 2];
  }
  text += DrawStatement(draws);
  const uint64_t num_closed = draws.Below(depth);
  for (uint64_t i = 0; i < num_closed; ++i) text += kMarks[(depth - 1 - i) % 2];
  return text;
}

// Brackets of four kinds; from strength 4 on, one that fits nowhere.
std::string WriteBrackets(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kOpen = "([{<";
  static constexpr std::string_view kClose = ")]}>";
  static constexpr std::string_view kAtoms[] = {"x", "y", "n", "f", "id", "key",
                                                "0", "1", "-", "+", "*",  ","};
  std::string text;
  std::vector<size_t> open;
  for (uint64_t i = 0; i < 6 + 5 * strength; ++i) {
    const uint64_t choice = draws.Below(5);
    if (choice < 2 && open.size() < 2 * strength) {
      open.push_back(draws.Below(kOpen.size()));
      text += kOpen[open.back()];
    } else if (choice == 2 && !open.empty()) {
      text += kClose[open.back()];
      open.pop_back();
    } else {
      text += DrawOne(kAtoms, draws);
    }
  }
  if (strength >= 4) text += kClose[draws.Below(kClose.size())];
  return text;
}

// An object in a string of an object in a string, and so on; it stops in its
// last third.
std::string WriteJson(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kNames[] = {"payload", "body", "data",
                                                "message", "raw"};
  base::Json object = {{"note", DrawStatement(draws)},
                       {"by", ExpandCommon("{name}", draws)},
                       {"count", draws.Below(1000)}};
  for (uint64_t i = 1; i < strength; ++i) {
    object = {{"id", draws.Below(10'000)},
              {std::string(DrawOne(kNames, draws)), object.dump()}};
  }
  const std::string text = object.dump();
  const size_t begin = text.size() * 2 / 3;
  return text.substr(0, begin + draws.Below(text.size() - begin));
}

// A table that stops within a row; some cells are empty, or hold its own signs.
std::string WriteTable(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kHeads[] = {
      "{name}", "{day}", "{city}", "{month}", "{food}", "{colour}"};
  static constexpr std::string_view kCells[] = {
      "{2-999}", "{things}", "{colour}", "{2-99} %", "**{things}**"};
  static constexpr std::string_view kHardCells[] = {
      "{2-9} \\| {2-9}", "`{colour}|{colour}`", "", "-", "[{city}]({2-99})"};
  const uint64_t num_columns = 2 + strength;
  std::string text = "|";
  for (uint64_t i = 0; i < num_columns; ++i) {
    text += " " + ExpandCommon(DrawOne(kHeads, draws), draws) + " |";
  }
  text += "\n|";
  for (uint64_t i = 0; i < num_columns; ++i) text += "---|";
  const uint64_t num_rows = 1 + strength;
  for (uint64_t row = 0; row <= num_rows; ++row) {
    text += "\n|";
    const uint64_t num_cells =
        row < num_rows ? num_columns : 1 + draws.Below(num_columns - 1);
    for (uint64_t i = 0; i < num_cells; ++i) {
      const bool is_hard = draws.Below(10) < strength;
      const auto cells = is_hard ? std::span(kHardCells) : std::span(kCells);
      text += " " + ExpandCommon(DrawOne(cells, draws), draws) + " |";
    }
  }
  return text;
}

// Blocks of code in blocks of code, with longer fences outside; the innermost
// is closed with a fence that may be one of another block.
std::string WriteFences(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kLanguages[] = {
      "markdown", "python", "text", "json", "bash", "yaml", "html", ""};
  static constexpr std::string_view kLines[] = {
      "print(\"{things}\")", "# {topic}",           "count = {2-99}",
      "- {food}: {2-99}",    "echo {colour} {2-9}", "<b>{object}</b>",
      "{name} = {name}",     "// {cause}"};
  std::string text = DrawStatement(draws) + "\n\n";
  for (uint64_t depth = strength + 2; depth > 2; --depth) {
    text.append(depth, '`').append(DrawOne(kLanguages, draws));
    text += "\n" + ExpandCommon(DrawOne(kLines, draws), draws) + "\n";
  }
  return text.append(3 + draws.Below(strength), '`').append("\n");
}

// Elements that overlap, with entities, comments and sections of text.
std::string WriteMarkup(Draws& draws, uint64_t strength) {
  static constexpr std::string_view kTags[] = {"p",  "div", "b",    "em",
                                               "li", "td",  "item", "note"};
  static constexpr std::string_view kContents[] = {
      "{things} &amp; {things}",
      "&lt;{object}&gt;",
      "<!-- {cause} -->",
      "<![CDATA[{2-9} < {10-99}]]>",
      "{adj} {object}",
      "&#{100-999};",
      "<br/>{name}",
      "{topic}"};
  std::string text;
  std::vector<std::string_view> open;
  for (uint64_t i = 0; i < 2 + 2 * strength; ++i) {
    open.push_back(DrawOne(kTags, draws));
    text += fmt::format("<{}>", open.back());
    text += ExpandCommon(DrawOne(kContents, draws), draws);
    if (draws.Below(2) == 0) continue;
    // The higher the strength, the more often it is not the innermost.
    const size_t place =
        draws.Below(10) < strength ? draws.Below(open.size()) : open.size() - 1;
    text += fmt::format("</{}>", open[place]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
  }
  return text + "</";
}

constexpr KdfMethod kMethods[] = {
    {"quotes", "it is open how many quotes are to be closed", &WriteQuotes},
    {"brackets", "brackets have to be counted to be closed", &WriteBrackets},
    {"json", "escapes double with every level of nesting", &WriteJson},
    {"table", "the row of a table has to be filled as its columns say",
     &WriteTable},
    {"fences", "it is open which block of code has ended", &WriteFences},
    {"markup", "elements that overlap leave open what is closed next",
     &WriteMarkup},
};

}  // namespace

std::span<const KdfMethod> FormatTrapMethods() { return kMethods; }

}  // namespace revlm::challenge
