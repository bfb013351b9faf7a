#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kLanguage[] = {
    {"language/grammar/agreement",
     {"Neither the {person} nor the {things} {spot}",
      "The {object} that lies between the {things} {spot}",
      "One of the {things} that {name} {did} on {day}"}},
    {"language/grammar/tense",
     {"Every {day} {name} goes to {place}, but last {month} {name}",
      "By the time the {person} arrives at {place}, the {animal} will",
      "If {name} had not {did} the {object}, the {person} would"}},
    {"language/grammar/pronouns",
     {"The {person:a} told the {person:b} that the {object} was {adj}, and "
      "then",
      "{name:a} lent {name:b} the {object} because he",
      "The {animal} watched the {person} at {place} until it"}},
    {"language/vocabulary/synonyms",
     {"Another word for {adj:a}, when one speaks of a {object}, is",
      "\"{adj:a}\" and \"{adj:b}\" mean nearly the same, but of {food} one "
      "says",
      "Instead of saying that {name} was {feeling:a}, the {person} wrote that "
      "{name} was"}},
    {"language/vocabulary/definitions",
     {"{object} (noun): a thing that a {person} uses to",
      "In the dictionary of {city}, \"{inv}\" is explained as",
      "A {adj} {person} is somebody who"}},
    {"language/vocabulary/collocations",
     {"The {person} from {city} made a {adj}",
      "{name} took the {things} and paid",
      "To keep an eye on the {object} in {month}, you have to bear in"}},
    {"language/vocabulary/word_formation",
     {"Someone who sells {things:a} is a {:a} seller; someone who mends "
      "{things:b} is a",
      "{adj:a}, {:a}er, {:a}est; {adj:b},",
      "A {object:a} the size of a {object:b} could be called a"}},
    {"language/style/register",
     {"To the mayor of {city}: I have the honour to report that the {object}",
      "hey {name}, so the {animal} got into {place} again lol and",
      "Pursuant to paragraph {2-40}, the {person} shall, with regard to the "
      "{things},"}},
    {"language/style/metaphor",
     {"The {month} sky over {city} was like a {object}:",
      "For {name}, {topic} was a {adj} {animal} that",
      "Time at {place} moves as slowly as"}},
    {"language/style/rhyme",
     {"There was a {person} from {city}\nWho {did} a {object} for",
      "The {animal} sat {spot},\nIt dreamt of {food} and",
      "{month} rain and {colour} skies,\nThe {person} at {place}"}},
    {"language/discourse/story",
     {"Long ago, near {city}, there lived a {person} with a {adj} {animal}. "
      "One {day},",
      "{name} had not been at {place} since {cause}. Now the {object}",
      "Chapter {2-30}\n\nNobody in {city} remembered why the {things}"}},
    {"language/discourse/description",
     {"The {object} {spot} is {adj:a} and {adj:b}, and its handle",
      "Seen from {place}, {city} in {month} looks",
      "The workshop of the {person} smells of {food} and"}},
    {"language/discourse/argument",
     {"It is often said that {things} are worth more than {food}. Against "
      "this,",
      "There are {2-5} reasons why {place} should close in {month}. First,",
      "Whoever calls {topic} {adj} forgets that"}},
    {"language/foreign/translation",
     {"English: The {person} has lost the {object}.\n{language}:",
      "In {language}, \"the {adj} {animal}\" is",
      "{language:a} for \"{day}\": {inv}? No, that is {language:b}. It is"}},
    {"language/foreign/romance",
     {"En {1851-1999}, à {city}, personne ne savait pourquoi {name}",
      "En {city}, {name} siempre decía que los {2-90}",
      "A {city}, {name} aveva {2-90} anni quando"}},
    {"language/foreign/germanic",
     {"Im Jahr {1851-1999} kam {name} nach {city} und",
      "In {city} woonde {name} met {2-90} katten, maar",
      "År {1851-1999} reste {name} till {city} för att"}},
    {"language/foreign/other_scripts",
     {"{1851-1999}年、{name}は{city}で",
      "В {1851-1999} году {name} приехал в {city} и",
      "Το {1851-1999}, στην πόλη {city}, {name}"}},
};

}  // namespace

std::span<const TaxonomyLeaf> LanguageLeaves() { return kLanguage; }

}  // namespace revlm::challenge
