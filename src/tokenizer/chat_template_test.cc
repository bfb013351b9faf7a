// Every conversation with every template of the golden file is written as the
// reference writes it (tests/golden/make_chat_golden.py), and what a template
// may not do is refused by name.
#include "tokenizer/chat_template.h"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/files.h"

namespace revlm::tokenizer {
namespace {

std::string ReadData(const std::string& name) {
  const auto file =
      testing::ReadFile(std::string(REVLM_TEST_DATA) + "/chat/" + name);
  EXPECT_TRUE(file) << file.error().message;
  return file.value_or("");
}

Conversation ConversationOf(const base::Json& line) {
  Conversation conversation;
  for (const base::Json& message : line["messages"]) {
    conversation.messages.push_back({message["role"], message["content"]});
  }
  for (const auto& [name, text] : line["tokens"].items()) {
    conversation.tokens.push_back({name, text.get<std::string>()});
  }
  conversation.generation_prompt = line["add_generation_prompt"]
                                       ? GenerationPrompt::kAdd
                                       : GenerationPrompt::kOmit;
  return conversation;
}

// What is marked as content, in order.
std::string ContentOf(const MarkedText& text) {
  std::string content;
  for (const MarkedText::Part& part : text.content()) {
    content += text.text().substr(part.begin, part.end - part.begin);
  }
  return content;
}

// One user's message, the answer begun.
Conversation Ask(const std::string& content) {
  return {.messages = {{"user", content}},
          .generation_prompt = GenerationPrompt::kAdd,
          .tokens = {{"bos_token", "<s>"}, {"pad_token", std::nullopt}}};
}

// What a template makes of `content`, or why it does not.
std::string Rendered(std::string_view text, const std::string& content = "Hi") {
  const auto form = ChatTemplate::Parse(text, "t");
  if (!form) return form.error().message;
  const auto rendered = form->Render(Ask(content));
  return rendered ? rendered->text() : rendered.error().message;
}

std::string At(int line, const std::string& what) {
  return "t: chat template, line " + std::to_string(line) + ": " + what;
}

TEST(ChatTemplateTest, EveryConversationIsWrittenAsByTheReference) {
  std::istringstream lines(ReadData("golden.jsonl"));
  std::map<std::string, ChatTemplate> templates;
  std::string line;
  int num_lines = 0;
  int num_refused = 0;
  while (std::getline(lines, line)) {
    const auto golden = base::ParseJson(line, "golden.jsonl");
    ASSERT_TRUE(golden) << golden.error().message;
    const std::string name = (*golden)["template"];
    if (!templates.contains(name)) {
      auto form = ChatTemplate::Parse(ReadData(name), name);
      ASSERT_TRUE(form) << form.error().message;
      templates.emplace(name, *std::move(form));
    }
    const auto rendered = templates.at(name).Render(ConversationOf(*golden));
    ++num_lines;
    if (golden->contains("refused")) {
      ++num_refused;
      ASSERT_FALSE(rendered) << line;
      EXPECT_EQ(rendered.error().code, ErrorCode::kInvalidArgument) << line;
      EXPECT_NE(rendered.error().message.find(
                    (*golden)["refused"].get<std::string>()),
                std::string::npos)
          << rendered.error().message;
      continue;
    }
    ASSERT_TRUE(rendered) << rendered.error().message << '\n' << line;
    EXPECT_EQ(rendered->text(), (*golden)["text"].get<std::string>()) << line;
  }
  EXPECT_EQ(num_lines, 690);
  EXPECT_EQ(num_refused, 64);
  EXPECT_EQ(templates.size(), 15u);
}

// Whatever a template does with a message, only its bytes are content, and all
// of those that are left.
TEST(ChatTemplateTest, WhatAMessageSaysIsMarked) {
  std::istringstream lines(ReadData("golden.jsonl"));
  std::string line;
  int num_lines = 0;
  while (std::getline(lines, line)) {
    const auto golden = base::ParseJson(line, "golden.jsonl");
    const std::string name = (*golden)["template"];
    if (golden->contains("refused") || name != "chatml.jinja") continue;
    const auto form = ChatTemplate::Parse(ReadData(name), name);
    const Conversation conversation = ConversationOf(*golden);
    const auto rendered = form->Render(conversation);
    std::string content;
    for (const ChatMessage& message : conversation.messages) {
      content += message.content;
    }
    EXPECT_EQ(ContentOf(*rendered), content);
    ++num_lines;
  }
  EXPECT_EQ(num_lines, 46);
}

struct Marked {
  const char* expression;
  const char* content;  // of the message " <Ab>\n"
};

TEST(ChatTemplateTest, MarksGoThroughEveryOperation) {
  const Marked cases[] = {
      {"{{ c }}", " <Ab>\n"},
      {"{{ 'x' + c + c ~ 'y' }}", " <Ab>\n <Ab>\n"},
      {"{{ c | trim }}", "<Ab>"},
      {"{{ ('<Ab>' + c).strip() }}", " <Ab>"},
      {"{{ c.strip().lstrip('<') }}", "Ab>"},
      {"{{ c | upper }}{{ 'ab' | lower }}", " <AB>\n"},
      {"{{ (c ~ 'x')[1:] }}", "<Ab>\n"},
      {"{{ ('xy' + c)[::-1] }}", "\n>bA< "},
      {"{{ c[2] }}{{ 'x'[0] }}", "A"},
      {"{{ ('x,' + c).split('A')[1] }}", "b>\n"},
      {"{{ c | string }}{{ c.split('A') | last }}", " <Ab>\nb>\n"},
      {"{{ [c, 'x'][0] }}{{ {'a': c}.a }}", " <Ab>\n <Ab>\n"},
      {"{{ c or 'x' }}{{ none or 'x' }}", " <Ab>\n"},
      {"{{ c == ' <Ab>\n' }}{{ c | length }}", ""},
      {"{% for m in messages %}{{ m.role }}{{ m.get('content') }}{% endfor %}",
       " <Ab>\n"},
  };
  for (const Marked& one : cases) {
    const auto form = ChatTemplate::Parse(
        std::string("{% set c = messages[0].content %}") + one.expression, "t");
    ASSERT_TRUE(form) << form.error().message;
    const auto rendered = form->Render(Ask(" <Ab>\n"));
    ASSERT_TRUE(rendered) << one.expression << rendered.error().message;
    EXPECT_EQ(ContentOf(*rendered), one.content) << one.expression;
  }
}

TEST(ChatTemplateTest, WhitespaceIsTakenAsByHuggingFace) {
  EXPECT_EQ(Rendered("a\n  {% if true %}\n  b\n  {% endif %}\n c\n"),
            "a\n  b\n c");
  EXPECT_EQ(Rendered("a\n  {%+ if true +%}\nb{%- endif -%}\n c"), "a\n  \nbc");
  EXPECT_EQ(Rendered("a\n  {{ 1 }}\n  {{- 2 -}}\n b"), "a\n  12b");
  EXPECT_EQ(Rendered("a\r\n {# x #}\r\nb\r\n"), "a\nb");
  EXPECT_EQ(Rendered(" {#- x -#} a{#+ x +#}\nb\n\n"), "a\nb\n");
  EXPECT_EQ(Rendered("\u00a0 {%- set x = 1 %} \u2003{{- x }}"), "1");
}

TEST(ChatTemplateTest, WhatALoopSetsIsGoneAfterItsTurn) {
  EXPECT_EQ(Rendered("{% set x = 1 %}{% for i in [1, 2] %}{{ x }}"
                     "{% set x = 5 %}{{ x }}{% endfor %}{{ x }}"),
            "15151");
  EXPECT_EQ(Rendered("{% set n = namespace(x=1) %}{% for i in [1, 2] %}"
                     "{{ n.x }}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}"),
            "124");
  EXPECT_EQ(Rendered("{% if true %}{% set x = 1 %}{% endif %}{{ x }}"), "1");
}

TEST(ChatTemplateTest, WhatIsGivenCanBeSetOnceItIsReadOutsideALoop) {
  EXPECT_EQ(Rendered("{% for i in messages %}{{ messages | length }}"
                     "{% endfor %}{% set messages = 7 %}{{ messages }}"),
            "17");
  EXPECT_EQ(Rendered("{% for i in [1, 2] %}{% set messages = i %}"
                     "{{ messages }}{% endfor %}{{ messages | length }}"),
            "121");
}

// In Python the second loop over a selection finds nothing left.
TEST(ChatTemplateTest, ASelectionIsNotKept) {
  const std::string selection = "messages | selectattr('role')";
  const std::string refused = At(1,
                                 "keeping what selectattr or rejectattr gives "
                                 "is not supported, it can be read once; with "
                                 "\"| list\" it is");
  for (const std::string& text :
       {"{% set u = " + selection + " %}",
        std::string("{% set u = messages | rejectattr('content') %}"),
        "{% set u = (" + selection + ") if true else [] %}",
        "{% set n = namespace(u=" + selection + ") %}",
        "{% set n = namespace() %}{% set n.u = " + selection + " %}",
        "{% set u = [" + selection + "] %}",
        "{% set u = {'a': (" + selection + ")} %}",
        "{% for u in [" + selection + "] %}{% endfor %}"}) {
    EXPECT_EQ(Rendered(text), refused) << text;
  }
  EXPECT_EQ(Rendered("{% set u = " + selection +
                     " | list %}{% for i in [1, 2] %}{% for m in u %}"
                     "{{ m.role }}{% endfor %}{% endfor %}"),
            Rendered("{% for i in [1, 2] %}{% for m in " + selection +
                     " %}{{ m.role }}{% endfor %}{% endfor %}"));
}

TEST(ChatTemplateTest, WhatIsNotSupportedIsRefusedByName) {
  const std::pair<const char*, std::string> cases[] = {
      {"\n{% macro f() %}", At(2, "tag \"macro\" is not supported")},
      {"{% raw %}{{ {% endraw %}", At(1, "tag \"raw\" is not supported")},
      {"{% generation %}", At(1, "tag \"generation\" is not supported")},
      {"{% set x %}a{% endset %}",
       At(1, "set \"as a block\" is not supported")},
      {"{% for a, b in messages %}{% endfor %}",
       At(1, "a loop with \"a, b\" is not supported")},
      {"{% for a in b recursive %}{% endfor %}",
       At(1, "for with \"recursive\" is not supported")},
      {"{% for i in [1] %}{{ messages | length }}{% endfor %}"
       "{% set messages = 1 %}",
       At(1,
          "setting, after a loop that reads it, \"messages\" is not "
          "supported")},
      {"\n\n{{ messages | map }}", At(3, "filter \"map\" is not supported")},
      {"{{ messages | tojson }}", At(1, "filter \"tojson\" is not supported")},
      {"{{ 1 | trim(1) }}",
       At(1, "filter \"trim\" of a number with a number is not supported")},
      {"{{ 1 | default(value=2) }}",
       At(1, "a filter with \"value=\" is not supported")},
      {"{{ 1 is callable }}", At(1, "test \"callable\" is not supported")},
      {"{{ range(3) }}", At(1, "function \"range\" is not supported")},
      {"{{ strftime_now('%Y') }}",
       At(1, "function \"strftime_now\" is not supported")},
      {"{{ strftime_now is defined }}",
       At(1, "the name \"strftime_now\" is not supported")},
      {"{{ 'a'.title() }}",
       At(1, "method \"title\" of a string is not supported")},
      {"{{ messages[0].items() }}",
       At(1, "method \"items\" of a dictionary is not supported")},
      {"{{ messages[0].items }}",
       At(1, "attribute \"items\" of a dictionary is not supported")},
      {"{{ messages[0]['__class__'] }}",
       At(1, "attribute \"__class__\" of a dictionary is not supported")},
      {"{{ ''.__class__ }}",
       At(1, "attribute \"__class__\" of a string is not supported")},
      {"{{ messages }}", At(1, "printing a list is not supported")},
      {"{{ 1.5 }}", At(1,
                       "number \"1.5\" is not supported, only decimal "
                       "integers of up to 18 digits are")},
      {"{{ 1 / 2 }}", At(1, "operator \"/\" is not supported")},
      {"{{ '\\N{DASH}' }}", At(1, "escape \"\\x5cN\" is not supported")},
      {"{{ 'é' | upper }}",
       At(1, "\"upper\" of characters beyond ASCII is not supported")},
      {"{{ unset + 'x' }}", At(1,
                               "\"+\" of \"unset\", which is undefined and "
                               "a string is not supported")},
      {"{{ eos_token }}", At(1,
                             "\"eos_token\" is not known, the tokenizer's "
                             "configuration does not say what it is")},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(Rendered(text), message) << text;
  }
}

TEST(ChatTemplateTest, WhatIsDamagedIsNamedByItsLine) {
  const std::pair<const char*, std::string> cases[] = {
      {"\n{{ 1", At(2, "found the end of the template, \"}}\" is missing")},
      {"{% if true", At(1, "found the end of the template, \"%}\" is missing")},
      {"{# x", At(1, "a comment without an end")},
      {"{{ 'x }}", At(1, "a string without an end")},
      {"{{ ? }}", At(1, "found \"?\", which is not of the template language")},
      {"{{ }}", At(1, "found \"}}\", allowed is an expression")},
      {"{{ a b }}", At(1, "found \"b\", allowed is }}")},
      {"{% if a %}", At(1,
                        "found the end of the template, allowed is "
                        "{% endif %}")},
      {"{% endif %}",
       At(1, "found \"endif\", allowed is a tag that may be here")},
      {"{% if a %}{% else %}{% elif b %}{% endif %}",
       At(1, "found \"elif\", allowed is a tag that may be here")},
      {"{{ a[] }}", At(1,
                       "found \"]\", allowed is an expression between [ "
                       "and ]")},
      {"{{ a[1:2:3:4] }}", At(1, "found \"4\", allowed is ]")},
      {"{{ (a }}", At(1, "found the end of the template, \"}}\" is missing")},
      {"{% set if = 1 %}", At(1, "found \"if\", allowed is a name")},
      {"{{ x is defined if y }}",
       At(1, "found \"if\", allowed is what may follow a test")},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(Rendered(text), message) << text;
  }
}

TEST(ChatTemplateTest, BranchesNotTakenMayHoldWhatIsNotSupported) {
  EXPECT_EQ(Rendered("{% if tools %}{{ tools | tojson(indent=4) }}"
                     "{% for k, v in tools.items() %}{{ f(k, v=1) }}"
                     "{% endfor %}{% else %}plain{% endif %}"),
            "plain");
}

TEST(ChatTemplateTest, ATokenThatThereIsNotIsPrintedAsNothing) {
  EXPECT_EQ(Rendered("{{ bos_token }}[{{ pad_token }}]"), "<s>[]");
}

// ---- Templates made to hurt ------------------------------------------------

std::string Repeated(const std::string& unit, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(ChatTemplateTest, DepthIsBounded) {
  for (const std::string& text :
       {"{{ " + Repeated("(", 20'000) + Repeated(")", 20'000) + " }}",
        "{{ " + Repeated("[", 20'000) + Repeated("]", 20'000) + " }}",
        "{{ " + Repeated("not ", 10'000) + "x }}",
        "{{ " + Repeated("-", 30'000) + "1 }}",
        "{{ x" + Repeated("[0]", 10'000) + " }}",
        "{{ x" + Repeated("|trim", 10'000) + " }}",
        "{{ 1" + Repeated("+1", 10'000) + " }}",
        "{{ 1" + Repeated(" if 1", 8'000) + " }}",
        "{{ 1" + Repeated(" if 1 else 1", 4'000) + " }}",
        Repeated("{% if 1 %}", 5'000), Repeated("{% for x in y %}", 4'000)}) {
    const auto form = ChatTemplate::Parse(text, "t");
    ASSERT_FALSE(form) << text.substr(0, 40);
    EXPECT_EQ(form.error().code, ErrorCode::kUnsupported)
        << form.error().message;
  }
  EXPECT_EQ(Rendered("{{ 1" + Repeated("~1", 10'000) + " }}"),
            Repeated("1", 10'001));
}

TEST(ChatTemplateTest, StepsAndBytesAreBounded) {
  const std::string loops = Repeated("{% for a in l %}", 12);
  for (const std::string& text : {
           // 16^12 turns.
           "{% set l = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6] %}" +
               loops + "x" + Repeated("{% endfor %}", 12),
           // 2^40 bytes.
           "{% set s = 'x' %}" + Repeated("{% set s = s + s %}", 40),
           "{% set l = [1] %}" + Repeated("{% set l = l + l %}", 40),
           // Lists in lists, compared: 2^1000 leaves.
           "{% set n = namespace(l=[1]) %}" +
               Repeated("{% set n.l = [n.l, n.l] %}", 1'000) +
               "{{ n.l == n.l }}",
           // A list of itself, as far as lists go, 20 ways each.
           "{% set l = 1 %}" +
               Repeated("{% set l = [" + Repeated("l,", 20) + "] %}", 15) +
               "{{ l == l }}",
       }) {
    const auto form = ChatTemplate::Parse(text, "t");
    ASSERT_TRUE(form) << form.error().message;
    const auto rendered = form->Render(Ask("Hi"));
    ASSERT_FALSE(rendered) << text.substr(0, 60);
    EXPECT_EQ(rendered.error().code, ErrorCode::kUnsupported);
  }
}

TEST(ChatTemplateTest, ALongMessageIsWrittenInFull) {
  const std::string content(3 << 20, 'x');
  const auto form = ChatTemplate::Parse(ReadData("llama3.jinja"), "t");
  ASSERT_TRUE(form) << form.error().message;
  const auto rendered = form->Render(Ask(content));
  ASSERT_TRUE(rendered) << rendered.error().message;
  EXPECT_EQ(ContentOf(*rendered), content);
}

TEST(ChatTemplateTest, WhatIsTooLongOrNotTextIsRefused) {
  EXPECT_EQ(Rendered(std::string(kMaxTemplateBytes + 1, 'x')),
            "t: chat template: 65537 bytes, supported are 65536");
  EXPECT_EQ(Rendered("\xff"),
            "t: chat template: found bytes that are not UTF-8");
  EXPECT_EQ(Rendered("x", "\xff"),
            "rendering a message of \"user\": found bytes that are not UTF-8");
}

}  // namespace
}  // namespace revlm::tokenizer
