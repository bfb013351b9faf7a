#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kStructure[] = {
    {"structure/data/json",
     {"{{\"{id:a}\": {2-999}, \"{id:b}\": [\"{things}\", \"",
      "[{{\"name\": \"{name}\", \"city\": \"{city}\"}}, {{\"name\": "
      "\"{name}\",",
      "{{\"{id:a}\": null, \"{id:b}\": true, \"{id:c}\":"}},
    {"structure/data/csv",
     {"{id:a};{id:b};{id:c}\n{name};{2-99};{city}\n{name};",
      "date,{id:a},{id:b}\n{1951-1999}-{10-12}-{10-28},{2-99},{2-99}\n",
      "\"{things}\",{2-99},\"{city}, {country}\"\n\"{things}\","}},
    {"structure/data/yaml",
     {"{id:a}:\n  - name: {name}\n    {id:b}: {2-99}\n  -",
      "{id:a}: &{id:b}\n  {id:c}: {2-99}\n{id:d}:\n  <<:",
      "version: {2-9}\n{id:a}:\n  {id:b}: \"{colour}\"\n "}},
    {"structure/data/xml",
     {"<{id:a} id=\"{2-999}\"><{id:b}>{things}</{:b}><",
      "<?xml version=\"1.0\"?>\n<{id:a}>\n  <{id:b} {id:c}=\"{colour}\"",
      "<li class=\"{id}\"><a href=\"/{id}/{2-999}\">{things}</a></li>\n<li"}},
    {"structure/documents/markdown",
     {"## {Verb} the {id}\n\n1. {Verb} the **{id}**.\n2.",
      "> {name}: \"the {things} are {adj}\"\n\nThis was on {day}. On",
      "- [x] {verb} the {id}\n- [ ] {verb} {things}\n- ["}},
    {"structure/documents/outline",
     {"{2-9}. The {object}\n  {2-9}.1 Its parts\n  {2-9}.2",
      "Contents\n\nPreface {3-9}\nThe {things} of {city} {11-19}\n{topic}",
      "I. {month}\n   A. {things}\n   B. {things}\nII."}},
    {"structure/documents/references",
     {"{name} {Inv}: On {topic}. {city} {1901-1999}, pp. {2-99}-",
      "[{2-99}] {Inv}, {Inv} et al., \"{things} and",
      "see {Inv} ({1901-1999}), chapter {2-19}; for another view"}},
    {"structure/documents/dates",
     {"{day}, {1-28} {month} {1951-1999}, {6-22}:{10-59}\n{day},",
      "{1951-1999}-{10-12}-{10-28}T{10-23}:{10-59}:{10-59}Z ->",
      "Opening hours of {place}: {day:a} to {day:b} {6-9}-{12-19}, {day:c}"}},
    {"structure/traps/nesting",
     {"f({id:a}[{id:b}({2-99}, {{ {id:c}: [{2-99}",
      "((({2-99} + {id}) * {id}) - ({2-99}",
      "\"The sign says '{name} said \"{things}\"' and"}},
    {"structure/traps/embedding",
     {"{{\"{id:a}\": \"{{\\\"{id:b}\\\": {2-999}, \\\"{id:c}\\\"",
      "```markdown\nUse it like this:\n```{id}\n{verb}({2-99})\n``",
      "echo \"{id}='{verb} \\\"{things}\\\" {2-99}"}},
    {"structure/traps/tables",
     {"| {id:a} | {id:b} | {id:c} |\n|---|---:|---|\n| {things} | {2-99} |",
      "{things}  {2-99}  {colour}\n{things}  {2-99}",
      "+------+------+\n| {2-99} | {2-99} |\n+------+------+\n| {colour}"}},
};

