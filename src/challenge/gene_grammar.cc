#include "challenge/gene_grammar.h"

#include <array>

namespace revlm::challenge {
namespace {

constexpr std::array<GeneFrame, 20> kFrames = {{
    {"", ""},
    {"", " "},
    {"", "\n"},
    {"\"", "\" means"},
    {"Q: ", "\nA:"},
    {"# ", "\n\n"},
    {"```\n", "\n"},
    {"[\"", "\", \""},
    {"", ", and so"},
    {"1. ", "\n2."},
    {"<p>", "</p>\n<"},
    {"", " ->"},
    {"A: ", "\nB:"},
    {"/* ", " */\n"},
    {"", " ="},
    {"(", ""},
    {"English: ", "\nFrench:"},
    {"| ", " |\n|"},
    {"{\"text\": \"", "\", \""},
    {"Once more: ", "..."},
}};

constexpr std::array<std::string_view, 8> kSeparators = {
    " ", "\n", ", ", ". ", " | ", " - ", "\n\n", ": "};

constexpr std::array<uint32_t, 6> kWordLimits = {0, 4, 8, 16, 32, 64};

constexpr std::array<std::string_view, 36> kTemplates = {
    "{noun}",
    "{adjective} {noun}",
    "{noun} {verb} {noun}",
    "{name} {verb} {adjective} {noun}",
    "{name}, {name}, {name}",
    "{place}, {noun}, {adjective}",
    "{link} {noun} {link} {noun}",
    "{verb} {verb} {verb}",
    "{name} {link} {place}",
    "{link} {name} {verb} {link} {adjective} {noun} {verb}",
    "{noun:a} {:a} {:a}",
    "{noun:a}, {noun:b}, {:a}, {:b}",
    "{adjective}, {adjective}, {adjective} {noun}",
    "{name}: {verb} {noun}!",
    "{place} ({1000-2025})",
    "{0-9999}",
    "{0-99} + {0-99}",
    "{!2-99:a}{!2-9:b}{:a} * {:b} = {=a*b}",
    "{1-12}:{10-59}",
    "{1-28}.{1-12}.{1800-2030}",
    "{0-9}{0-9}{0-9}{0-9}{0-9}{0-9}",
    "{!0-40:a}{:a}, {=a+3}, {=a+6}",
    "0x{hex}{hex}{hex}{hex}",
    "{letter}{letter}{letter}",
    "{letter}.{letter}.{letter}.",
    "{noun}_{noun} = {noun}({0-99})",
    "for {letter} in {noun}:",
    "if ({noun} > {0-99}) {{",
    "<{tag}>{noun}</{tag}>",
    "{{\"{noun}\": {0-99}}}",
    "{sign}{sign}{sign}",
    "{mark} {mark}",
    "{noun}{sign}{noun}",
    "{noun}.{tag}",
    "--{noun}={0-9} -{letter}",
    "{mark}{noun}{mark}",
};

constexpr std::string_view kHex = "0|1|2|3|4|5|6|7|8|9|a|b|c|d|e|f";
constexpr std::string_view kLetter =
    "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z";
constexpr std::string_view kTag =
    "a|b|i|p|em|li|td|div|span|html|txt|json|py|c|h|md";
constexpr std::string_view kSign = "!|?|;|:|/|*|&|%|$|#|@|~|^|=|<|>|+|-";
constexpr std::string_view kMark =
    "→|•|…|–|«|»|°|§|©|×|±|√|∞|≠|α|β|λ|Ω|♥|☀|✓|😀|🚀|№";

using Lists = std::array<WordList, 11>;

// The lists of a language, and those that are the same for all.
constexpr Lists WithCommonLists(std::string_view noun, std::string_view verb,
                                std::string_view adjective,
                                std::string_view name, std::string_view place,
                                std::string_view link) {
  return {{{"noun", noun},
           {"verb", verb},
           {"adjective", adjective},
           {"name", name},
           {"place", place},
           {"link", link},
           {"hex", kHex},
           {"letter", kLetter},
           {"tag", kTag},
           {"sign", kSign},
           {"mark", kMark}}};
}

constexpr std::array<Lists, kNumGeneLanguages> kLists = {{
    // English
    WithCommonLists(
        "house|river|window|letter|table|garden|engine|story|paper|morning|"
        "question|bridge|winter|market|doctor|memory|island|signal|kitchen|"
        "value|system|error|file|list",
        "opens|finds|carries|writes|follows|breaks|answers|builds|leaves|"
        "returns|counts|holds|forgets|sells|paints|moves",
        "old|bright|quiet|heavy|broken|early|green|empty|strange|careful|"
        "narrow|warm|local|false|final|new",
        "Anna|Peter|Maria|John|Emil|Ruth|Oscar|Clara|Hugo|Nina|Walter|Iris|"
        "Felix|Laura|Simon|Vera",
        "London|Berlin|Oslo|Lima|Cairo|Boston|Vienna|Tokyo|Dublin|Quito|"
        "Geneva|Delhi|Athens|Porto|Riga|Sydney",
        "the|of|and|but|because|with|without|if|after|before|when|that|"
        "which|not|for|from"),
    // German
    WithCommonLists(
        "Haus|Fluss|Fenster|Brief|Tisch|Garten|Motor|Geschichte|Papier|"
        "Morgen|Frage|Brücke|Winter|Markt|Arzt|Straße|Insel|Zeichen|Küche|"
        "Wert|Fehler|Datei|Liste|Übung",
        "öffnet|findet|trägt|schreibt|folgt|bricht|antwortet|baut|verlässt|"
        "kehrt|zählt|hält|vergisst|verkauft|malt|bewegt",
        "alt|hell|leise|schwer|kaputt|früh|grün|leer|seltsam|vorsichtig|"
        "schmal|warm|örtlich|falsch|letzte|neu",
        "Jürgen|Heike|Klaus|Sabine|Uwe|Gisela|Dieter|Ute|Horst|Monika|"
        "Günter|Karin|Rolf|Petra|Bernd|Ilse",
        "München|Köln|Hamburg|Wien|Zürich|Bremen|Leipzig|Dresden|Graz|Bonn|"
        "Mainz|Ulm|Kiel|Essen|Basel|Jena",
        "der|die|das|und|aber|weil|mit|ohne|wenn|nach|vor|als|dass|nicht|"
        "für|von"),
    // French
    WithCommonLists(
        "maison|rivière|fenêtre|lettre|table|jardin|moteur|histoire|papier|"
        "matin|question|pont|hiver|marché|médecin|mémoire|île|signal|"
        "cuisine|valeur|erreur|fichier|liste|forêt",
        "ouvre|trouve|porte|écrit|suit|casse|répond|construit|quitte|"
        "revient|compte|tient|oublie|vend|peint|bouge",
        "vieux|clair|calme|lourd|cassé|tôt|vert|vide|étrange|prudent|étroit|"
        "chaud|local|faux|dernier|neuf",
        "Hélène|Pierre|Amélie|Jean|Luc|Odile|Gérard|Chloé|Benoît|Sophie|"
        "Yves|Élise|Rémi|Claire|Noël|Agnès",
        "Paris|Lyon|Nîmes|Lille|Genève|Nantes|Dijon|Rennes|Tours|Brest|"
        "Nice|Metz|Caen|Pau|Sète|Arles",
        "le|la|de|et|mais|parce que|avec|sans|si|après|avant|quand|que|qui|"
        "pas|pour"),
    // Spanish
    WithCommonLists(
        "casa|río|ventana|carta|mesa|jardín|motor|historia|papel|mañana|"
        "pregunta|puente|invierno|mercado|médico|memoria|isla|señal|cocina|"
        "valor|error|archivo|lista|niño",
        "abre|encuentra|lleva|escribe|sigue|rompe|responde|construye|deja|"
        "vuelve|cuenta|tiene|olvida|vende|pinta|mueve",
        "viejo|claro|tranquilo|pesado|roto|temprano|verde|vacío|extraño|"
        "cuidadoso|estrecho|cálido|local|falso|último|nuevo",
        "José|María|Ángel|Lucía|Íñigo|Pilar|Andrés|Inés|Raúl|Elena|Óscar|"
        "Sofía|Tomás|Belén|Iván|Rosa",
        "Madrid|Sevilla|Lima|Bogotá|Quito|Cádiz|Bilbao|León|Mérida|Cuzco|"
        "Málaga|Toledo|La Paz|Córdoba|Vigo|Soria",
        "el|la|de|y|pero|porque|con|sin|si|después|antes|cuando|que|no|"
        "para|desde"),
    // Russian
    WithCommonLists(
        "дом|река|окно|письмо|стол|сад|мотор|история|бумага|утро|вопрос|"
        "мост|зима|рынок|врач|память|остров|сигнал|кухня|число|ошибка|файл|"
        "список|лес",
        "открывает|находит|несёт|пишет|идёт|ломает|отвечает|строит|уходит|"
        "считает|держит|забывает|продаёт|рисует|ждёт|знает",
        "старый|светлый|тихий|тяжёлый|новый|ранний|зелёный|пустой|странный|"
        "узкий|тёплый|ложный|последний|большой|малый|белый",
        "Анна|Пётр|Мария|Иван|Ольга|Павел|Елена|Борис|Нина|Юрий|Вера|Олег|"
        "Игорь|Дарья|Фёдор|Зоя",
        "Москва|Омск|Казань|Киев|Минск|Рига|Пермь|Томск|Тверь|Сочи|Псков|"
        "Чита|Тула|Уфа|Орёл|Ялта",
        "и|но|потому что|с|без|если|после|до|когда|что|который|не|для|из|на|"
        "в"),
    // Greek
    WithCommonLists(
        "σπίτι|ποτάμι|παράθυρο|γράμμα|τραπέζι|κήπος|ιστορία|χαρτί|πρωί|"
        "ερώτηση|γέφυρα|χειμώνας|αγορά|γιατρός|μνήμη|νησί|σήμα|κουζίνα|αξία|"
        "λάθος|αρχείο|λίστα|δάσος|φως",
        "ανοίγει|βρίσκει|γράφει|ακολουθεί|σπάει|απαντά|χτίζει|φεύγει|μετρά|"
        "κρατά|ξεχνά|πουλά|περιμένει|ξέρει|λέει|βλέπει",
        "παλιό|ήσυχο|βαρύ|νέο|πράσινο|άδειο|παράξενο|στενό|ζεστό|τελευταίο|"
        "μεγάλο|μικρό|λευκό|ψηλό|ωραίο|κρύο",
        "Άννα|Πέτρος|Μαρία|Γιάννης|Ελένη|Νίκος|Σοφία|Κώστας|Ειρήνη|Γιώργος|"
        "Ζωή|Πάνος|Χρήστος|Δανάη|Θωμάς|Βέρα",
        "Αθήνα|Πάτρα|Ρόδος|Χανιά|Βόλος|Κως|Σπάρτη|Άργος|Κέρκυρα|Δράμα|"
        "Λάρισα|Χίος|Νάξος|Πάρος|Θήβα|Σάμος",
        "και|αλλά|γιατί|με|χωρίς|αν|μετά|πριν|όταν|ότι|που|δεν|για|από|στο|"
        "το"),
    // Chinese
    WithCommonLists(
        "房子|河|窗户|信|桌子|花园|机器|故事|纸|早晨|问题|桥|冬天|市场|医生|"
        "记忆|岛|信号|厨房|数值|错误|文件|列表|森林",
        "打开|找到|带着|写|跟着|打破|回答|建造|离开|数|拿着|忘记|卖|等|知道|"
        "看见",
        "旧的|明亮的|安静的|重的|新的|早的|绿色的|空的|奇怪的|窄的|暖和的|假的|"
        "最后的|大的|小的|白色的",
        "王伟|李娜|张敏|刘洋|陈静|杨帆|赵磊|黄丽|周强|吴芳|徐军|孙燕|马超|朱红|"
        "胡平|林涛",
        "北京|上海|广州|西安|成都|南京|杭州|武汉|天津|大连|苏州|昆明|拉萨|青岛|"
        "长沙|厦门",
        "的|和|但是|因为|如果|以后|以前|时候|不|在|从|给|也|就|被|把"),
    // Words of no language
    WithCommonLists(
        "blor|trask|venim|quolt|drin|fasp|gnule|hirb|jorax|klem|lunt|mebrin|"
        "nopse|ostar|prill|rusk|snav|thumo|ulbar|wexil|yond|zarp|cremo|dost",
        "blorps|trasks|venims|quolts|drins|fasps|gnules|hirbs|joraxes|klems|"
        "lunts|mebrins|nopses|ostars|prills|rusks",
        "blorish|traskal|venimous|quolty|drinful|fasped|gnulic|hirbless|"
        "joraxian|klemmed|luntish|mebrinal|nopsy|ostaric|prilly|ruskable",
        "Blorin|Traska|Venimus|Quolto|Drina|Faspar|Gnula|Hirbert|Jorax|"
        "Klemma|Luntz|Mebrina|Nopso|Ostara|Prillo|Ruska",
        "Blorville|Traskoe|Venimburg|Quoltia|Drinhaven|Faspen|Gnulia|"
        "Hirbton|Joraxos|Klemstad|Luntmoor|Mebrino|Nopsk|Ostaria|Prillford|"
        "Ruskany",
        "ag|bey|chu|dol|esk|fi|gor|hin|ip|jat|ko|lem|mu|nar|ot|pel"),
}};

}  // namespace

std::span<const GeneFrame> GeneFrames() { return kFrames; }
std::span<const std::string_view> GeneSeparators() { return kSeparators; }
std::span<const std::string_view> GeneTemplates() { return kTemplates; }
std::span<const uint32_t> GeneWordLimits() { return kWordLimits; }

std::span<const WordList> GeneWordLists(uint32_t language) {
  return kLists[language];
}

}  // namespace revlm::challenge
