#include "challenge/dynamic_grammar.h"

namespace revlm::challenge {
namespace {

// What begins in lower case may begin a sentence or go on with one.
constexpr WordList kParts[] = {
    {"who",
     "the {agent}|the other {agent}|{name}|the older {agent}|a friend of the "
     "{agent}|whoever replaced the {agent}|nobody but the {agent}|the {agent} "
     "from {city}|{name} the {agent}|everybody at {site}"},
    {"main",
     "{who} wanted to {act}|{who} was told to {act}|{aspect} was {quality}|"
     "{who} asked about {aspect}|{who} counted {3-90} {stuff}|{event}|{who} "
     "brought the {tool} to {site}|{who} had never seen so many {stuff}|{who} "
     "refused to {act}|at {site}, {aspect} turned out to be {quality}|there "
     "were {3-90} {unit} left|{who} argued with {who} about {stuff}|{who} "
     "{did} the {tool}|only {3-90} {unit} were needed to {act}|in {month}, "
     "{stuff} were everywhere"},
    {"more",
     ", although {event}|, because {aspect} was {quality}|, and {who} wanted "
     "to {act}|, so {who} had to {act}|, while {event}| before {who} could "
     "{act}|, which meant that {aspect} would be {quality}|, but nobody knew "
     "whether {aspect} was {quality}| after {event}|, if one believes {who}|, "
     "not because of {stuff}, but because {event}|, as if {event}| until "
     "{event}"},
    {"condition",
     "if {event}|suppose that {event}|given that {aspect} is {quality}|after "
     "{event}|with {3-90} {unit} left|if one cannot {act}|without the {tool}|"
     "when {stuff} are short and {aspect} is {quality}|should {who} refuse to "
     "{act}"},
    {"ask",
     "what is the {tool} good for?|why are {stuff} a problem at {site}?|who "
     "decides about {aspect}?|how many {unit} are too many?|when is it too "
     "late to {act}?|what makes {aspect} {quality}?|is it better to {act} or "
     "to wait?|what would the {agent} do with {stuff}?|how does one {act}?|"
     "which matters more, {aspect} or the {tool}?|what happens to {stuff} "
     "next?|how could {who} know that {event}?"},
    {"ask_more",
     "and what would change if {event}?|and how long would it take to {act}?|"
     "and who would pay for the {tool}?|and why not simply {act}?|and is "
     "{aspect} still {quality} then?|and how many {unit} does that make in "
     "{2-9} weeks?|and what would {name} say to that?"},
    {"order",
     "explain how to {act}|explain why {event}|describe {aspect} to a new "
     "{agent}|write a note about {stuff}|list what is needed to {act}|advise "
     "{name} whether to {act}|argue that {aspect} is {quality}|make a plan for "
     "a day at {site}|sum up what is known about {stuff}|turn \"{event}\" into "
     "a headline|invent a rule about {stuff}|draft a complaint that {event}|"
     "name {2-9} reasons to {act}|tell a story in which {event}"},
    {"constraint",
     "in at most {5-60} words|without the word \"{quality}\"|as a list of "
     "{2-7} points|for somebody who has never seen {stuff}|so that the {agent} "
     "would agree|with one example from {site}|in the form of a letter to "
     "{name}|with {aspect} as the example|in two sentences, the second shorter "
     "than the first|with all amounts in {unit}|and say what could go wrong|"
     "and mention the {tool} twice|and end with a question|and leave out "
     "{stuff}"},
    {"thesis",
     "most {stuff} at {site} are there because {event}|{aspect} depends on how "
     "long it takes to {act}|the {tool} is of little use when {aspect} is "
     "{quality}|to {act}, one needs {3-40} {unit} and some patience|{who} "
     "would call {aspect} {quality}|in {city}, {stuff} cost {3-90} coins|"
     "before {1871-1989}, nobody thought of {stuff} as a problem|{aspect} is "
     "{quality} in {month} and seldom in {month}|every {agent} learns to {act} "
     "in the first week|{stuff} come in two sorts, and {site} has both"},
    {"besides",
     ", at least in {month}|, and {stuff} are no exception|, which is why the "
     "{tool} is so popular|, or so {who} says|, although {aspect} may be "
     "{quality}|; the {agent} knows why|, except at {site}|, and not only "
     "because {event}"},
    {"about",
     "the difference between {stuff} and other {stuff} is|what matters most "
     "about {aspect} is|the {tool} was invented because|as a rule, {stuff} "
     "are|the part of the work that takes longest is|to tell whether {aspect} "
     "is {quality}, one|the usual mistake is to {act} before|the first chapter "
     "of the handbook for every {agent} is about|{3-90} {unit} may sound like "
     "a lot, but|the best {tool} in {city} is made by|there are three ways to "
     "{act}: one can|unlike {stuff}, {aspect}"},
    {"then",
     "then {who}|the next {day}, {who}|what {who} found at {site} was|by then, "
     "{aspect} was|it was {name} who finally|without a word, {who}|the only "
     "thing left was|that night at {site},|\"If I had known that {event},\" "
     "said {name}, \"I|nobody expected the {tool} to|when {name} came back to "
     "{site}, {stuff}|{3-90} {unit} later,|under the {tool} lay|and so "
     "{aspect}"},
    {"turn_open",
     "Do you have a moment? It is about {aspect}.|Where do I find {stuff}?|I "
     "was told to {act}. Is that right?|Have you heard that {event}?|How many "
     "{unit} do we have left?|Who left the {tool} at {site}?|I need somebody "
     "who can {act}.|Why is {aspect} {quality}?|Guess what: {event}!"},
    {"turn_reply",
     "That depends on {aspect}.|I would rather {act} first.|Ask the {agent}, "
     "not me.|Only {3-90} {unit}, as far as I know.|Because {event}.|No, "
     "{aspect} is {quality}.|Not before {day}.|You could always {act}.|Since "
     "{event}, nobody asks about {stuff}.|Yes, but who is going to {act}?|"
     "Hm.|The {tool} is at {site}, I think.|It was {quality} when I looked."},
    {"turn_go_on",
     "And if {event}?|Then I shall {act} on my own.|But you said that {aspect} "
     "was {quality}!|So {3-90} {unit} would be enough?|What about {stuff}?|I "
     "am not sure that the {agent} knows.|Fine. And the {tool}?|That was "
     "before {event}.|Could you {act} in the meantime?"},
    {"limit",
     "2147483647|2147483648|-2147483648|4294967295|4294967296|"
     "9223372036854775807|18446744073709551615|65535|255|127|1e308|1.8e308|"
     "5e-324|-0|0.1 + 0.2|0.30000000000000004|1/0|NaN|-Infinity|0x7fffffff|"
     "0xFFFFFFFF|999999|1,000,000|1.000.000,00|99.999|100.0 %|9999-12-31|"
     "2038-01-19 03:14:07|1900-02-29|23:59:60|00:00|31 April|10^100|0000|"
     "007|3.14159265358979|1_000_000|+1"},
    {"fragment",
     "und dann kam|aber niemand wusste, ob|weil es schon spät war,|"
     "et puis, tout à coup,|parce que je n'ai pas|il faut que|"
     "pero nadie sabía|y entonces dijo que|porque no quería|ma non era|"
     "e allora decise di|mas ninguém viu|maar niemand had|"
     "men ingen visste att|mutta kukaan ei|ale nikt nie|protože včera|"
     "de azt mondta, hogy|ama hiç kimse|lakini hakuna mtu|tetapi tidak ada|"
     "nhưng không ai|но никто не|потому что вчера|але ніхто|αλλά κανείς δεν|"
     "でも、誰も|それから|但是没有人|因为昨天|하지만 아무도|लेकिन किसी ने|কিন্তু "
     "কেউ|แต่ไม่มีใคร|"
     "لكن لا أحد|אבל אף אחד"},
    {"answer_end",
     "\nAnswer:|\nA:|\n|\nThe {agent}:|\nIt depends on|\nShort answer:|\nMost "
     "people would say that|\n\n\"Well,|\nNot because"},
    {"order_end",
     "\n|\n\n|\n1.|\n-|\nFirst,|\n\nDear {name},|\n\n\"|\n\n#|\nThe|\n\nIn "
     "short,"},
};

}  // namespace

std::span<const WordList> DynamicParts() { return kParts; }

}  // namespace revlm::challenge
