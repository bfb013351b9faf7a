#include "challenge/taxonomy.h"

namespace revlm::challenge {
namespace {

constexpr TaxonomyLeaf kMathematics[] = {
    {"mathematics/arithmetic/addition",
     {"{102-998} + {102-998} =", "{12-98} + {12-98} + {12-98} =",
      "The sum of {1002-9998} and {12-98} is"}},
    {"mathematics/arithmetic/subtraction",
     {"{502-998} - {102-498} =", "{1002-9998} minus {12-98} is",
      "From {202-998}, take away {12-98}, then {12-98}. What is left is"}},
    {"mathematics/arithmetic/multiplication",
     {"{12-98} x {12-98} =", "{102-998} times {3-9} is",
      "{13-39} * {13-39} * {2-5} ="}},
    {"mathematics/arithmetic/division",
     {"{1002-9998} / {3-19} =",
      "{!12-98:q}{!3-19:d}{=q*d+2} divided by {:d} is {:q} remainder",
      "How often does {12-98} go into {1002-9998}?"}},
    {"mathematics/quantities/fractions",
     {"{1-9}/{11-29} + {1-9}/{11-29} =", "{3-19}/{20-90} in lowest terms is",
      "{2-9} of {20-90} {things} are {colour}. As a fraction that is"}},
    {"mathematics/quantities/percentages",
     {"{3-97} % of {110-990} is",
      "A {object} for {110-990} coins is now {5-60} % cheaper and costs",
      "The price of {food} rose from {12-48} to {50-98} coins, which is"}},
    {"mathematics/quantities/units",
     {"{!2-9:m}{!11-99:c}{=100*m+c} centimetres are {:m}.{:c} metres; "
      "{102-998} minutes are",
      "The path is {1-9}.{11-99} miles long, which is about",
      "{2-90} dozen {things} weigh {3-40} pounds, or in kilograms"}},
    {"mathematics/quantities/money",
     {"{name} pays {3-9} {things} at {11-99} cents each with a note of 20. The "
      "change is",
      "{110-990} coins at {2-9} % for {2-12} years come to",
      "{3-9} people share a bill of {102-998} coins, so each pays"}},
    {"mathematics/number/sequences",
     {"{!2-29:a}{!2-29:b}{=a}, {=b}, {=a+b}, {=a+2*b}, {=2*a+3*b},",
      "{!3-40:n}{!2-60:d}{=n*n+d}, {=n*n+2*n+1+d}, {=n*n+4*n+4+d},",
      "{!2-40:a}{!2-7:r}{=a}, {=a*r}, {=a*r*r}, {=a*r*r*r},"}},
    {"mathematics/number/properties",
     {"The smallest prime above {1002-9998} is", "{1002-9998} is divisible by",
      "The greatest common divisor of {102-998} and {102-998} is"}},
    {"mathematics/number/bases",
     {"{102-998} in binary is", "{1002-9998} in base {3-8} is",
      "0x{10-99}{10-99} in decimal is"}},
    {"mathematics/problems/word_problems",
     {"{name} sells {12-48} {things} on {day:a} and twice as many on {day:b}. "
      "In the two days that makes",
      "A basket holds {12-48} {things}. For {202-998} of them the {person} "
      "needs",
      "{name:a} is {2-9} years older than {name:b}, and together they are "
      "{40-98}. So {:a} is"}},
    {"mathematics/problems/equations",
     {"{2-9}x + {3-98} = {102-298}, so x =",
      "x + y = {40-98}, x - y = {2-38}, so x =",
      "x * x - {5-19}x + {2-60} = 0, so x is"}},
    {"mathematics/problems/geometry",
     {"A field of {12-98} by {12-98} metres has an area of",
      "A circle with a radius of {12-98}.{1-9} cm has a circumference of",
      "The longest side of a right triangle with sides {3-48} and {3-48} is"}},
};

constexpr TaxonomyLeaf kCode[] = {
    {"code/python/functions",
     {"def {verb}_{id}({id:a}, {id:b}=None):\n    ",
      "{id:a} = sorted({id:b}, key=lambda {id:c}:",
      "def {verb}({id:a}):\n    \"\"\"{Verb} every {:a} of a {id}.\"\"\"\n    "
      "return ["}},
    {"code/python/conditions",
     {"if {id:a} > {2-99} and not {id:b}:\n    {:b} =",
      "while {id:a} < len({id:b}):\n    if {:b}[{:a}] ==",
      "for {id:a}, {id:b} in {id:c}.items():\n    if"}},
    {"code/python/errors",
     {"try:\n    {verb}_{id}({id})\nexcept",
      "raise ValueError(f\"{id:a} must be",
      "Traceback (most recent call last):\n  File \"{verb}.py\", line {2-400}, "
      "in {verb}_{id}\n"}},
    {"code/languages/c",
     {"static int {verb}_{id}(const struct {id} *{id}, size_t n) {{\n",
      "for (size_t i = 0; i < {id:a}->num_{id:b}; i++) {{\n  if (",
      "#define MAX_{ID} {16-4096}  /*"}},
    {"code/languages/shell",
     {"find . -name '*.{inv}' -mtime +{2-60} |",
      "for {id:a} in {id:b}/*.{inv}; do\n  ",
      "curl -s https://example.org/{id}/{2-99} |"}},
    {"code/languages/sql",
     {"SELECT {id:a}, COUNT(*) FROM {id:b} WHERE {id:c} > {2-99} GROUP BY",
      "UPDATE {id:a} SET {id:b} = {2-99} WHERE",
      "CREATE INDEX {id:a}_by_{id:b} ON"}},
    {"code/languages/javascript",
     {"const {id:a} = await {verb}{Type}({id:b});\nif (!{:a}",
      "{id:a}.map(({id:b}) => {:b}.{id:c}).filter(",
      "export function use{Type}({{ {id:a}, {id:b} }}) {{\n  const ["}},
    {"code/languages/rust",
     {"fn {verb}_{id:a}({id:b}: &[{Type}]) -> Option<",
      "match {id:a}.{verb}() {{\n    Ok({id:b}) =>",
      "impl {Type:a} for {Type:b} {{\n    fn"}},
    {"code/practice/comments",
     {"// The {id:a} is kept {2-99} bytes longer than the {id:b}, because",
      "# {Verb} the {id} before the {id}, otherwise",
      "/* This {id} looks unused, but {Type}"}},
    {"code/practice/tests",
     {"TEST({Type}Test, {Verb}sThe{Type}When",
      "def test_{verb}_{id}_with_{2-99}_{id}s():\n    assert",
      "it('{verb}s the {id} of a {id}', () => {{\n  expect("}},
    {"code/practice/commits",
     {"{id}: {verb} the {id} of {Type}\n\nUntil now,",
      "Fix #{102-9998}: {id} of the {id} was off by",
      "-  {id:a} = {verb}({id:b})\n+  {:a} ="}},
    {"code/practice/logs",
     {"[{10-23}:{10-59}:{10-59}] WARN {Type}: {id} {2-999} took",
      "{1002-9998} requests, {2-99} failed, slowest {id}:",
      "error: '{id}' was not declared in this scope; did you mean"}},
};

}  // namespace

std::span<const TaxonomyLeaf> MathematicsLeaves() { return kMathematics; }
std::span<const TaxonomyLeaf> CodeLeaves() { return kCode; }

}  // namespace revlm::challenge
