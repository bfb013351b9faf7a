#include <array>

#include "base/check.h"
#include "challenge/pot_grammar.h"

namespace revlm::challenge {
namespace {

constexpr WordList kLists[] = {
    {"name",
     "Anna|Ben|Carla|David|Elif|Farid|Grace|Hugo|Ines|Jonas|Kira|Liam|Mona|"
     "Noor|Oskar|Priya|Quinn|Rosa|Samir|Tara|Umar|Vera|Wen|Yara|Zoe|Amir|Bella|"
     "Chen|Daria|Emil|Fiona|Goran|Hana|Igor|Jade|Kofi|Lena|Marco|Nadia|Omar|"
     "Petra|Rafael|Sofia|Tomas|Ulla|Viktor|Wanda|Yusuf"},
    {"thing",
     "apples|pencils|coins|books|shells|stamps|marbles|buttons|ribbons|bottles|"
     "chairs|cups|plates|spoons|candles|bricks|lemons|onions|carrots|pears|"
     "plums|nuts|tickets|letters|maps|pictures|clocks|keys|lamps|gloves|socks|"
     "hats|boots|ropes|baskets|barrels|flags|kites|drums|bells"},
    {"object",
     "lamp|kettle|ladder|violin|blanket|mirror|hammer|suitcase|telescope|"
     "bicycle|notebook|teapot|carpet|pillow|bucket|saddle|compass|whistle|"
     "lantern|puzzle|wallet|scarf|trumpet|statue|painting|rake|spade|thermos|"
     "sweater|paintbrush|camera|keyboard|chessboard|raincoat|wheelbarrow|"
     "sundial"},
    {"animal",
     "cats|dogs|horses|sheep|goats|ducks|geese|owls|foxes|hares|frogs|bees|"
     "ants|crows|swans|otters|beavers|hedgehogs|squirrels|deer|seals|whales|"
     "dolphins|camels|llamas|parrots|pigeons|turtles|snails|bats"},
    {"job",
     "baker|gardener|teacher|farmer|sailor|tailor|carpenter|painter|nurse|"
     "pilot|librarian|fisher|cook|potter|blacksmith|shepherd|doctor|judge|"
     "plumber|dentist|porter|musician|printer|weaver|miller|cobbler|beekeeper|"
     "lighthouse keeper"},
    {"place",
     "the library|the harbour|the market|the old mill|the station|the "
     "museum|the park|the school|the bakery|the theatre|the bridge|the "
     "castle|the lighthouse|the attic|the cellar|the garden|the orchard|the "
     "post office|the town hall|the stadium|the campsite|the airport|the "
     "swimming pool|the village square|the greenhouse|the workshop|the "
     "ferry|the forest hut"},
    {"colour",
     "red|green|blue|yellow|orange|purple|brown|black|white|grey|pink|"
     "turquoise|crimson|violet|golden|silver|beige|scarlet|maroon|navy"},
    {"adj",
     "heavy|small|quiet|bright|round|strange|gentle|tall|narrow|broken|simple|"
     "clever|careful|modern|gloomy|lively|soft|sturdy|famous|forgotten|wooden|"
     "huge|plain|rare"},
    {"country",
     "France|Spain|Italy|Germany|Poland|Greece|Norway|Sweden|Finland|Denmark|"
     "Portugal|Austria|Hungary|Ireland|Belgium|Croatia|Bulgaria|Romania|Turkey|"
     "Egypt|Kenya|Morocco|Ghana|Ethiopia|Japan|China|India|Thailand|Vietnam|"
     "Nepal|Mongolia|Canada|Mexico|Cuba|Peru|Chile|Argentina|Colombia|Uruguay|"
     "Iceland"},
    {"city",
     "Paris|Madrid|Rome|Berlin|Warsaw|Athens|Oslo|Vienna|Lisbon|Prague|Dublin|"
     "Zagreb|Bucharest|Cairo|Nairobi|Accra|Tokyo|Delhi|Bangkok|Hanoi|Toronto|"
     "Lima|Santiago|Bogota|Lyon|Seville|Milan|Hamburg|Gdansk|Bergen|Porto|"
     "Kyoto"},
    {"element",
     "hydrogen|helium|carbon|nitrogen|oxygen|neon|sodium|magnesium|aluminium|"
     "silicon|sulphur|chlorine|potassium|calcium|iron|nickel|copper|zinc|"
     "silver|tin|gold|mercury|lead|iodine"},
    {"day", "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"},
    {"month",
     "January|February|March|April|May|June|July|August|September|October|"
     "November|December"},
    {"food",
     "bread|cheese|rice|soup|butter|honey|jam|salt|pepper|milk|cream|yoghurt|"
     "pasta|cabbage|spinach|garlic|mustard|vinegar|flour|sugar|porridge|"
     "chocolate|marmalade|pumpkin|celery|tofu|barley|cinnamon"},
    {"container",
     "basket|box|drawer|cupboard|bag|chest|crate|jar|trunk|backpack|barrel|"
     "sack|locker|cabinet"},
    {"language",
     "Finnish|Welsh|Swahili|Turkish|Polish|Dutch|Swedish|Hungarian|Greek|"
     "Portuguese|Czech|Danish|Icelandic|Basque|Romanian|Estonian|Indonesian|"
     "Latin|Esperanto|Catalan"},
    {"topic",
     "the weather|old maps|the new bridge|lost umbrellas|the school "
     "play|garden tools|the night train|migrating birds|bread and butter|the "
     "village choir|paper boats|winter clothes|the broken clock|river "
     "crossings|the harvest|a missing letter|wooden toys|the moon|mountain "
     "paths|the town band|wild herbs|the library roof|slow "
     "cooking|stamps|stray cats|the long queue|folk dances|knots|tea|the "
     "tides"},
    {"id",
     "count|total|item|node|price|order|user|file|line|word|point|score|queue|"
     "event|cell|page|width|height|index|offset|buffer|token|shape|graph|table|"
     "field|record|limit|delay|weight|level|label|path|group|image|style|"
     "result|source|target|entry"},
    {"verb",
     "get|load|save|find|merge|sort|parse|check|make|read|send|split|join|"
     "update|remove|convert|compare|collect|reverse|filter"},
    {"Type",
     "Shape|Queue|Parser|Reader|Writer|Buffer|Table|Graph|Widget|Signal|"
     "Counter|Filter|Router|Matrix|Window|Timer|Record|Server|Client|Loader"},
    {"noun",
     "house|tree|water|bread|milk|sun|moon|star|river|mountain|book|table|"
     "chair|door|window|street|bridge|garden|flower|bird|fish|horse|dog|cat|"
     "hand|eye|heart|friend|child|king|letter|word|song|winter|summer|rain|"
     "snow|fire|stone|ship"},
    {"es",
     "wine - vino|cheese - queso|egg - huevo|apple - manzana|salt - sal|night "
     "- noche|day - día|week - semana|year - año|school - escuela|church - "
     "iglesia|sea - mar|island - isla|shoe - zapato|hat - sombrero|pencil - "
     "lápiz|paper - papel|knife - cuchillo|spoon - cuchara|bed - cama|blue - "
     "azul|green - verde|red - rojo|white - blanco"},
    {"fr",
     "wine - vin|cheese - fromage|egg - œuf|apple - pomme|salt - sel|night - "
     "nuit|day - jour|week - semaine|year - an|school - école|church - "
     "église|sea - mer|island - île|shoe - chaussure|hat - chapeau|pencil - "
     "crayon|paper - papier|knife - couteau|spoon - cuillère|bed - lit|blue - "
     "bleu|green - vert|red - rouge|white - blanc"},
    {"de",
     "wine - Wein|cheese - Käse|egg - Ei|apple - Apfel|salt - Salz|night - "
     "Nacht|day - Tag|week - Woche|year - Jahr|school - Schule|church - "
     "Kirche|sea - Meer|island - Insel|shoe - Schuh|hat - Hut|pencil - "
     "Bleistift|paper - Papier|knife - Messer|spoon - Löffel|bed - Bett|blue - "
     "blau|green - grün|red - rot|white - weiß"},
    {"it",
     "wine - vino|cheese - formaggio|egg - uovo|apple - mela|salt - sale|night "
     "- notte|day - giorno|week - settimana|year - anno|school - scuola|church "
     "- chiesa|sea - mare|island - isola|shoe - scarpa|hat - cappello|pencil - "
     "matita|paper - carta|knife - coltello|spoon - cucchiaio|bed - letto|blue "
     "- blu|green - verde|red - rosso|white - bianco"},
    {"sure",
     "the Sun rises in the|water is made of hydrogen and|a triangle has "
     "three|the opposite of north is|bees make|ice is frozen|a week has "
     "seven|the colour of fresh snow is|cows eat|the day after Monday is|a "
     "spider has eight|the first month of the year is|the Moon goes around "
     "the|a square has four|fish breathe with their|the opposite of hot "
     "is|bread is baked in an|birds lay|the last letter of the alphabet is|an "
     "hour has sixty|two halves make a|lemons taste|the opposite of left "
     "is|people hear with their"},
    {"likely",
     "the largest animal alive is the|the longest river of South America is "
     "the|the metal used in most wires is|the planet with the widest rings "
     "is|most people in Brazil speak|the tallest animal on land is the|the "
     "bird of the far south that swims and cannot fly is the|the hardest "
     "natural stone is|paper was invented in|the sea between Europe and Africa "
     "is the|the largest desert in the world is|the fastest bird is the|the "
     "island with the most people is|the gas that plants take in is called|the "
     "smallest planet is|the bone that protects the brain is the|the oldest "
     "game played on a board is|the mountain range of Nepal is called the|the "
     "inventor of the telescope was|the country with the most lakes is|a group "
     "of wolves is called a|the currency of Japan is the|glass is made mostly "
     "of|the chess piece that moves in a straight line is the"},
    {"syl",
     "ba|ko|mi|ru|te|sha|no|vel|dra|lin|pom|zu|gar|fer|tol|quo|hes|wim|jan|"
     "orb"},
    {"Syl",
     "Ba|Ko|Mi|Ru|Te|Sha|No|Vel|Dra|Lin|Pom|Zu|Gar|Fer|Tol|Quo|Hes|Wim|Jan|"
     "Orb"},
    {"inv", "{syl}{syl}|{syl}{syl}{syl}"},
    {"Inv", "{Syl}{syl}|{Syl}{syl}{syl}"},
    {"emoji",
     "😀|🎈|🌍|🍎|🚲|🐢|🎵|🌧|⭐|🔑|📚|🧩|🪁|🍋|🐝|🎲|🌵|🧭|🦊|🍞|⛵|🎨|🥁|🪴"},
    {"symbol", "←|→|↑|↓|↔|⇒|∀|∃|∈|∑|√|∞|≈|≠|≤|≥|⊂|∪|∩|±|§|¶|†|‰"},
    {"accent",
     "café|naïve|jalapeño|façade|über|smörgåsbord|piñata|Ångström|Łódź|São "
     "Paulo|Reykjavík|Kraków|Zürich|Málaga|déjà "
     "vu|rosé|voilà|crêpe|Göteborg|Brașov|Čapek|Tromsø|mañana|Þingvellir"},
    {"script",
     "λόγος|θάλασσα|книга|мир|дом|שלום|ספר|سلام|كتاب|नमस्ते|जल|さくら|ねこ|"
     "カメラ|木|水|山|안녕|바다|მზე|արև|กา|ดาว|ഇല"},
    {"fraction", "½|⅓|¼|¾|⅔|⅛|⅜|⅝|⅞|⅕|²|³|⁴|₁|₂|₃|Ⅳ|Ⅶ|Ⅸ|Ⅻ|①|②|⑦|№"},
    {"wide", "Ａ|Ｂ|Ｃ|Ｄ|Ｇ|Ｋ|Ｍ|Ｑ|Ｒ|Ｚ|ａ|ｂ|ｅ|ｈ|ｎ|ｔ|𝐀|𝐁|𝓒|𝔻|𝚎|𝚏|𝟏|𝟗"},
    {"box", "─|│|┌|┐|└|┘|├|┤|┬|┴|┼|═|║|╔|╗|╚|╝|█|▓|▒|░|▲|◆|●"},
    {"letter", "a|c|e|g|i|k|m|n|o|r|s|t|u|v|w|y|z"},
    {"mark",
     "\u0300|\u0301|\u0302|\u0303|\u0304|\u0306|\u0307|\u0308|\u030a|\u030b|"
     "\u030c|\u0323|\u0327|\u0328|\u0331|\u0336"},
    {"gap",
     "\u00a0|\u00ad|\u2003|\u2009|\u200b|\u200c|\u200d|\u202f|\u2060|\u3000"},
};

struct DomainEntry {
  std::string_view name;
  std::string_view reason;
};
constexpr std::array<DomainEntry, kNumPotDomains> kDomains = {{
    {"arithmetic", "how far a model carries a calculation decides the digits"},
    {"code", "names, idioms and layout of code compete for the next token"},
    {"facts", "what was learnt by heart competes with what sounds plausible"},
    {"lists", "the rule of a list has to be guessed from a few members"},
    {"formats", "a format fixes some tokens and leaves others open"},
    {"dialogue", "a turn can be taken in many ways, and habit decides"},
    {"translation", "a mapping has to be taken from examples or from memory"},
    {"commonsense", "an ordinary inference competes with the nearest words"},
    {"unicode", "rare characters become tokens that few models learnt alike"},
}};

constexpr std::array<std::string_view, kNumPotDifficulties> kDifficulties = {
    "one continuation is all but certain", "one continuation is likely",
    "a few continuations compete",         "many continuations are plausible",
    "no continuation stands out",
};

}  // namespace

std::span<const WordList> PotWordLists() { return kLists; }

std::string_view PotDomainName(PotDomain domain) {
  return kDomains.at(static_cast<size_t>(domain)).name;
}

std::string_view PotDomainReason(PotDomain domain) {
  return kDomains.at(static_cast<size_t>(domain)).reason;
}

std::string_view PotDifficultyMeaning(uint64_t difficulty) {
  REVLM_CHECK(difficulty >= 1 && difficulty <= kNumPotDifficulties);
  return kDifficulties[difficulty - 1];
}

}  // namespace revlm::challenge
