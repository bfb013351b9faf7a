#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kRobustness[] = {
    {"robustness/noise/spelling",
     {"Teh {person} form {city} siad taht the {things}",
      "i dont no wether {name} bougth the {object} or",
      "Teh {animal} adn hte {object} wree at {place}, wich"}},
    {"robustness/noise/layout",
     {"t h e  {person}  a n d  t h e  {things}  a r e",
      "THE {person} FROM {city} wANTS {things}, bUT",
      "the{person}putthe{object}andthe{things}"}},
    {"robustness/noise/loss",
     {"Th {prsn} f {city} sld th {things} nd",
      "{name} {day} {place} {object}. {name} {month}",
      "... at {place}, the [torn] of {name} and the {things} [illegible]"}},
    {"robustness/codes/byte_codes",
     {"{base64} -> {things}; {base64} ->",
      "%{20-79}%{20-79}%{20-79} {things} %{20-79}",
      "0x{20-79}{20-79}{20-79}{20-79} {colour} 0x"}},
    {"robustness/codes/letter_codes",
     {"{inv} {inv} {inv}; backwards:",
      "a=1, b=2, c=3: {1-26} {1-26} {1-26} {1-26} =",
      "Pnrfne: {inv} {inv} {things}"}},
    {"robustness/codes/signals",
     {"{morse} {morse} / {morse} {morse}",
      "SOS is ... --- ...; {morse} {morse} {morse} is",
      "{name} taps: {morse} {morse}, the {person} taps:"}},
    {"robustness/unicode/lookalikes",
     {"{wide}{wide}{wide} {2-99} {wide}{wide}",
      "{name} wrоte аbоut thе {things} аnd",
      "{wide} is not {letter}, said {name}, but"}},
    {"robustness/unicode/invisibles",
     {"{things}{gap}{things}{gap}{things}",
      "{name}{gap}{name}{gap}and the {object}{gap}",
      "the{gap}{adj}{gap}{object} {spot}"}},
    {"robustness/unicode/ornaments",
     {"{emoji}{emoji} {name} {emoji} {place} {emoji}",
      "{letter}{mark}{letter}{mark}{letter}{mark} {name}",
      "{emoji} = {things}, {emoji} ="}},
    {"robustness/edges/almost_empty",
     {"{inv}", "{2-9998}.", "{colour} {letter}"}},
    {"robustness/edges/repetition",
     {"{things:a} {:a} {:a} {:a} {colour:b} {:a} {:a} {:a} {:a}",
      "{2-99:a} {:a} {:a} {things:b} {:b} {:b} {2-99:c} {:c}",
      "{name:a}, {:a}, {name:b}, {:a}, {:a}, {:b}, {:a}"}},
    {"robustness/edges/limits",
     {"{limit} + {2-99} =", "{name} counted {limit} {things} and",
      "from {limit} to {limit} in steps of {2-99}:"}},
    {"robustness/edges/mixed_languages",
     {"{fragment} {object} {fragment}",
      "{name} said: {fragment} the {things}, {fragment}",
      "the {animal} {fragment} {2-99} {things}"}},
    {"robustness/context/retrieval",
     {"{name:a} has the {object:b}, {name:c} the {object:d}, {name:e} the "
      "{object:f}, {name:g} the {object:h}. It rained all {day}. The "
      "{:d} is with",
      "Locker {102-998:a}: {things:b}. Locker {102-998:c}: {things:d}. Locker "
      "{102-998:e}: {things:f}. {name} opens locker {:c} and finds",
      "Codes: {city:a} {1002-9998}, {city:b} {1002-9998}, {city:c} "
      "{1002-9998}. The {person} is {feeling}, because {cause}. The code of "
      "{:b} is"}},
    {"robustness/context/revision",
     {"The {object:a} was {spot:b}. {name} put it {spot:c}. The {person} put "
      "it "
      "{spot:d}. Now the {:a} is",
      "The meeting is on {day:a}. No, {day:b}. {name} writes: {day:c} at "
      "{6-22}. So it is on",
      "x = {2-99}; x = {2-99}; x = x + {2-99}; x ="}},
    {"robustness/context/refrain",
     {"{name:a} {did:b} the {object:c} at {place:d}. It was {month}, and "
      "{cause}. The {things} were {adj}. {:a} {:b} the",
      "Refrain: the {animal:a} sleeps {spot:b}. Verse: {city} in {month}, "
      "{things} in the rain. Refrain: the",
      "\"{things:a}, {things:b}, {things:c}!\" cried the {person}. Nobody "
      "came. "
      "\"{:a}, {:b},"}},
};

constexpr WordList kWords[] = {
    {"ID",
     "COUNT|ITEMS|NODES|USERS|FILES|LINES|WORDS|POINTS|QUEUE|EVENTS|CELLS|"
     "PAGES|WIDTH|DEPTH|OFFSET|TOKENS|FIELDS|DELAY|LEVELS|LABELS|PATHS"},
    {"Verb",
     "Get|Load|Save|Find|Merge|Sort|Parse|Check|Make|Read|Send|Split|Join|"
     "Update|Remove|Convert|Compare|Collect|Reverse|Filter"},
    {"prsn", "bkr|grdnr|tchr|slr|tlr|crpntr|nrs|plt|lbrrn|ck|pttr|shphrd|jdg"},
    {"base64",
     "YmFrZXI=|bGFtcA==|cml2ZXI=|Y2xvY2s=|c25vdw==|a2V0dGxl|Z29vc2U=|bWFw|"
     "aG9uZXk=|dHJhaW4=|d2luZG93|c3RhbXA=|b3R0ZXI=|YnJpZGdl|c2FsdA==|cm9wZQ=="},
    {"morse",
     ".-|-...|-.-.|-..|.|..-.|--.|....|..|.---|-.-|.-..|--|-.|---|.--.|--.-|"
     ".-.|...|-|..-|...-|.--|-..-|-.--|--.."},
};

}  // namespace

std::span<const TaxonomyLeaf> RobustnessLeaves() { return kRobustness; }

std::span<const WordList> TaxonomyWords() { return kWords; }

}  // namespace revlm::challenge
