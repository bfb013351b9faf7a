#include "challenge/sentences.h"

namespace revlm::challenge {
namespace {

constexpr WordList kWords[] = {
    {"name",
     "Ada|Bruno|Clara|Dario|Edith|Felix|Greta|Henrik|Irene|Jakob|Katya|Leon|"
     "Mira|Nils|Olga|Pavel|Rita|Stefan|Thea|Ursula|Vito|Wilma|Xenia|Yannis|"
     "Zora|Arjun|Beatriz|Cemal|Dunja|Ewan|Fatima|Gustav|Hiroko|Ivana|Jamal|"
     "Kaito|Lucia|Malik|Nina|Otto|Paloma|Ravi|Selma|Tobias|Valeria|Yuki"},
    {"person",
     "baker|gardener|teacher|sailor|tailor|carpenter|nurse|pilot|librarian|"
     "cook|"
     "potter|shepherd|doctor|judge|plumber|dentist|musician|printer|weaver|"
     "beekeeper|postman|clerk|driver|neighbour|widow|student|mayor|mechanic|"
     "cleaner|surveyor|translator|night watchman"},
    {"object",
     "lamp|kettle|ladder|violin|blanket|mirror|hammer|suitcase|telescope|"
     "bicycle|notebook|teapot|carpet|bucket|saddle|compass|lantern|wallet|"
     "scarf|"
     "trumpet|statue|rake|thermos|camera|keyboard|raincoat|wheelbarrow|clock|"
     "map|letter|photograph|parasol|radio|sewing machine|garden chair|rusty "
     "coin"},
    {"things",
     "apples|pencils|books|shells|stamps|marbles|buttons|ribbons|bottles|"
     "chairs|"
     "cups|spoons|candles|bricks|lemons|onions|carrots|pears|plums|walnuts|"
     "tickets|letters|pictures|keys|gloves|boots|ropes|baskets|barrels|flags|"
     "kites|bells|tulips|potatoes|postcards|tiles"},
    {"animal",
     "cat|dog|horse|sheep|goat|goose|raven|fox|hare|frog|crow|swan|marten|"
     "beaver|"
     "hedgehog|squirrel|seal|camel|llama|parrot|pigeon|turtle|snail|bat|donkey|"
     "rooster"},
    {"place",
     "the library|the harbour|the market|the old mill|the station|the museum|"
     "the park|the school|the bakery|the theatre|the bridge|the castle|the "
     "lighthouse|the orchard|the post office|the town hall|the campsite|the "
     "airport|the village square|the greenhouse|the workshop|the ferry|the "
     "hospital|the quarry"},
    {"spot",
     "under the stairs|behind the stove|on the windowsill|in the attic|by the "
     "back door|in the glove box|under the third step|on the top shelf|beside "
     "the well|in the shed|at the end of the corridor|between two dictionaries|"
     "in a biscuit tin|below the clock|near the boiler|in the left drawer|"
     "behind the piano|under the doormat"},
    {"city",
     "Lisbon|Prague|Dublin|Zagreb|Cairo|Nairobi|Accra|Kyoto|Delhi|Hanoi|"
     "Toronto|"
     "Lima|Santiago|Bogota|Lyon|Seville|Milan|Hamburg|Gdansk|Bergen|Porto|"
     "Trieste|Riga|Tbilisi|Leeds|Turku|Bilbao|Ghent"},
    {"colour",
     "red|green|blue|yellow|pink|purple|brown|black|white|grey|turquoise|"
     "crimson|violet|golden|silver|navy"},
    {"adj",
     "heavy|small|quiet|bright|round|strange|narrow|broken|simple|modern|"
     "gloomy|"
     "sturdy|forgotten|wooden|plain|rare|damp|dusty|borrowed|costly|crooked|"
     "pale|half-finished|reliable"},
    {"food",
     "bread|cheese|rice|soup|butter|honey|jam|salt|pepper|milk|yoghurt|pasta|"
     "cabbage|spinach|garlic|mustard|vinegar|flour|porridge|chocolate|barley|"
     "cinnamon|lentils|smoked fish"},
    {"day", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"},
    {"month",
     "January|February|March|April|May|June|July|August|September|October|"
     "November|December"},
    {"time",
     "before breakfast|after the rain|around midnight|in the afternoon|at dawn|"
     "during the holidays|an hour too late|twice a week|every other winter|at "
     "the last moment|in the first week of the month|on a Tuesday"},
    {"did",
     "repaired|carried|sold|borrowed|painted|hid|forgot|measured|returned|"
     "found|"
     "dropped|wrapped|photographed|bought|described|cleaned|lost|weighed"},
    {"feeling",
     "relieved|puzzled|tired|proud|curious|annoyed|calm|embarrassed|hopeful|"
     "restless|sceptical|delighted"},
    {"topic",
     "the weather|old maps|the new bridge|lost umbrellas|the school play|the "
     "night train|migrating birds|the price of bread|the village choir|winter "
     "clothes|the broken clock|the harvest|wooden toys|the moon|mountain paths|"
     "wild herbs|the library roof|slow cooking|stray cats|folk dances|the "
     "tides|handwriting|second-hand shops|the water supply"},
    {"cause",
     "the road was closed|nobody had the key|the wind had turned|the power was "
     "out|the shop had moved|it was a holiday|the figures did not agree|the "
     "river was too high|somebody had left the gate open|the letter came late|"
     "the paint was still wet|the bus did not stop"},
};

constexpr std::string_view kStatements[] = {
    "{name} left the {object} {spot} and went home.",
    "Nobody at {place} had seen the {adj} {object} since {day}.",
    "The {person} from {city} keeps {things} {spot}.",
    "It rained until {month}, and most of the {things} were ruined.",
    "In {month} the {person} sold {3-90} {things} to {name}.",
    "When the {animal} came back, the {object} was gone.",
    "Half of the {things} {spot} belong to the {person}.",
    "{name} says that {food} is better {time}.",
    "Between {city:a} and {city:b} the train stops {2-19} times.",
    "The {person} {did} the {object} {time}.",
    "{name:a} and {name:b} do not agree about {topic}.",
    "The {colour} {object} {spot} is the only one that is not for sale.",
    "The {adj} {object} was made in {city} in {1781-1979}.",
    "{name} wrote three pages about {topic} and then gave up.",
    "Since {cause}, the {person} waited at {place}.",
    "The {animal} sleeps {spot} and comes out {time}.",
    "They painted the door {colour:a}, then {colour:b}, then {:a} again.",
    "A ticket to {city} costs {12-98} coins, and a little more on {day}.",
    "{name} was {feeling} because {cause}.",
    "The recipe asks for {food:a}, {food:b} and {2-9} spoons of {food:c}.",
    "On {day}, somebody {did} the {adj} {object} of the {person}.",
    "The meeting about {topic} lasted {2-5} hours, and {cause}.",
    "Every {month}, {2-40} people from {city} come to see the {things}.",
    "The {person:a} lent the {object} to the {person:b}, who {did} it.",
    "Room {2-480} smells of {food}, although nobody cooks there.",
    "{name} has counted the {things} twice and found {11-97} and {11-97}.",
    "The path to {place} is steep, and the {animal} refused to go on.",
    "Last {day} the {adj} clock at {place} stopped at {1-12} o'clock.",
    "The older {person} prefers {food}; the younger one wants {things}.",
    "The {colour} {animal} crossed the square {time}, and nobody looked up.",
    "The letter to {name} was found {spot}, still sealed.",
    "It takes {3-45} minutes to walk from {place:a} to {place:b}.",
};

constexpr std::string_view kOpenings[] = {
    "The first thing {name} noticed about the {object} was",
    "What the {person} really wanted to know was",
    "By {day} evening, everybody at {place} had heard that",
    "{name} opened the {adj} box and found",
    "If the {animal} had not come in {time}, the {person} would have",
    "There were only two reasons to go to {city}:",
    "The note {spot} said:",
    "After {cause}, {name} decided to",
    "Compared with the {colour} one, the {adj} {object} is",
    "Nobody could explain why the {things}",
    "\"I would rather talk about {topic},\" said the {person}, \"because",
    "Of all the {things} in {city}, the best are",
    "On the back of the photograph, someone had written",
    "{name} looked at the {object}, then at the {animal}, and",
    "The {person} usually keeps the {object} {spot}, but today",
    "The reason that {food} costs more in {month} is",
    "When asked about {topic}, the {person} from {city} only",
    "{name:a} was {feeling}, and {name:b} was",
    "Three things were missing: the {object:a}, the {object:b} and",
    "The sign at {place} reads",
    "In the {month} of {1951-1999}, the town finally",
    "Without the {object}, it was impossible to",
    "The {adj} smell {spot} came from",
    "\"Bring me some {food},\" said {name}, \"and",
    "People who like {topic} also tend to like",
    "The quickest way from {place} to the river is",
    "Nothing in the {object} suggested that",
    "The {person} counted the {things} again and said",
    "It was {time} when the {animal}",
    "The report on {topic} begins with",
    "The last page of the diary mentions {name}, the {object} and",
    "At the bottom of the bag, under the {things}, lay",
};

constexpr std::string_view kQuestions[] = {
    "Where would the {person} look for the lost {object}?",
    "Why do people in {city} talk so much about {topic}?",
    "How many {things} fit into the {adj} suitcase?",
    "What does the {person} need besides {food} and {things}?",
    "Which is heavier, the {object:a} or the {object:b}?",
    "Who was at {place} when the {animal} ran away?",
    "What would you do with {12-98} {things}?",
    "When is the best time to visit {city}?",
    "How long does it take to learn about {topic}?",
    "What goes well with {food:a} and {food:b}?",
    "Why was the {person} {feeling} on {day}?",
    "What does the {person:a} know that the {person:b} does not?",
    "How does one clean the {adj} {object}?",
    "What happens to the {things} in {month}?",
    "Should the {object} stay {spot}, or be moved to {place}?",
    "What might the {animal} want with the {object}?",
};

}  // namespace

std::span<const WordList> CommonWords() { return kWords; }

std::span<const std::string_view> StatementTemplates() { return kStatements; }
std::span<const std::string_view> OpeningTemplates() { return kOpenings; }
std::span<const std::string_view> QuestionTemplates() { return kQuestions; }

std::string ExpandCommon(std::string_view text, Draws& draws) {
  return Expand(text, kWords, draws);
}

std::string DrawStatement(Draws& draws) {
  return ExpandCommon(DrawOne(kStatements, draws), draws);
}

std::string DrawOpening(Draws& draws) {
  return ExpandCommon(DrawOne(kOpenings, draws), draws);
}

std::string DrawQuestion(Draws& draws) {
  return ExpandCommon(DrawOne(kQuestions, draws), draws);
}

}  // namespace revlm::challenge
