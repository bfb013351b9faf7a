#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kKnowledge[] = {
    {"knowledge/facts/places",
     {"The largest river that one crosses between {city:a} and {city:b} is",
      "On page {2-400} of the atlas, the country to the east of {country} is",
      "From {city} to the capital of {country} it is about {3-9}"}},
    {"knowledge/facts/dates",
     {"In {1801-1999}, the government of {country} was led by",
      "In the {month} of {1901-1999}, the newspapers in {city} wrote about",
      "The {object} as we know it was invented around {1601-1899} in"}},
    {"knowledge/facts/substances",
     {"Mixed with {element:a}, {element:b} is used in {city} to",
      "At {20-900} degrees, {element}",
      "A {object} made of {element} would be"}},
    {"knowledge/facts/people",
     {"The painter {Inv}, born in {city} in {1601-1899}, is known for",
      "{name} {Inv}, a {person} from {country}, became famous when",
      "Of all those who came from {city}, the best known {person} is"}},
    {"knowledge/practice/cooking",
     {"Every {agent} knows that {aspect} can be {quality} when",
      "Before one starts to {act} at {site}, the {tool}",
      "What {stuff} have to do with {aspect} in {month} is"}},
    {"knowledge/practice/gardening",
     {"The first thing a new {agent} learns at {site} is that {stuff}",
      "When {event}, the usual advice in {month} is to {act} and",
      "In {city}, {aspect} is measured in {unit}, because"}},
    {"knowledge/practice/travel",
     {"A handbook for the {agent} of {1901-1999} says that {stuff}",
      "The {tool} and the {object} have in common that",
      "If {event}, {aspect} becomes"}},
    {"knowledge/practice/astronomy",
     {"Since {1701-1989}, the {tool} has changed what one knows about "
      "{aspect}:",
      "Most people think of {stuff} when they hear that {event}, but",
      "{3-90} {unit} is the usual figure for"}},
    {"knowledge/practice/music",
     {"Asked how to {act}, the {agent} from {city} began with",
      "{stuff} and {aspect} belong together, since",
      "The name of the {tool} comes from"}},
    {"knowledge/practice/sport",
     {"The rule that says when to {act} was changed in {1901-1999}, because",
      "At {site}, {stuff} are counted in {unit}, and",
      "A fair {agent} would say that {aspect} is"}},
    {"knowledge/practice/software",
     {"If {event}, check {aspect} first, and then",
      "The {tool} reports {3-999} {unit}, which means that",
      "There are two ways to {act}. The safe one is to"}},
    {"knowledge/practice/trade",
     {"In {city}, {stuff} are paid for in {unit}, while",
      "When {event}, {aspect} of the {things} usually",
      "The difference between the {tool} and a receipt is that"}},
    {"knowledge/practice/weather",
     {"After {event}, the {agent} at {site} expects",
      "{stuff} are most common in {month}, because",
      "The {tool} shows {3-90} {unit}, so {aspect} is"}},
    {"knowledge/practice/animals",
     {"{stuff} can be told from others by", "The reason that {event} is that",
      "In {month}, {aspect} is {quality}, and the {agent}"}},
    {"knowledge/practice/building",
     {"To {act}, one needs a {tool}, {3-60} {unit} and",
      "When {event}, the {agent} at {site} first has to",
      "{stuff} last longer if"}},
};

}  // namespace

std::span<const TaxonomyLeaf> KnowledgeLeaves() { return kKnowledge; }

}  // namespace revlm::challenge
