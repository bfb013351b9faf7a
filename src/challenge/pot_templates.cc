#include "challenge/pot_grammar.h"

namespace revlm::challenge {
namespace {

using enum PotDomain;

constexpr PotTemplate kTemplates[] = {
    {kArithmetic, 1,
     "{2-9:a} + {2-9:b} = {=a+b}\n{2-9:c} + {2-9:d} = {=c+d}\n{2-9} + {2-9} ="},
    {kArithmetic, 1,
     "{name:a} has {2-9} {thing:t} and gets {2-9} more {:t}. Now {:a} has"},
    {kArithmetic, 1,
     "{!2-12:a}{!2-9:b}{=a*b} / {=a} = {=b}\n{!2-12:c}{!2-9:d}{=c*d} / {=c} = "
     "{=d}\n{!2-12:e}{!2-9:f}{=e*f} / {=e} ="},
    {kArithmetic, 1,
     "There were {4-12} {animal} in the field. {name} led {1-3} of them home, "
     "which left"},
    {kArithmetic, 2, "{12-98:a} + {12-98:b} = {=a+b}\n{12-98} + {12-98} ="},
    {kArithmetic, 2, "{120-980} - {12-98} ="},
    {kArithmetic, 2,
     "On {day:d} {name} sold {112-480} {thing}, and on {day:e} {112-480}. "
     "Together that makes"},
    {kArithmetic, 2,
     "Subtract {12-58} from {60-98}, then add {3-9}. The result is"},
    {kArithmetic, 3, "{12-98} * {3-9} + {12-98} ="},
    {kArithmetic, 3,
     "A ticket to {city} costs {12-98} coins. {name} buys {3-9} of them and "
     "pays"},
    {kArithmetic, 3, "({12-98} + {12-98}) * {3-9} ="},
    {kArithmetic, 3,
     "{13-19} boxes with {21-89} {thing} each hold, all in all,"},
    {kArithmetic, 4, "{102-998} * {12-98} ="},
    {kArithmetic, 4, "{1002-9998} + {1002-9998} - {102-998} ="},
    {kArithmetic, 4,
     "{name} divides {2002-9998} {thing} among {13-97} people. Rounded down, "
     "each gets"},
    {kArithmetic, 4, "The remainder of {1002-9998} divided by {13-97} is"},
    {kArithmetic, 5,
     "({102-998} * {12-98} + {12-98}) / {3-9}, rounded to a whole number, is"},
    {kArithmetic, 5,
     "The square root of {10002-99998}, rounded to three decimals, is"},
    {kArithmetic, 5, "The smallest prime above {10002-99998} is"},
    {kArithmetic, 5, "Written in base {3-7}, the number {1002-9998} is"},

    {kCode, 1,
     "def __init__(self, {id:a}, {id:b}, {id:c}):\n    self.{:a} = {:a}\n    "
     "self.{:b} = {:b}\n    self.{:c} ="},
    {kCode, 1,
     "if {id:a} is None:\n    raise ValueError(\"{:a} is missing\")\nif {id:b} "
     "is None:\n    raise ValueError(\"{:b} is missing\")\nif {id:c} is "
     "None:\n    raise ValueError(\""},
    {kCode, 1, "enum {Type} {{\n  {id:a} = 0,\n  {id:b} = 1,\n  {id:c} ="},
    {kCode, 2, "SELECT {id:a}, {id:b} FROM {id:c} WHERE {:a} >"},
    {kCode, 2,
     "for (int i = 0; i < {id:a}.size(); ++i) {{\n  {id:b} += {:a}[i].{id:c}"},
    {kCode, 2, "function {verb}{Type}({id:a}, {id:b}) {{\n  return {:a}."},
    {kCode, 2, "{id:a} = [{2-9}, {2-9}, {2-9}]\nprint(sum({:a}))  # prints"},
    {kCode, 3,
     "def {verb}_{id:a}({id:b}, {id:c}):\n    \"\"\"Return the {:a} of {:b} "
     "without {:c}.\"\"\"\n   "},
    {kCode, 3, "# {verb} every {id:a} whose {id:b} is above {12-98}\n"},
    {kCode, 3, "git commit -m \"{verb} the {id:a} of the {id:b}"},
    {kCode, 3, "int {verb}_{id:a}(int {id:b}) {{\n  if ({:b} < {2-99}) return"},
    {kCode, 4,
     "// This loop starts at {2-9} and not at zero, because the {id:a} of the "
     "{id:b}"},
    {kCode, 4, "try:\n    {id:a} = {verb}({id:b})\nexcept"},
    {kCode, 4, "assert {verb}({2-99}, {2-99}) =="},
    {kCode, 4,
     "class {Type:a}({Type:b}):\n    \"\"\"A {adj} {:b} that keeps its {id} "
     "and"},
    {kCode, 5, "Changes in version {2-9}.{2-19}:\n- {verb} the {id} more"},
    {kCode, 5,
     "The bug in line {12-998} of {verb}_{id} only showed on a {day}, since"},
    {kCode, 5, "{id:a} = {verb}({id:b}) if {id:c}"},
    {kCode, 5, "#define {inv} {2-250} /* the {adj}"},

    {kFacts, 1,
     "On page {2-400} of the atlas, the capital of {country} is given as"},
    {kFacts, 1,
     "In the lesson on {day}, {name} learned that the chemical symbol of "
     "{element} is"},
    {kFacts, 1, "{name} read on card {2-99}: {sure}"},
    {kFacts, 2, "{name} read on card {2-99}: {likely}"},
    {kFacts, 2, "In {month} {1951-1999}, shops in {country} took payment in"},
    {kFacts, 2,
     "{name} had {2-9} seconds to name the two largest cities of {country} and "
     "said"},
    {kFacts, 3,
     "The train that leaves {city:a} on {day} at {6-22} o'clock and stops in "
     "{city:b} goes on to"},
    {kFacts, 3,
     "In {1851-1949}, a merchant from {city} who went to {country} mostly "
     "bought"},
    {kFacts, 3,
     "In {month} {1951-1999}, the population of {country} was close to"},
    {kFacts, 4,
     "In {1851-1949}, a visitor to {city} noted that the {animal} there"},
    {kFacts, 4, "The {adj} {object} in the museum of {city} was made in"},
    {kFacts, 4,
     "The {job} who lived at number {2-99} of a street in {city} is remembered "
     "for"},
    {kFacts, 5, "The scholar {Inv} of {Inv} is remembered for"},
    {kFacts, 5, "The river {Inv} rises near {Inv} and flows into"},
    {kFacts, 5, "In the {Inv} calendar, the month of {Inv} is followed by"},
    {kFacts, 5, "The {adj} stone called {inv} is found only in"},

    {kLists, 1,
     "{!2-9:d}{2-60:a}, {=a+d}, {=a+2*d}, {=a+3*d}\n{!2-9:e}{2-60:b}, {=b+e}, "
     "{=b+2*e},"},
    {kLists, 1, "{colour:a} {animal:b} {thing:c} {:a} {:b} {:c} {:a} {:b}"},
    {kLists, 1, "{thing:a}, {thing:b}, {thing:c}; backwards: {:c}, {:b},"},
    {kLists, 1, "{name:a} 1, {name:b} 2, {name:c} 3, {:a} 4, {:b} 5, {:c}"},
    {kLists, 2,
     "{!3-12:d}{name} counts down: {50-98:a}, {=a-d}, {=a-2*d}, {=a-3*d},"},
    {kLists, 2,
     "{!2-9:d}{2-60:a}, {10-90:b}, {=a+d}, {=b+10}, {=a+2*d}, {=b+20}, "
     "{=a+3*d},"},
    {kLists, 2,
     "In the order of the alphabet, the first of {name:a}, {name:b} and "
     "{name:c} is"},
    {kLists, 3,
     "{!2-9:d}{name} writes {3-90:a}, {=a+d}, {=a+3*d}, {=a+6*d}, {=a+10*d},"},
    {kLists, 3,
     "{colour:a}, {colour:b}, {colour:c}, and the next colour on the list of "
     "{name} is"},
    {kLists, 3,
     "Three of {thing:a}, {animal:b}, {thing:c} and {thing:d} belong together. "
     "The odd one out is"},
    {kLists, 4, "To pack for {place}: {thing:a}, {thing:b}, {thing:c},"},
    {kLists, 4, "Plan of {name} for {day}:\n1. Look for the {object}\n2."},
    {kLists, 4, "{food:a}, {food:b}, {colour:c}, {food:d}, {colour:e},"},
    {kLists, 5,
     "Found in {place} on {day}: a {adj} {object}, some {thing}, and"},
    {kLists, 5, "Words that {name} likes: {adj}, {inv}, {colour}, {inv},"},
    {kLists, 5, "{inv}, {inv}, {inv},"},
    {kLists, 5, "Ten reasons to visit {place} in {month}:\n1. The {thing}\n2."},

    {kFormats, 1, "{{\"{id:a}\": {2-99}, \"{id:b}\": {2-99}, \"{id:c}\""},
    {kFormats, 1, "<{id:a}><{id:b}>{2-999}</{:b}></"},
    {kFormats, 1, "[{id:a}]\n{id:b} = {2-99}\n\n[{id:c}]\n{id:d}"},
    {kFormats, 1, "| {id:a} | {id:b} | {id:c} |\n|"},
    {kFormats, 2, "{id:a},{id:b},{id:c}\n{2-99},{2-99},{2-99}\n{2-99},{2-99},"},
    {kFormats, 2, "- name: {name:a}\n  age: {20-60}\n- name: {name:b}\n "},
    {kFormats, 2,
     "{{\"name\": \"{name}\", \"city\": \"{city}\", \"born\": {1951-1999}, "
     "\"age\":"},
    {kFormats, 2,
     "<ul>\n<li>{thing:a}</li>\n<li>{thing:b}</li>\n<li>{thing:c}</li>\n<"},
    {kFormats, 3, "From: {name:a}\nTo: {name:b}\nSubject: {topic}\n\n"},
    {kFormats, 3,
     "| Day | Place | Who | {id} |\n|---|---|---|---|\n| {day} | {place} | "
     "{name} |"},
    {kFormats, 3, "{{\"{id:a}\": [{2-99}, {2-99}], \"{id:b}\": \"{adj}\", \""},
    {kFormats, 3, "# Notes on {topic}\n\n- {day}: {verb} the {id}\n-"},
    {kFormats, 4,
     "{1951-1999}-{10-12}-{10-28} {10-23}:{10-59} {id}: {adj} {id};"},
    {kFormats, 4, "[{id:a}]\n{id:b} = {id:c}\n{id:d} = {2-99}\n# {adj}"},
    {kFormats, 4,
     "TITLE: On {topic}\nAUTHOR: {name}\nYEAR: {1951-1999}\nABSTRACT:"},
    {kFormats, 4, "@{id}{{{inv},\n  title = {{On {topic}}},\n  author = {{"},
    {kFormats, 5, "{symbol}{symbol} {inv}: {2-99}% {symbol}"},
    {kFormats, 5, "{inv}={2-999}&{id}={inv}&{inv}="},
    {kFormats, 5, "<!-- {inv} {adj} {id} -->\n<"},
    {kFormats, 5, "{inv}:\n  {inv}: {2-99}\n  {inv}:"},

    {kDialogue, 1,
     "{name:a}: Good morning, {name:b}! What day is it today?\n{:b}: It is "
     "{day}.\n{:a}: Thank you. So today is"},
    {kDialogue, 1,
     "\"Please pass me the {food},\" said {name:a}. \"Here you are,\" said "
     "{name:b}. \"Thank"},
    {kDialogue, 1,
     "The {job} asked for names. \"My name is {name:a},\" said {:a}, and "
     "{name:b} said: \"My name is"},
    {kDialogue, 2,
     "{name:a}: Did you find the {object:o}?\n{name:b}: Yes, the {:o} was in "
     "the {container}.\n{:a}: Really, in the"},
    {kDialogue, 2,
     "Customer: How much are the {thing:a}?\nSeller: {2-99} coins.\nCustomer: "
     "And the {thing:b}?\nSeller:"},
    {kDialogue, 2,
     "Teacher: {name:a} and {name:b}, please count on from {2-60:n}.\n{:a}: "
     "{=n+1}.\n{:b}: {=n+2}.\n{:a}:"},
    {kDialogue, 3,
     "{name:a}: Shall we meet at {place}?\n{name:b}: I would rather"},
    {kDialogue, 3,
     "\"Where is the {object}?\" asked {name:a}. {name:b} shrugged and said"},
    {kDialogue, 3, "Caller: I have lost my {adj} {object}.\nClerk at {place}:"},
    {kDialogue, 4, "{name:a}: You never told me about {topic}.\n{name:b}:"},
    {kDialogue, 4,
     "\"How {adj},\" muttered the {job}, looking at the {object}. \"Just"},
    {kDialogue, 4,
     "Interviewer: Why did you become a {job} in {1951-1999}?\n{name}:"},
    {kDialogue, 5, "{name:a}: {inv}!\n{name:b}: {inv}?\n{:a}:"},
    {kDialogue, 5, "In {place}, the {object:a} said to the {object:b}:"},
    {kDialogue, 5, "{name:a} laughed at the word \"{inv}\" and answered:"},

    {kTranslation, 1, "English - Spanish\n{es:a}\n{es:b}\n{es:c}\n{noun} -"},
    {kTranslation, 1, "English - French\n{fr:a}\n{fr:b}\n{fr:c}\n{noun} -"},
    {kTranslation, 2, "{de:a}\n{de:b}\n{noun} -"},
    {kTranslation, 2, "{it:a}\n{it:b}\n{noun} -"},
    {kTranslation, 2,
     "English: On {day} I saw the {noun:a} and the {noun:b}.\nFrench:"},
    {kTranslation, 3,
     "The {language} word for \"{noun:a}\" does not sound like the one for "
     "\"{noun:b}\". It is"},
    {kTranslation, 3,
     "English: {name} bought {3-99} {thing} in {city}.\n{language}:"},
    {kTranslation, 4, "Plain: The {job} lost the {adj} {object}.\nPoetic:"},
    {kTranslation, 4,
     "Formal: I regret that the {object} is too {adj} for {name}.\nCasual:"},
    {kTranslation, 4,
     "An old saying in modern words: who sells {thing:a} in {month} and "
     "{thing:b} on a {day} will"},
    {kTranslation, 5,
     "In the language of {Inv}, \"{syl:a}{syl:b}\" means {colour:x} and "
     "\"{:a}{syl:c}\" means {colour:y}, so \"{:c}{:b}\" means"},
    {kTranslation, 5, "{inv} = {noun:a}\n{inv} = {noun:b}\n{inv} ="},
    {kTranslation, 5,
     "Translated into {language} and back, \"the {adj} {object}\" becomes "
     "\"the"},

    {kCommonsense, 1,
     "On {day}, {name:a} put the {object:o} into the {container} and left. To "
     "find the {:o}, {:a} must look in the"},
    {kCommonsense, 1,
     "{name:a} is older than {name:b}, says {name:c}. So {:b} is younger than"},
    {kCommonsense, 1,
     "The {colour:a} {object} is heavy and the {colour:b} one is light. The "
     "heavy one is"},
    {kCommonsense, 2,
     "{name:a} is taller than {name:b}, and {:b} is taller than {name:c}. The "
     "shortest of the three is"},
    {kCommonsense, 2,
     "{name:a} gave the {object} to {name:b}, who gave it to {name:c}. Now it "
     "belongs to"},
    {kCommonsense, 2,
     "All {animal} near {place} are {adj}. {name} met one of them there, and "
     "it was"},
    {kCommonsense, 3,
     "At {place}, the {object} did not fit into the {container} because it was "
     "too"},
    {kCommonsense, 3,
     "{name:a} called {name:b} on {day}, since it was the birthday of"},
    {kCommonsense, 3,
     "In the room were {3-9} {animal} and {3-9} {thing}. What was noticed "
     "first were the"},
    {kCommonsense, 4,
     "The {job} at {place} saw that the {object} was wet, although it had not "
     "rained. The reason was"},
    {kCommonsense, 4,
     "{name:a} smiled at {name:b} but did not take the {object}, because"},
    {kCommonsense, 4,
     "Before {month} ends, a careful {job} counts the {thing} and"},
    {kCommonsense, 5,
     "Asked to choose between {adj} {thing:a} and {adj} {thing:b}, most people "
     "in {city} take the"},
    {kCommonsense, 5,
     "If the {animal} at {place} could talk, the first thing they would say "
     "about {topic} is"},
    {kCommonsense, 5, "The {adj} {object} in {place} is used for"},

    {kUnicode, 1, "{emoji:a}{emoji:b}{emoji:c}{:a}{:b}{:c}{:a}{:b}"},
    {kUnicode, 1, "{accent:a}, {accent:b}, {accent:c}; again: {:a}, {:b},"},
    {kUnicode, 1, "{symbol:a}{symbol:b}{symbol:c}{symbol:d} {:a}{:b}{:c}"},
    {kUnicode, 2, "{emoji:a} = {2-99}\n{emoji:b} = {2-99}\n{:a} ="},
    {kUnicode, 2,
     "{name} types without accents: instead of {accent:a} and {accent:b},"},
    {kUnicode, 2, "{fraction:a} {fraction:b} {fraction:c} {:c} {:b}"},
    {kUnicode, 3,
     "{name} asks what the signs {symbol:a} and {symbol:b} have in common. "
     "They"},
    {kUnicode, 3, "{script:a}, {script:b}, {script:c},"},
    {kUnicode, 3, "{emoji:a}{emoji:b}{:a}{:a}{:b}{:a}{:a}{:a}{emoji:c}"},
    {kUnicode, 4, "{emoji}{emoji}{emoji}{emoji} means"},
    {kUnicode, 4, "{box}{box}{box}{box}{box}\n{box}"},
    {kUnicode, 4, "{wide}{wide}{wide} {2-99} {wide}"},
    {kUnicode, 5, "{letter}{mark}{letter}{mark}{letter}{mark}"},
    {kUnicode, 5, "{inv}{gap}{inv}{gap}"},
    {kUnicode, 5, "{script}{emoji}{symbol}{accent}{fraction}"},
    {kUnicode, 5, "{name} wrote {accent}{mark} with{gap} {symbol}, not"},
};

}  // namespace

std::span<const PotTemplate> PotTemplates() { return kTemplates; }

}  // namespace revlm::challenge
