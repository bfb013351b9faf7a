#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kReasoning[] = {
    {"reasoning/deduction/ordering",
     {"{name:a} came before {name:b}, and {name:c} came after {:b}. The "
      "first of them was",
      "The {object:a} is heavier than the {object:b}, the {object:c} is "
      "lighter "
      "than the {:b}. The heaviest is the",
      "{name:a} sits to the left of {name:b}. {name:c} sits to the right of "
      "{:a}, but not at the end. In the middle sits"}},
    {"reasoning/deduction/syllogism",
     {"No {animal} at {place:a} is {adj:b}. What {name} saw at {:a} was {:b}, "
      "so it was",
      "All {things:a} from {city} are {colour}. Some {things:b} are not "
      "{colour}. It follows that",
      "Whoever owns a {object} is a {person:a} or a {person:b}. {name} owns "
      "one "
      "and is not a {:a}. So"}},
    {"reasoning/deduction/elimination",
     {"The key is {spot:a}, {spot:b} or {spot:c}. It is not {:a}. {name} "
      "looked {:c} in vain. So it is",
      "{name:a}, {name:b} and {name:c} each have one animal: an owl, a frog "
      "and "
      "a {animal}. {:a} has no owl, {:b} has the {animal}. So {:c} has",
      "It was the {person:a}, the {person:b} or the {person:c}; the {:b} "
      "was in {city} on {day}, and the {:c} has no {object}. So"}},
    {"reasoning/induction/series",
     {"{!2-9:d}{!3-60:a}{=a}, {=a+d}, {=a+3*d}, {=a+6*d},",
      "{day:a}, {day:b}, {:a}, {:a}, {:b}, {:a}, {:a},",
      "{colour:a} {animal:b}, {colour:c} {:b}, {:a} {animal:d},"}},
    {"reasoning/induction/analogy",
     {"{object:a} is to {person:b} as {object:c} is to",
      "{animal:a} : {place:b} = {animal:c} :",
      "What {food:a} is for {name:b}, {topic:c} is for"}},
    {"reasoning/induction/classification",
     {"{food:a}, {food:b}, {food:c}: kitchen. {object:d}, {object:e}: house. "
      "{animal}:",
      "+ {animal:a}\n- {object:b}\n+ {animal:c}\n- {things:d}\n+",
      "The {person} sorts the {things} by"}},
    {"reasoning/everyday/causes",
     {"The {object} {spot} was wet, although it had not rained. The reason was",
      "Because {cause}, the {things}",
      "{name} was late at {place}. It was not because {cause}, but because"}},
    {"reasoning/everyday/physical",
     {"If you drop a {object} and some {food} from {place}, the",
      "The {object} does not fit into the {adj} box because it is too",
      "{name} put {food} on the {object} and left it in the sun until {day}. "
      "By then it"}},
    {"reasoning/everyday/social",
     {"{name:a} had {did} the {object} of {name:b}, who was {feeling}. To make "
      "up for it, {:a}",
      "The {person} smiled at {name} but did not take the {things}, because",
      "When {name} mentioned {topic}, the {person} went quiet, since"}},
    {"reasoning/everyday/time",
     {"The train from {city} left at {6-11} and took {2-9} hours. It came in "
      "at",
      "{name:a} is {20-60} and was born {3-15} years after {name:b}. {:b} is",
      "If today is {day}, then in {9-90} days it will be"}},
    {"reasoning/planning/steps",
     {"To get the {object} from {place:a} to {place:b} without a car, {name}\n"
      "1.",
      "Before the {person} can sell the {things}, three things must be done:",
      "Plan for {day}: fetch the {object}, feed the {animal}, and"}},
    {"reasoning/planning/choice",
     {"{name} can take the {object:a} or the {object:b} to {city}, not both. "
      "The better choice is",
      "For {12-98} coins one gets {3-30} {things:a} or {3-30} {things:b}. A "
      "careful {person} would",
      "Either {place} closes in {month}, or the {things} have to go. The "
      "mayor"}},
    {"reasoning/planning/counterfactual",
     {"Had the {person} not {did} the {object} on {day},",
      "If {city} lay by the sea, the {things} there",
      "Suppose every {person} owned a {animal}. Then {topic}"}},
};

}  // namespace

std::span<const TaxonomyLeaf> ReasoningLeaves() { return kReasoning; }

}  // namespace revlm::challenge
