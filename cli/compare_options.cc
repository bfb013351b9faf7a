#include "cli/compare_options.h"

#include <fmt/format.h>

#include <utility>

namespace revlm::cli {
namespace {

void AddPromptOptions(CLI::App& app, CompareLine& line) {
  CompareOptions& compare = line.compare;
  const std::string group = "Prompts";
  app.add_option(
         "--challenges", compare.num_challenges,
         "Prompts to make from the seed, in rounds at most;\n0: weights "
         "only (50)")
      ->transform(WholeNumber(0, kMaxPrompts))
      ->option_text("N")
      ->group(group);
  app.add_option("--seed", compare.seed,
                 "Of the prompts and the rows of weights compared (0)")
      ->option_text("S")
      ->group(group);
  app.add_option("--prompt", compare.prompts,
                 "A prompt of your own; may be given many times")
      ->option_text("TEXT")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--prompts", compare.prompt_file,
                 "One prompt a line, or JSON Lines (.jsonl)")
      ->option_text("FILE")
      ->group(group);
  AddPromptForm(app, line.prompt_form, group);
  app.add_flag("--no-special-tokens", line.no_special_tokens,
               "Leave out the tokenizer's special tokens")
      ->group(group);
  AddOrchestrationOptions(
      app, line.orchestration,
      "Ask in rounds, the next prompts chosen by what others\ntold, until "
      "behaviour is decided; with --text-only\nall at once",
      group);
}

void AddWeightOptions(CLI::App& app, CompareLine& line) {
  app.add_flag("--full-matching", line.compare.full_matching,
               "Match the hidden units of all layers, not of some")
      ->group("Weights");
}

void AddVerdictOptions(CLI::App& app, CompareLine& line) {
  const std::string group = "Verdicts";
  app.add_option("--epsilon", line.compare.same_nats,
                 "A divergence that counts as none, nats a token (0.001)")
      ->option_text("E")
      ->group(group);
  app.add_option("--alpha", line.compare.alpha,
                 "How often a verdict may be wrong, for each pair (0.01)")
      ->option_text("A")
      ->group(group);
  CLI::Option* const fail_on =
      app.add_option("--fail-on", line.exit.fail_on,
                     "Exit with 1 on these, else 0: different, derived,\n"
                     "undecided, error; with commas between them")
          ->delimiter(',')
          ->check(CLI::IsMember({"different", "derived", "undecided", "error"}))
          ->option_text("LIST")
          ->allow_extra_args(false)
          ->group(group);
  app.add_flag("--exit-zero", line.exit.exit_zero, "Exit with 0 on any verdict")
      ->excludes(fail_on)
      ->group(group);
}

void AddTextOptions(CLI::App& app, VerifyLine& line) {
  VerifyTextOptions& text = line.by_text;
  const std::string group = "Texts only";
  app.add_option("--answers", text.answers,
                 "What TARGET answered, all that is known of it: a\n"
                 "run's directory, or lines of {\"prompt\", \"answer\"}")
      ->option_text("FILE")
      ->group(group);
  app.add_flag("--text-only", line.text_only,
               "Look at nothing of TARGET but the text of its answers")
      ->group(group);
  app.add_option("--alternative", text.alternatives,
                 "A model that TARGET may be instead, besides REF\n"
                 "quantised; may be given many times")
      ->option_text("MODEL")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--max-tokens", text.max_tokens,
                 "How TARGET was or is to be asked: the most new\ntokens (32)")
      ->option_text("N")
      ->group(group);
  app.add_option("--temperature", text.temperature,
                 "Its temperature, above 0 (1)")
      ->option_text("T")
      ->group(group);
  app.add_option("--top-k", text.top_k, "Its top-k; 0: all (0)")
      ->option_text("K")
      ->group(group);
  app.add_option("--top-p", text.top_p, "Its top-p (1)")
      ->option_text("P")
      ->group(group);
  app.add_option("--own-answers", text.num_own_answers,
                 fmt::format("REF's own answers to each prompt ({})",
                             kDefaultOwnAnswers))
      ->option_text("N")
      ->group(group);
}

