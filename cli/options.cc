#include "cli/options.h"

#include <fmt/format.h>

#include "cli/compare_options.h"
#include "cli/library_options.h"
#include "cli/prompt_options.h"
#include "cli/shared_options.h"
#include "revlm/version.h"

namespace revlm::cli {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  revlm run ./my-model --prompt \"The capital of France is\"\n"
    "  revlm run hf:EleutherAI/pythia-70m --prompts questions.txt --json\n"
    "  revlm inspect ./my-model\n"
    "  revlm monitor latest\n"
    "  revlm compare ./my-model ./other-model\n"
    "  revlm prompts --seed 7\n"
    "  revlm enroll ./my-model && revlm identify ./a-model\n";

// Help without types and defaults that the text says better, and without the
// later names of an option, which are spellings of an earlier program.
class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(27); }
  std::string make_option_name(const CLI::Option* option,
                               bool is_positional) const override {
    if (is_positional || option->get_lnames().size() < 2) {
      return CLI::Formatter::make_option_name(option, is_positional);
    }
    return "--" + option->get_lnames().front();
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0) return "";
    return " " + option->get_option_text();
  }
};

void AddPromptOptions(CLI::App& app, CommandLine& line) {
  RunOptions& run = line.run;
  const std::string group = "Prompts";
  app.add_option("--prompt", run.prompts, "A prompt; may be given many times")
      ->option_text("TEXT")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--prompts", run.prompt_file,
                 "One prompt a line, or JSON Lines (.jsonl)")
      ->option_text("FILE")
      ->group(group);
  app.add_option("--challenges", run.num_challenges,
                 "Built-in prompts to use (10)")
      ->option_text("N")
      ->group(group);
  AddOrchestrationOptions(app, line.orchestration,
                          "Make the prompts from --seed instead (up to 10000)",
                          group);
  AddPromptForm(app, line.prompt_form, group);
  app.add_flag("--no-special-tokens", line.no_special_tokens,
               "Leave out the tokenizer's special tokens")
      ->group(group);
}

void AddAnswerOptions(CLI::App& app, CommandLine& line) {
  RunOptions& run = line.run;
  const std::string group = "Answers";
  app.add_option("--max-tokens", run.max_tokens,
                 "New tokens for each prompt (16)")
      ->option_text("N")
      ->group(group);
  app.add_option("--temperature", run.sampling.temperature,
                 "0: the most probable token, always (0)")
      ->option_text("T")
      ->group(group);
  app.add_option("--top-k", run.sampling.top_k,
                 "Choose among the K most probable; 0: all (0)")
      ->option_text("K")
      ->group(group);
  app.add_option("--top-p", run.sampling.top_p,
                 "Choose among the fewest with probability P (1)")
      ->option_text("P")
      ->group(group);
  app.add_option("--seed", run.sampling.seed, "Of the random choice (0)")
      ->option_text("S")
      ->group(group);
  app.add_option("--logprobs", run.num_logprobs,
                 "Alternatives to report for each token (0)")
      ->option_text("K")
      ->group(group);
  app.add_flag("--prompt-logprobs", run.prompt_logprobs,
               "Score the prompt's own tokens too")
      ->group(group);
  app.add_option("--capture", line.capture,
                 "Keep hidden states: last, mean or all tokens")
      ->check(CLI::IsMember({"last", "mean", "all"}))
      ->option_text("WHICH")
      ->group(group);
}

void AddEngineOptions(CLI::App& app, CommandLine& line) {
  RunOptions& run = line.run;
  const std::string group = "Computing";
  AddDtype(app, line.dtype, "auto, f32 or bf16", group);
  AddThreads(app, run.num_threads, group);
  AddMemoryLimit(app, line.memory_limit_gib, group);
  app.add_option("--parallel-per-process", line.per_process_gib,
                 "GiB that each model at once needs room for;\ngiven, caps how "
                 "many there are (2)")
      ->check(GibibytesValidator())
      ->option_text("G")
      ->group(group);
  AddMemoryStrict(app, run.memory_strict, group);
  AddNoResident(app, line.no_resident, group);
}

