#include "challenge/timed_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace revlm::challenge {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Answer = TimedCalls::Answer;
using Call = TimedCalls::Call;

Call Saying(const std::string& text) {
  return [text](const std::stop_token&) -> Answer {
    return std::vector{Challenge{.text = text}};
  };
}

void WaitFor(const std::stop_token& stop) {
  while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
}

TEST(TimedCallsTest, AnswersComeInTheOrderOfTheCalls) {
  for (const size_t num_at_once : {1, 2, 10}) {
    TimedCalls calls(num_at_once, 60s);
    const auto answers = calls.Run({Saying("a"), Saying("b"), Saying("c")});
    ASSERT_EQ(answers.size(), 3u);
    EXPECT_EQ(answers[0].value()[0].text, "a");
    EXPECT_EQ(answers[1].value()[0].text, "b");
    EXPECT_EQ(answers[2].value()[0].text, "c");
  }
  EXPECT_TRUE(TimedCalls(1, 60s).Run({}).empty());
}

TEST(TimedCallsTest, AnExceptionIsTheErrorOfItsCall) {
  TimedCalls calls(2, 60s);
  const auto answers = calls.Run(
      {[](const std::stop_token&) -> Answer { throw std::runtime_error("oh"); },
       [](const std::stop_token&) -> Answer { throw 7; }, Saying("c")});
  EXPECT_EQ(answers[0].error().code, ErrorCode::kInternal);
  EXPECT_EQ(answers[0].error().message, "an exception: oh");
  EXPECT_EQ(answers[1].error().message, "an exception");
  EXPECT_TRUE(answers[2]);
}

TEST(TimedCallsTest, ALateCallIsLeftBehindAndHoldsNobodyUp) {
  std::atomic<bool> has_ended = false;
  {
    TimedCalls calls(1, 20ms);
    const auto answers = calls.Run({[&](const std::stop_token& stop) -> Answer {
                                      WaitFor(stop);
                                      has_ended = true;
                                      return {};
                                    },
                                    Saying("b")});
    EXPECT_EQ(answers[0].error().code, ErrorCode::kTimeout);
    EXPECT_EQ(answers[0].error().message, "no answer within 20 ms");
    EXPECT_TRUE(answers[1]);
  }
  EXPECT_TRUE(has_ended);  // the destructor waited
}

TEST(TimedCallsTest, NoMoreAreAtWorkThanAllowed) {
  std::atomic<int> num_at_work = 0;
  std::atomic<int> max_at_work = 0;
  const Call count = [&](const std::stop_token&) -> Answer {
    const int now = ++num_at_work;
    for (int max = max_at_work; now > max;) {
      if (max_at_work.compare_exchange_weak(max, now)) break;
    }
    std::this_thread::sleep_for(2ms);
    --num_at_work;
    return {};
  };
  TimedCalls calls(2, 60s);
  calls.Run({count, count, count, count, count, count});
  EXPECT_LE(max_at_work, 2);
}

}  // namespace
}  // namespace revlm::challenge