void AddComputingOptions(CLI::App& app, CompareLine& line) {
  const std::string group = "Computing";
  AddDtype(app, line.dtype,
           "f32, bf16 or auto; f32 holds every weight exactly (f32)", group);
  AddThreads(app, line.compare.num_threads, group);
  AddBatchSize(app, line.compare.batch_size, group);
  AddMemoryLimit(app, line.memory_limit_gib, group);
  AddMemoryStrict(app, line.compare.memory_strict, group);
}

void AddAll(CLI::App& app, CompareLine& line) {
  line.command = &app;
  AddPromptOptions(app, line);
  AddWeightOptions(app, line);
  AddVerdictOptions(app, line);
  AddComputingOptions(app, line);
  app.add_option(
         "--output-dir", line.compare.output_dir,
         "Where evidence is kept, new, empty or unfinished; default: in "
         "rev-runs")
      ->option_text("D")
      ->group("Output");
  AddOutputOptions(app, line.output);
  app.footer(
      "Exit codes: 0 SAME, 1 DIFFERENT, 3 DERIVED, 4 UNDECIDED; of several "
      "pairs, the\nworst in the order 1, 4, 3, 0. 2 and above 4: no verdict.");
}

}  // namespace

std::unique_ptr<CompareLine> AddCompare(CLI::App& parser) {
  auto line = std::make_unique<CompareLine>();
  CLI::App* app = parser.add_subcommand(
      "compare", "Say of models, in pairs, whether they are the same");
  app->add_option("MODEL", line->compare.models,
                  "[alias=]directory or hf:ORG/NAME[@REVISION]; two or more")
      ->required()
      ->option_text("...");
  AddAll(*app, *line);
  return line;
}

std::unique_ptr<VerifyLine> AddVerify(CLI::App& parser) {
  auto line = std::make_unique<VerifyLine>();
  CLI::App* app = parser.add_subcommand(
      "verify", "Say whether a model is what it is claimed to be");
  app->add_option("TARGET", line->by_weights.target,
                  "[alias=]directory or hf:ORG/NAME[@REVISION]; the directory "
                  "of\na run: its answers; with --answers: a name")
      ->option_text(" ");
  app->add_option("--against", line->by_weights.reference,
                  "The model that it should be")
      ->required()
      ->option_text("REF");
  AddTextOptions(*app, *line);
  AddAll(*app, line->by_weights);
  return line;
}

std::unique_ptr<ExplainLine> AddExplain(CLI::App& parser) {
  auto line = std::make_unique<ExplainLine>();
  CLI::App* app = parser.add_subcommand(
      "explain", "Form the verdicts of a comparison again and say why");
  line->command = app;
  app->add_option("RUN", line->explain.run,
                  "Its directory (latest: the newest in rev-runs)")
      ->option_text(" ");
  app->add_option("PAIR", line->pair, "Only this one, as A~B")
      ->option_text(" ");
  AddOutputOptions(*app, line->output);
  return line;
}

void Resolve(CompareLine& line) {
  CompareOptions& compare = line.compare;
  compare.special_tokens = !line.no_special_tokens;
  compare.prompt_form = PromptFormOf(line.prompt_form);
  compare.orchestration = line.orchestration.Resolve();
  if (line.memory_limit_gib) {
    compare.memory_limit_bytes = ToBytes(*line.memory_limit_gib);
  }
  compare.owns_process = true;
  compare.dtype = DtypeOf(line.dtype);
}

void Resolve(VerifyLine& line) {
  CompareLine& weights = line.by_weights;
  VerifyTextOptions& text = line.by_text;
  Resolve(weights);
  if (text.answers.empty() && IsRunDirectory(weights.target)) {
    text.answers = std::exchange(weights.target, "");
  }
  const bool has_answers = !text.answers.empty();
  line.is_by_text = has_answers || line.text_only;
  if (line.text_only) text.known = Known::kText;
  weights.compare.models = {weights.reference};
  if (has_answers) {
    text.target = weights.target;
  } else {
    weights.compare.models.push_back(weights.target);
  }
  text.compare = weights.compare;
}

}  // namespace revlm::cli
