#include "revlm/prompts.h"

#include <unistd.h>

#include <string>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/streams.h"
#include "cli/terminal.h"
#include "revlm/report.h"

namespace revlm::cli {

int PromptsCommand(const PromptsLine& line) {
  PromptsOptions options = line.prompts;
  options.stop = SignalStop();
  const Result<PromptsReport> report = MakePrompts(options);
  if (!report) return Fail(report.error(), line.output.json, kPromptsSchema);
  if (line.output.json) return Answer(RenderJson(*report, kDone), kDone);
  if (line.output.quiet) {
    std::string ids;
    for (const MadePrompt& prompt : report->prompts) ids += prompt.id + "\n";
    return Answer(ids, kDone);
  }
  const TextStyle style = StyleOf(STDOUT_FILENO, !line.output.no_color);
  return Answer(line.prompts.id.empty() ? RenderText(*report, style)
                                        : RenderExplanation(*report, style),
                kDone);
}

}  // namespace revlm::cli