void AddParallelOptions(CLI::App& app, CommandLine& line) {
  RunOptions& run = line.run;
  const std::string group = "Together";
  CLI::Option* const parallel =
      app.add_flag("--parallel", line.parallel,
                   "Prompts go through a model together: the default,\n"
                   "except of run_rev.py")
          ->group(group);
  CLI::Option* const no_parallel =
      app.add_flag("--no-parallel", line.no_parallel, "One prompt at a time")
          ->excludes(parallel)
          ->group(group);
  app.add_option("--parallel-mode", line.mode,
                 "cross_product: every prompt to every model;\n"
                 "paired: first to first, and so on; broadcast: all\n"
                 "prompts to the first model, or with fewer prompts\n"
                 "than models the first to all (cross_product)")
      ->check(CLI::IsMember({"cross_product", "paired", "broadcast"}))
      ->option_text("MODE")
      ->group(group);
  AddBatchSize(app, run.batch_size, group)->excludes(no_parallel);
  app.add_option("--parallel-workers", run.num_workers,
                 "Models at once, each in a process of its own (as many\n"
                 "as are fastest)")
      ->option_text("N")
      ->group(group);
  app.add_flag("--parallel-adaptive", run.adaptive,
               "Tune how much is done at once while the run goes on")
      ->excludes(no_parallel)
      ->group(group);
  app.add_flag("--enable-adaptive-parallel", run.adaptive)
      ->excludes(no_parallel)
      ->group("");  // the published spelling
  app.add_option("--adaptation-interval", run.adaptation_interval,
                 "Finished prompts from one tuning to the next (20)")
      ->option_text("N")
      ->group(group);
  app.add_option("--parallel-priority", run.priority,
                 "Of prompts that name none; higher first (0)")
      ->option_text("N")
      ->group(group);
}

void AddFailureOptions(CLI::App& app, CommandLine& line) {
  RunOptions& run = line.run;
  const std::string group = "Failures";
  app.add_option("--max-retries", run.max_retries,
                 "Of what failed for a passing reason; 0: none (3)")
      ->option_text("N")
      ->group(group);
  app.add_flag("--enable-circuit-breaker", run.circuit_breaker,
               "Pause a model that keeps failing, then give up")
      ->group(group);
}

// What a run is, for the command that does it and the one that only plans it.
void AddRunOptions(CLI::App& app, CommandLine& line) {
  app.add_option("MODEL", line.run.models,
                 "[alias=]directory or hf:ORG/NAME[@REVISION]")
      ->required()
      ->option_text("...");
  AddPromptOptions(app, line);
  AddAnswerOptions(app, line);
  AddParallelOptions(app, line);
  AddFailureOptions(app, line);
  AddEngineOptions(app, line);
  app.add_option("--output-dir,--output", line.run.output_dir,
                 "This run's directory; default: in rev-runs")
      ->option_text("D")
      ->group("Output");
  AddOutputOptions(app, line.output);
}

CLI::App* AddPlan(CLI::App& parser, CommandLine& line) {
  CLI::App* app = parser.add_subcommand(
      "plan", "Say what memory and time a run would take");
  AddRunOptions(*app, line);
  return app;
}

CLI::App* AddRun(CLI::App& parser, CommandLine& line) {
  CLI::App* app =
      parser.add_subcommand("run", "Put prompts to models; may be left out");
  AddRunOptions(*app, line);
  app->add_flag("--parallel-monitor", line.has_monitor,
                "Show memory, speed and each model while it runs")
      ->group("Output");
  app->footer(
      "Without --output-dir, a run goes to a new directory in rev-runs, or "
      "goes "
      "on in\nthe one that rev-runs/latest leads to when that was stopped "
      "and has the\nsame plan. Each flag --foo-bar is also read from "
      "REV_FOO_BAR.");
  return app;
}

