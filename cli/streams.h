// What commands write: results to stdout, talk to stderr.
#pragma once

#include <functional>
#include <string_view>

#include "cli/display.h"
#include "cli/shared_options.h"
#include "revlm/error.h"
#include "revlm/event.h"

namespace revlm::cli {

// Where stdin, stdout or stderr is closed: keeps the next file that is opened
// from taking its place. REQUIRES: called once, before any file is opened.
void OccupyClosedStreams();

void Say(std::string_view text);    // to stderr, at once
void Write(std::string_view text);  // to stdout
void WriteAtOnce(std::string_view text);

// Writes the results, or their last part, and gives the exit code: kSomeFailed
// instead of kDone when any of them was lost. A reader that went away early (`|
// head`) is no failure.
int Answer(std::string_view text, int exit_code);

void SayError(const Error& error);

// Says `error` on stderr, and with `json` as a document of `schema` on stdout.
int Fail(const Error& error, bool json, std::string_view schema);
// The same with another exit code than the error's own.
int FailAs(int exit_code, const Error& error, bool json,
           std::string_view schema);

Display MakeDisplay(const OutputOptions& output);

// Whether an event of this kind is for someone who asked for this much.
bool IsWanted(const RunEvent& event, const OutputOptions& output);

// Shows the events that are wanted. `display` must outlive it.
std::function<void(const RunEvent&)> ShowOn(Display& display,
                                            const OutputOptions& output);

}  // namespace revlm::cli
