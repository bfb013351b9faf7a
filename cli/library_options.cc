#include "cli/library_options.h"

namespace revlm::cli {
namespace {

constexpr char kTarget[] =
    "[alias=]directory, hf:ORG/NAME[@REVISION], or what is\n"
    "stored: ref:FILE.revfp, ref:NAME";

void AddLibraryOption(CLI::App& app, std::string& library) {
  app.add_option("--library", library,
                 "The library's file (library.sqlite in\n$XDG_DATA_HOME/revlm)")
      ->option_text("FILE");
}

void AddSourceOptions(CLI::App& app, FingerprintSource& source,
                      SourceFlags& flags) {
  const std::string group = "Computing";
  app.add_option("TARGET", source.target, kTarget)
      ->required()
      ->option_text(" ");
  AddLibraryOption(app, source.library);
  AddDtype(app, flags.dtype, "auto, f32 or bf16", group);
  AddThreads(app, source.num_threads, group)->check(CLI::NonNegativeNumber);
  AddBatchSize(app, source.batch_size, group)->check(CLI::PositiveNumber);
  AddMemoryLimit(app, flags.memory_limit_gib, group);
  AddMemoryStrict(app, source.memory_strict, group);
  AddNoResident(app, flags.no_resident, group);
}

void Resolve(const SourceFlags& flags, FingerprintSource& source) {
  source.dtype = DtypeOf(flags.dtype);
  if (flags.memory_limit_gib) {
    source.memory_limit_bytes = ToBytes(*flags.memory_limit_gib);
  }
  source.keep_weights = !flags.no_resident;
}

}  // namespace

void AddLibraryCommands(CLI::App& parser, LibraryCommands& commands,
                        OutputOptions& output) {
  CLI::App* app = commands.enroll_command = parser.add_subcommand(
      "enroll", "Keep a model's fingerprint as a reference");
  AddSourceOptions(*app, commands.enroll.from, commands.enroll_flags);
  app->add_option("--name", commands.enroll.name,
                  "Of the reference (the model's)")
      ->option_text("NAME");
  app->add_option("--family", commands.enroll.family,
                  "Models that come from each other (that of the\n"
                  "reference it replaces, or comes from, or its name)")
      ->option_text("NAME");
  app->add_flag("--replace", commands.enroll.replace,
                "In place of a reference of that name");
  app->add_option("-o,--output", commands.enroll.output_file,
                  "Write it to a .revfp file, too; of ref:NAME of the\n"
                  "library, only that")
      ->option_text("FILE");
  AddOutputOptions(*app, output);

  app = commands.identify_command = parser.add_subcommand(
      "identify", "Find the reference that a model comes from");
  AddSourceOptions(*app, commands.identify.from, commands.identify_flags);
  app->add_flag("--light", commands.light,
                "Look at the weights of an eighth of the layers only;\n"
                "no prompt is run");
  app->add_option("--alpha", commands.identify.alpha,
                  "The most that an independent model is matched (1e-4)")
      ->option_text("P");
  app->add_option("--except", commands.identify.except,
                  "A reference to leave out; may be given many times")
      ->option_text("NAME")
      ->allow_extra_args(false);
  app->add_flag("--no-sighting", commands.no_sighting,
                "Do not note in the library what was found");
  AddOutputOptions(*app, output);
  app->footer("Exit code 0: it comes from a reference; 4: unknown.");

  app = commands.ls_command = parser.add_subcommand(
      "ls", "List the references, and what was identified");
  app->add_option("WHAT", commands.what, "refs or runs (both)")
      ->check(CLI::IsMember({"refs", "runs"}))
      ->option_text(" ");
  AddLibraryOption(*app, commands.list.library);
  AddOutputOptions(*app, output);
}

void Resolve(LibraryCommands& commands) {
  Resolve(commands.enroll_flags, commands.enroll.from);
  Resolve(commands.identify_flags, commands.identify.from);
  commands.identify.keep_sighting = !commands.no_sighting;
  if (commands.light) commands.identify.probe = Probe::kLight;
  commands.list.references = commands.what != "runs";
  commands.list.sightings = commands.what != "refs";
}

}  // namespace revlm::cli
