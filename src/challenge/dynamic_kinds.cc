#include "challenge/dynamic_kinds.h"

#include <utility>

#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

// 1: a question; 2: under a condition; 3: and one more; 4 and 5: after
// statements.
std::string ComposeQuestion(DynamicComposer& composer, uint64_t difficulty) {
  std::string text;
  if (difficulty >= 4)
    text = composer.Statements(difficulty - 2, difficulty - 2);
  std::string question = composer.Expanded("{ask}");
  if (difficulty >= 2) {
    question = composer.Expanded("{condition}, ") + question;
  }
  text += Capitalised(std::move(question));
  if (difficulty >= 3) {
    text += " " + Capitalised(composer.Expanded("{ask_more}"));
  }
  return text + composer.Expanded("{answer_end}");
}

// As many constraints as the difficulty less one, and from 4 on a reason.
std::string ComposeInstruction(DynamicComposer& composer, uint64_t difficulty) {
  std::string text;
  if (difficulty >= 4) text = composer.Statements(1, difficulty - 2);
  text += Capitalised(composer.Expanded("{order}"));
  for (uint64_t i = 1; i < difficulty; ++i) {
    text += composer.Expanded(i % 2 == 1 ? " {constraint}" : ", {constraint}");
    if (i == 2 && difficulty > 3) {
      text += ". " + Capitalised(composer.Expanded("{order}"));
    }
  }
  return text + "." + composer.Expanded("{order_end}");
}

std::string ComposeDescription(DynamicComposer& composer, uint64_t difficulty) {
  std::string text;
  for (uint64_t i = 1; i < difficulty; ++i) {
    text += Capitalised(
        composer.Expanded(i % 2 == 0 ? "{thesis}{besides}" : "{thesis}"));
    text += ". ";
  }
  std::string opening = composer.Expanded("{about}");
  if (difficulty >= 4) opening = composer.Expanded("{condition}, ") + opening;
  return text + Capitalised(std::move(opening));
}

std::string ComposeNarrative(DynamicComposer& composer, uint64_t difficulty) {
  std::string text = composer.Statements(difficulty - 1, 1 + difficulty / 2);
  return text + Capitalised(composer.Expanded("{then}"));
}

struct Speakers {
  std::string_view one;
  std::string_view other;
};
constexpr Speakers kSpeakers[] = {
    {"{name}:", "The {agent}:"},
    {"Q:", "A:"},
    {"-", "-"},
    {"User:", "Assistant:"},
    {"{name} >", "{agent} >"},
    {"[{2-9}:{10-59}] {name}:", "[{9-10}:{10-59}] {name}:"},
    {"Caller:", "Operator:"},
    {"**{name}**", "**{name}**"},
};

// One turn more than the difficulty, the last of them only begun.
std::string ComposeConversation(DynamicComposer& composer,
                                uint64_t difficulty) {
  static constexpr std::string_view kBegun[] = {"",       "",     " I",  " But",
                                                " Well,", " The", " So", " \""};
  const Speakers& speakers = DrawOne(kSpeakers, composer.draws());
  const std::string one = composer.Expanded(speakers.one);
  const std::string other = composer.Expanded(speakers.other);
  std::string text = one + composer.Expanded(" {turn_open}\n");
  for (uint64_t turn = 1; turn < difficulty; ++turn) {
    text += turn % 2 == 1 ? other + composer.Expanded(" {turn_reply}\n")
                          : one + composer.Expanded(" {turn_go_on}\n");
  }
  text += difficulty % 2 == 1 ? other : one;
  return text.append(DrawOne(kBegun, composer.draws()));
}

constexpr DynamicKind kKinds[] = {
    {"question", "an answer has to be chosen, and a manner of answering",
     &ComposeQuestion},
    {"instruction", "an order can be carried out in many ways",
     &ComposeInstruction},
    {"description", "a general remark can go on in many directions",
     &ComposeDescription},
    {"narrative", "what happens next in a story is open", &ComposeNarrative},
    {"conversation", "the next turn can agree, refuse, ask or digress",
     &ComposeConversation},
    {"edge", "a text at the margin of what is usual has no usual continuation",
     &ComposeEdge},
};

}  // namespace

std::span<const DynamicKind> DynamicKinds() { return kKinds; }

}  // namespace revlm::challenge