constexpr TaxonomyLeaf kInteraction[] = {
    {"interaction/dialogue/turns",
     {"{name:a}: Did the {person} say anything about the {object}?\n{name:b}:",
      "- {day:a} at {place}?\n- No, {day:b}. And bring the {things}.\n-",
      "\"I saw your {animal} at {place},\" said {name:a}.\n\""}},
    {"interaction/dialogue/service",
     {"Customer: My {object} came without the {things}.\nSupport:",
      "Guest: Is there a quieter room? I am in {102-498}, above "
      "{place}.\nDesk:",
      "Caller: The {person} was to come on {day}.\nOperator: I am sorry,"}},
    {"interaction/dialogue/disagreement",
     {"{name:a}: The {object} is {adj:c}.\n{name:b}: It is {adj:d}!\n{:a}:",
      "\"{things} in {month}? Never,\" said the {person}. {name}",
      "{name:a} thinks {city} is dull. {name:b} answers:"}},
    {"interaction/dialogue/interview",
     {"Interviewer: You were a {person} in {city} until {1951-1999}. Why did "
      "you stop?\n{name}:",
      "Q: What did you learn from {topic}?\nA:",
      "Reporter: And the {things}?\nMayor of {city}:"}},
    {"interaction/instructions/single_task",
     {"Write one sentence about {topic} in {city}.\n",
      "Explain to {name} what a {object} is for.\n",
      "Suggest a name for a {adj} {animal}.\n"}},
    {"interaction/instructions/constraints",
     {"Describe the {object} in exactly {5-40} words, without the letter e.\n",
      "List {3-9} {things}, each with a colour, none of them {colour}.\n",
      "Tell {name} about {topic} in one sentence that ends with "
      "\"{things}\".\n"}},
    {"interaction/instructions/roles",
     {"You are a {person} in {city}, {1801-1989}. A stranger asks about the "
      "{object}. You say:",
      "As a {animal}, I think that {topic}",
      "Speak as a {adj} {person} who has never seen {things}.\n"}},
    {"interaction/conflict/contradiction",
     {"Answer in one word. Explain at length. Why do {things} break at "
      "{place}?\n",
      "Do not mention the {object}. What is {spot} in the picture of the "
      "{object}?\n",
      "Name a {colour:a} thing that is {colour:b} only, for {name}:"}},
    {"interaction/conflict/changed_rule",
     {"Say \"{things:a}\" to every question. What is {2-99} + {2-99}? {:a}. "
      "Now "
      "stop that. What is {2-99} + {2-99}?",
      "{2-49} means {colour:a}, {50-99} means {colour:b}. From now on it is "
      "the "
      "other way round. {2-99} means",
      "Until {day} write in capitals. TODAY {name} SAW A {adj} {animal}. It is "
      "{day} now, and"}},
    {"interaction/conflict/voices",
     {"{name:a}: Put the {object} {spot}.\n{name:b}: No, leave it at "
      "{place}.\nThe {person}:",
      "The {person:a} wants {food:b}, the {person:c} wants {food:d}, and the "
      "cook says:",
      "Left sign: {city:a}. Right sign: also {:a}. {name}"}},
    {"interaction/messages/email",
     {"From: {name:a}\nTo: {name:b}\nSubject: The {object} of {day}\n\n",
      "Dear {name},\n\nthank you for the {things}. Unfortunately",
      "Hi {name},\n\nquick question about {topic}:"}},
    {"interaction/messages/notices",
     {"NOTICE: On {day} {place} is closed, because",
      "Lost at {place}: one {adj} {object}. If found,",
      "For sale: {object}, {colour}, {adj}, {12-98} coins or"}},
    {"interaction/messages/reviews",
     {"{2-4} stars. The {food} was fine, but the {person}",
      "I bought this {object} in {month} and",
      "Pros: {adj}, cheap. Cons: the {things}. All in all, a {object}"}},
};

}  // namespace

std::span<const TaxonomyLeaf> StructureLeaves() { return kStructure; }
std::span<const TaxonomyLeaf> InteractionLeaves() { return kInteraction; }

}  // namespace revlm::challenge
