#include "challenge/dynamic_grammar.h"

namespace revlm::challenge {
namespace {

constexpr DynamicDomain kDomains[kNumDynamicDomains] = {
    {"cooking",
     {{{"agent",
        "cook|baker|pastry chef|kitchen helper|waiter|butcher|guest|food "
        "critic"},
       {"tool",
        "whisk|frying pan|bread knife|rolling pin|kitchen scale|colander|"
        "grater|oven dish|pressure cooker|wooden spoon"},
       {"stuff",
        "onions|lentils|dumplings|pancakes|rye loaves|pickled beets|egg whites|"
        "mushrooms|chestnuts|noodles"},
       {"aspect",
        "the crust|the seasoning|the cooking time|the sauce|the filling|the "
        "heat|the smell from the oven|the recipe"},
       {"act",
        "stir the sauce|knead the dough|reduce the stock|peel the potatoes|"
        "whip the cream|salt the water|let the batter rest|carve the roast|"
        "serve the soup"},
       {"event",
        "the milk boiled over|the dough did not rise|the oven door was opened "
        "too early|somebody used sugar instead of salt|the guests came an hour "
        "early|the butter had turned brown|the last egg broke"},
       {"quality",
        "too salty|crisp|well risen|lukewarm|slightly burnt|bland|tender|"
        "thicker than it should be"},
       {"unit", "grams|minutes|spoons|litres|portions"},
       {"site",
        "the kitchen|the canteen|the bakery|the market hall|the smokehouse|"
        "the dining car"}}}},
    {"gardening",
     {{{"agent",
        "gardener|botanist|beekeeper|landscape planner|florist|allotment "
        "holder|neighbour|park warden"},
       {"tool",
        "watering can|spade|pair of shears|greenhouse heater|rain barrel|"
        "hoe|wheelbarrow|trellis|seed tray|compost bin"},
       {"stuff",
        "seedlings|tulip bulbs|roses|slugs|bean rows|fallen leaves|apple trees|"
        "weeds|earthworms|hedges"},
       {"aspect",
        "the soil|the drainage|the shade of the wall|the first frost|the "
        "flowering time|the compost|the lawn|the pruning"},
       {"act",
        "water the beds|prune the roses|turn the compost|thin out the carrots|"
        "graft a branch|cover the strawberries|mow the lawn|stake the "
        "tomatoes|divide the irises"},
       {"event",
        "the slugs came at night|a late frost killed the buds|the hose froze|"
        "nobody watered the pots|the roots reached the wall|the seeds were "
        "mixed up|the wind broke the old pear tree"},
       {"quality",
        "too acid|well drained|overgrown|dry as dust|ready for planting|"
        "shaded until noon|full of stones|earlier than usual"},
       {"unit", "square metres|litres|weeks|rows|seed packets"},
       {"site",
        "the allotment|the orchard|the botanical garden|the nursery|the "
        "churchyard|the balcony"}}}},
    {"travel",
     {{{"agent",
        "conductor|ticket inspector|hotel owner|tour guide|border guard|"
        "passenger|ferry captain|travel agent"},
       {"tool",
        "timetable|suitcase|phrase book|city map|passport|sleeping bag|"
        "luggage trolley|guidebook|travel iron|season ticket"},
       {"stuff",
        "tickets|suitcases|side trips|night trains|delays|postcards|small "
        "hotels|mountain passes|visas|souvenirs"},
       {"aspect",
        "the connection|the view from the train|the price of the room|the "
        "route|the waiting time|the exchange rate|the luggage limit|the last "
        "bus"},
       {"act",
        "change trains|book a room|cross the border|miss the ferry|ask for "
        "the way|declare the wine|pack for three weeks|hire a car|claim a "
        "refund"},
       {"event",
        "the train was cancelled|the ferry turned back|the hotel had lost the "
        "booking|all signs were in another language|the bridge was closed|the "
        "luggage went to another city|the strike began"},
       {"quality",
        "shorter than expected|fully booked|worth the detour|more expensive "
        "in summer|badly signposted|on time|safe at night|open to debate"},
       {"unit", "kilometres|hours|nights|stops|coins"},
       {"site",
        "the central station|the border|the harbour|the hostel|the airport|"
        "platform nine"}}}},
    {"astronomy",
     {{{"agent",
        "astronomer|observer|optician|student|planetarium guide|amateur|"
        "engineer|comet hunter"},
       {"tool",
        "telescope|star chart|spectrograph|eyepiece|mirror|antenna|camera|"
        "sundial|tripod|dome"},
       {"stuff",
        "comets|craters|double stars|moons|meteors|eclipses|galaxies|"
        "satellites|sunspots|dust clouds"},
       {"aspect",
        "the orbit|the brightness|the distance|the rotation|the exposure time|"
        "the spectrum|the sky that night|the period of the star"},
       {"act",
        "measure the parallax|align the mirror|predict the eclipse|count the "
        "sunspots|follow the comet|name the crater|calibrate the camera|"
        "resolve the double star"},
       {"event",
        "clouds came up|the comet broke apart|the guide star was lost|the "
        "signal faded|the dome got stuck|two exposures overlapped|a satellite "
        "crossed the field"},
       {"quality",
        "fainter than predicted|periodic|hard to explain|slightly elliptical|"
        "visible to the naked eye|beyond the limit|redshifted|steady"},
       {"unit", "light years|arc seconds|degrees|days|magnitudes"},
       {"site",
        "the observatory|the hill above the town|the planetarium|the southern "
        "station|the desert site|the roof"}}}},
    {"music",
     {{{"agent",
        "violinist|conductor|piano tuner|singer|drummer|composer|music "
        "teacher|organist"},
       {"tool",
        "metronome|cello|tuning fork|score|trumpet|microphone|bow|piano stool|"
        "drum kit|mute"},
       {"stuff",
        "strings|rehearsals|wrong notes|folk songs|encores|scales|chords|"
        "recordings|organ pipes|reeds"},
       {"aspect",
        "the tempo|the second movement|the sound of the hall|the pitch|the "
        "rhythm|the ending|the left hand|the applause"},
       {"act",
        "tune the piano|play from memory|slow down before the end|count the "
        "rests|change the key|record the choir|sing the lower part|replace the "
        "strings"},
       {"event",
        "a string broke|the conductor lost the place|the audience clapped too "
        "early|the lights went out|two pages were missing|the organ went out "
        "of tune|the singer caught a cold"},
       {"quality",
        "too fast|out of tune|softer than written|hard to sing|surprisingly "
        "modern|in a minor key|uneven|worth hearing twice"},
       {"unit", "bars|beats|minutes|octaves|rehearsals"},
       {"site",
        "the concert hall|the rehearsal room|the village church|the bandstand|"
        "the studio|the conservatory"}}}},
    {"sport",
     {{{"agent",
        "referee|goalkeeper|coach|swimmer|cyclist|physiotherapist|chess "
        "player|groundsman"},
       {"tool",
        "stopwatch|racket|starting block|whistle|rowing boat|helmet|scoreboard|"
        "climbing rope|chess clock|pair of skis"},
       {"stuff",
        "penalties|sprints|training plans|substitutes|fouls|records|draws|"
        "medals|relay teams|supporters"},
       {"aspect",
        "the second half|the score|the training|the track|the final lap|the "
        "weather on race day|the defence|the rule about time"},
       {"act",
        "change the goalkeeper|warm up properly|hold the lead|appeal against "
        "the decision|train at altitude|run the last lap alone|offer a draw|"
        "rest for a week"},
       {"event",
        "it began to snow|the favourite fell|the clock stopped|the referee "
        "changed the decision|the home team was sent off|a record was broken|"
        "the relay dropped the baton"},
       {"quality",
        "closer than it looks|unfair|faster than last year|decided too early|"
        "dangerous in the rain|well defended|a matter of luck|against the "
        "rules"},
       {"unit", "points|seconds|metres|laps|matches"},
       {"site",
        "the stadium|the swimming pool|the clubhouse|the velodrome|the ski "
        "jump|the chess hall"}}}},
    {"software",
     {{{"agent",
        "developer|tester|administrator|reviewer|designer|release manager|"
        "user|intern"},
       {"tool",
        "compiler|debugger|database|build server|text editor|profiler|"
        "terminal|load balancer|test suite|package manager"},
       {"stuff",
        "bug reports|log files|unit tests|timeouts|patches|race conditions|"
        "backups|config files|warnings|feature requests"},
       {"aspect",
        "the latency|the interface|the memory use|the release date|the error "
        "message|the cache|the default setting|the documentation"},
       {"act",
        "roll back the release|reproduce the bug|rename the column|restart "
        "the server|write a test|merge the branch|raise the limit|measure it "
        "first|delete the old code"},
       {"event",
        "the disk was full|the clock jumped back an hour|the tests passed by "
        "accident|two writers held the same lock|the certificate expired|the "
        "migration stopped halfway|somebody pushed on Friday"},
       {"quality",
        "backward compatible|slower than before|hard to test|undocumented|off "
        "by one|thread-safe|correct for small inputs|misleading"},
       {"unit", "milliseconds|megabytes|requests|lines|commits"},
       {"site",
        "the data centre|the office|the staging system|the repository|the "
        "support desk|the production system"}}}},
    {"trade",
     {{{"agent",
        "merchant|accountant|shopkeeper|customer|auctioneer|supplier|"
        "warehouse clerk|auditor"},
       {"tool",
        "ledger|cash register|price list|pallet|pair of scales|invoice|"
        "contract|shop window|barcode scanner|safe"},
       {"stuff",
        "discounts|invoices|returns|orders|second-hand goods|price changes|"
        "empty shelves|complaints|taxes|deposits"},
       {"aspect",
        "the price|the margin|the delivery date|the demand|the stock|the "
        "quality of the cloth|the exchange rate|the deposit"},
       {"act",
        "lower the price|take back the goods|sign the contract|pay in advance|"
        "count the stock|open a second shop|refuse the offer|settle the debt"},
       {"event",
        "the ship came late|a competitor cut prices|the invoice was paid "
        "twice|the scales were wrong|demand doubled overnight|the supplier "
        "closed|the till was ten coins short"},
       {"quality",
        "too high for the season|negotiable|below cost|hard to predict|fair|"
        "due on delivery|twice that of last year|not worth the risk"},
       {"unit", "coins|crates|per cent|tonnes|orders"},
       {"site",
        "the market|the warehouse|the auction house|the corner shop|the "
        "customs office|the bank"}}}},
    {"weather",
     {{{"agent",
        "forecaster|farmer|sailor|pilot|hydrologist|lighthouse keeper|"
        "mountaineer|radio announcer"},
       {"tool",
        "barometer|rain gauge|weather balloon|wind sock|thermometer|radar|"
        "weather map|flood gate|lightning rod|snow plough"},
       {"stuff",
        "thunderstorms|gusts|fog banks|cold fronts|droughts|snowdrifts|high "
        "tides|hailstones|heat waves|showers"},
       {"aspect",
        "the pressure|the wind|the visibility|the river level|the forecast|"
        "the humidity|the temperature at night|the cloud cover"},
       {"act",
        "wait for the front to pass|close the harbour|warn the valley|cancel "
        "the flight|spread salt on the road|read the barometer|trust the "
        "forecast|reef the sails"},
       {"event",
        "the wind turned north|the river burst its banks|fog closed the "
        "airport|hail ruined the grapes|the front came a day late|lightning "
        "struck the mast|the snow melted in one night"},
       {"quality",
        "falling quickly|milder than usual|below freezing|hard to forecast|"
        "calm before noon|unusual for the month|higher in the valley|"
        "dangerous for small boats"},
       {"unit", "degrees|millimetres|knots|hectopascals|days"},
       {"site",
        "the coast|the weather station|the valley|the pass|the island|the "
        "delta"}}}},
    {"animals",
     {{{"agent",
        "vet|zookeeper|shepherd|ranger|biologist|dog trainer|bird watcher|"
        "falconer"},
       {"tool",
        "feeding bowl|pair of binoculars|collar|nesting box|aquarium|trail "
        "camera|leash|hive|saddle|microchip reader"},
       {"stuff",
        "swallows|lambs|tracks in the snow|nests|beavers|goldfish|wolves|"
        "moulting hens|tadpoles|stray dogs"},
       {"aspect",
        "the plumage|the feeding time|the herd|the migration|the burrow|the "
        "behaviour at night|the water quality|the call of the male"},
       {"act",
        "feed the otters|shear the sheep|tag the birds|clean the aquarium|"
        "train the puppy|count the nests|move the herd|leave the fawn alone"},
       {"event",
        "a fox got into the henhouse|the swarm left the hive|the dog ran "
        "after the deer|the eggs did not hatch|the herd broke through the "
        "fence|the parrot learned a new word|the river froze over"},
       {"quality",
        "nocturnal|tame|protected by law|shy of people|larger than the "
        "female|asleep until spring|noisy at dawn|easy to recognise"},
       {"unit", "pairs|kilograms|days|hectares|eggs"},
       {"site",
        "the zoo|the wetland|the sheepfold|the animal shelter|the national "
        "park|the aquarium"}}}},
    {"building",
     {{{"agent",
        "architect|bricklayer|electrician|site manager|plumber|roofer|"
        "inspector|tenant"},
       {"tool",
        "spirit level|scaffold|concrete mixer|drill|floor plan|crane|ladder|"
        "plumb line|fuse box|tape measure"},
       {"stuff",
        "bricks|beams|building permits|roof tiles|cracks|pipes|cables|floor "
        "boards|window frames|delays"},
       {"aspect",
        "the foundation|the load on the beam|the insulation|the staircase|the "
        "water pressure|the ceiling height|the estimate|the noise"},
       {"act",
        "pour the foundation|replace the fuse|seal the window|remove the "
        "wall|check the plan|lay the tiles|insulate the roof|raise the "
        "scaffold"},
       {"event",
        "the wall began to crack|water came through the ceiling|the crane "
        "stood still for a week|the plans were for another house|the paint "
        "peeled off|an old well was found|the permit was withdrawn"},
       {"quality",
        "out of plumb|load-bearing|damp|up to code|cheaper in wood|two "
        "centimetres too short|better than on paper|a fire risk"},
       {"unit", "metres|bricks|bags of cement|tonnes|floors"},
       {"site",
        "the building site|the cellar|the attic|the new school|the scaffold|"
        "the old mill"}}}},
};

}  // namespace

std::span<const DynamicDomain> DynamicDomains() { return kDomains; }

}  // namespace revlm::challenge