CLI::App* AddInspect(CLI::App& parser, CommandLine& line) {
  CLI::App* app = parser.add_subcommand(
      "inspect", "Say what a model is and what memory it needs");
  app->add_option("MODEL", line.inspect.model,
                  "Directory or hf:ORG/NAME[@REVISION]")
      ->required()
      ->option_text(" ");
  app->add_flag("--hash", line.inspect.hash,
                "Read all weights: SHA-256 of files and tensors");
  AddOutputOptions(*app, line.output);
  return app;
}

CLI::App* AddMonitor(CLI::App& parser, CommandLine& line) {
  CLI::App* app =
      parser.add_subcommand("monitor", "Watch a run, from another terminal");
  app->add_option("RUN", line.status.run,
                  "A run's directory (latest: the newest in rev-runs)")
      ->option_text(" ");
  app->add_flag("--once", line.once, "Show it once, as it is now");
  AddOutputOptions(*app, line.output);
  app->footer(
      "Ends with the run; q or Ctrl-C ends it sooner and leaves the run "
      "alone.");
  return app;
}

}  // namespace

std::vector<std::string> CommandNames() {
  return {"run",     "plan",    "inspect", "monitor",  "compare", "verify",
          "explain", "prompts", "enroll",  "identify", "ls"};
}

std::unique_ptr<CLI::App> MakeParser(CommandLine& line) {
  auto parser = std::make_unique<CLI::App>(
      "Which model is this, really? Runs prompts on local language models, "
      "layer by\nlayer inside the memory there is, keeps what they do, and "
      "tells them apart.");
  parser->name("revlm");
  parser->formatter(std::make_shared<Formatter>());
  parser->set_version_flag("--version", "revlm " + std::string(kVersion));
  parser->require_subcommand(1);
  parser->footer(kExamples);
  line.run_command = AddRun(*parser, line);
  line.plan = std::make_unique<CommandLine>();
  line.plan_command = AddPlan(*parser, *line.plan);
  line.inspect_command = AddInspect(*parser, line);
  line.monitor_command = AddMonitor(*parser, line);
  line.compare = AddCompare(*parser);
  line.verify = AddVerify(*parser);
  line.explain = AddExplain(*parser);
  line.prompts = AddPrompts(*parser);
  AddLibraryCommands(*parser, line.library, line.output);
  for (CLI::App* command :
       {line.run_command, line.plan_command, line.inspect_command,
        line.monitor_command, line.compare->command,
        line.verify->by_weights.command, line.explain->command,
        line.prompts->command, line.library.enroll_command,
        line.library.identify_command, line.library.ls_command}) {
    command->set_version_flag("--version", "revlm " + std::string(kVersion));
    NameEnvironment(*command);
    ReadDecimals(*command);
  }
  return parser;
}

void Resolve(CommandLine& line) {
  Resolve(line.library);
  RunOptions& run = line.run;
  run.special_tokens = !line.no_special_tokens;
  run.prompt_form = PromptFormOf(line.prompt_form);
  run.orchestration = line.orchestration.Resolve();
  if (line.memory_limit_gib) {
    run.memory_limit_bytes = ToBytes(*line.memory_limit_gib);
  }
  if (line.per_process_gib) {
    run.per_process_bytes = ToBytes(*line.per_process_gib);
  }
  if (line.mode == "paired") run.mode = Mode::kPaired;
  if (line.mode == "broadcast") run.mode = Mode::kBroadcast;
  if (line.no_parallel) run.batch_size = 1;
  run.keep_weights = !line.no_resident;
  run.owns_process = true;
  run.dtype = DtypeOf(line.dtype);
  if (line.capture == "last") run.capture = HiddenStates::kLast;
  if (line.capture == "mean") run.capture = HiddenStates::kMean;
  if (line.capture == "all") run.capture = HiddenStates::kAll;
}

std::vector<std::string> LongFlags(const CLI::App& parser) {
  std::vector<std::string> flags;
  const auto add = [&](const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        flags.push_back("--" + name);
      }
    }
  };
  add(parser);
  for (const CLI::App* command : parser.get_subcommands()) add(*command);
  return flags;
}

}  // namespace revlm::cli
