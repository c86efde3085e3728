// The ledger by hand: what becomes of messages, and that every account closes.
#include "models/mechanisms/loss_ledger.hpp"

#include <gtest/gtest.h>

#include "models/mechanisms/messages.hpp"
#include "tests/support/scripted.hpp"

namespace windtunnel {
namespace {

using namespace std::chrono_literals;
using test::Script;

// A component that takes and gives what the test says.
class Holder final : public sim::Component, public LossLedger::Holder {
 public:
  Holder(sim::Simulation& sim, const std::string& name)
      : Component(sim, name), number(Messages::of(sim).ledger().open(*this, account, *this)) {}
  std::uint64_t messages_held() const override { return has; }

  MessageAccount account{metric_set_};
  LossLedger::Account number;
  std::uint64_t has = 0;
};

class LossLedgerTest : public ::testing::Test {
 protected:
  LossLedgerTest() : sim({.horizon = 100s}) {}

  Holder& holder(const std::string& name) {
    return static_cast<Holder&>(sim.add(std::make_unique<Holder>(sim, name)));
  }
  Message accepted_by(Holder& holder, sim::Time sent = sim::time_zero) {
    Message message{.sent = sent, .content = 1, .bytes = 100};
    ledger.accept(message, holder.number);
    return message;
  }

  sim::Simulation sim;
  LossLedger& ledger = Messages::of(sim).ledger();
};

TEST_F(LossLedgerTest, AMessageIsDeliveredWhenItIsEndedAfterItsEffect) {
  Holder& queue = holder("queue");
  const Message message = accepted_by(queue);
  EXPECT_EQ(queue.account.held.value(), 1);
  ledger.effect(message);
  ledger.end(message.number, Fate::delivered);
  EXPECT_EQ(queue.account.delivered.value(), 1u);
  EXPECT_EQ(queue.account.duplicated.value(), 0u);
  ledger.close();
}

TEST_F(LossLedgerTest, EveryEffectAfterTheFirstIsADuplicateEvenWhenTheMessageIsGone) {
  Holder& queue = holder("queue");
  const Message message = accepted_by(queue);
  ledger.effect(message);
  ledger.effect(message);
  ledger.end(message.number, Fate::delivered);
  ledger.effect(message);
  EXPECT_EQ(queue.account.duplicated.value(), 2u);
  ledger.close();
}

TEST_F(LossLedgerTest, AMessageThatExpiresAfterItsEffectWasDelivered) {
  Holder& queue = holder("queue");
  const Message done = accepted_by(queue), waiting = accepted_by(queue);
  ledger.effect(done);
  ledger.end(done.number, Fate::expired);
  ledger.end(waiting.number, Fate::expired);
  EXPECT_EQ(queue.account.delivered.value(), 1u);
  EXPECT_EQ(queue.account.expired.value(), 1u);
}

TEST_F(LossLedgerTest, CustodyPassesFromServiceToServiceAndOnToTheDeadLetterQueue) {
  Holder &topic = holder("topic"), &queue = holder("queue"), &dlq = holder("dlq");
  Message message = accepted_by(topic);
  const LossLedger::Number number = message.number;
  ledger.accept(message, queue.number);
  ledger.accept(message, dlq.number, true);
  EXPECT_EQ(message.number, number);
  EXPECT_EQ(topic.account.forwarded.value(), 1u);
  EXPECT_EQ(queue.account.dead_lettered.value(), 1u);
  EXPECT_EQ(dlq.account.held.value(), 1);
  dlq.has = 1;
  ledger.close();
}

TEST_F(LossLedgerTest, ADeliveryTriedAgainAfterItHadSucceededIsOneMoreMessage) {
  Holder &topic = holder("topic"), &queue = holder("queue");
  const Message message = accepted_by(topic);
  Message first = message, again = message;
  ledger.accept(first, queue.number);
  EXPECT_FALSE(ledger.has(topic.number, message.number));
  ledger.accept(again, queue.number);
  EXPECT_NE(first.number, again.number);
  EXPECT_EQ(topic.account.forwarded.value(), 1u);
  EXPECT_EQ(queue.account.accepted.value(), 2u);
  queue.has = 2;
  ledger.close();
}

TEST_F(LossLedgerTest, FanOutMultipliesMessagesAndEachHasItsOwnEnd) {
  Holder& topic = holder("topic");
  const Message first = accepted_by(topic);
  const Message second = ledger.copy(first), third = ledger.copy(first);
  ledger.end(first.number, Fate::discarded);
  ledger.end(second.number, Fate::lost);
  EXPECT_TRUE(ledger.has(topic.number, third.number));
  EXPECT_EQ(topic.account.copied.value(), 2u);
  EXPECT_EQ(topic.account.held.value(), 1);
  topic.has = 1;
  ledger.close();
}

TEST_F(LossLedgerTest, AMessageWhoseEffectComesAfterThatOfALaterOneIsReordered) {
  Holder& queue = holder("queue");
  Message a = accepted_by(queue), b = accepted_by(queue), c = accepted_by(queue);
  a.line = b.line = c.line = ledger.open_line();
  for (const Message& message : {a, c, b}) ledger.effect(message);
  EXPECT_EQ(queue.account.reordered.value(), 1u);
  for (const Message& message : {a, c, b}) ledger.effect(message);  // duplicates are in no order
  EXPECT_EQ(queue.account.reordered.value(), 1u);
}

TEST_F(LossLedgerTest, TheWayToTheEffectCountsFromTheProducersSending) {
  Holder& queue = holder("queue");
  Script& script = test::add_script(sim);
  script.at(1s, [&] {
    const Message message = accepted_by(queue, sim.now());
    script.at(4s, [this, message] {
      ledger.effect(message);
      ledger.end(message.number, Fate::delivered);
    });
  });
  sim.run();
  EXPECT_EQ(queue.account.to_effect.count(), 1u);
  EXPECT_DOUBLE_EQ(queue.account.to_effect.mean(), 3);
}

TEST_F(LossLedgerTest, AnAccountThatDoesNotCloseEndsTheRun) {
  Holder& queue = holder("queue");
  accepted_by(queue);
  queue.has = 2;
  EXPECT_DEATH(sim.run(), "the messages of queue do not add up: 1 in, 0 out, 1 held, 2 found");
}

TEST_F(LossLedgerTest, ARecordOfAMessageTakesAtMost32Bytes) {
  Holder& queue = holder("queue");
  for (int i = 0; i < 10240; ++i) accepted_by(queue);
  EXPECT_LE(ledger.bytes(), 10240u * 32);
  queue.has = 10240;
  ledger.close();
}

TEST(Messages, ABatchEndsWithItsCallAndIsUsedAgain) {
  sim::Simulation sim({.horizon = 10s});
  Messages& messages = Messages::of(sim);
  Script& script = test::add_script(sim);
  for (int i = 0; i < 2; ++i) {
    const sim::Handle handle = sim.open_call(script, 0, sim::Operation::write);
    messages.put_into(sim.call(handle), Batch::Action::send).messages.resize(10);
    EXPECT_EQ(messages.batches_in_use(), 1u);
    sim.give_up(handle);
    EXPECT_EQ(messages.batches_in_use(), 0u);
  }
}

TEST(Messages, ACallWithoutAPayloadSendsOneMessageAndSaysTheSameWhenItTriesAgain) {
  sim::Simulation sim({.horizon = 10s});
  Messages& messages = Messages::of(sim);
  Script& script = test::add_script(sim);
  const auto content_of = [&](sim::Handle request) {
    const sim::Handle handle = sim.open_call(script, 0, sim::Operation::write, request);
    const Batch& batch = messages.of_call(sim.call(handle), 1024);
    EXPECT_EQ(batch.messages.size(), 1u);
    EXPECT_EQ(batch.messages[0].bytes, 1024u);
    const std::uint64_t content = batch.messages[0].content;
    sim.give_up(handle);
    return content;
  };
  const sim::Handle one(1, 0), other(2, 0);
  EXPECT_EQ(content_of(one), content_of(one));
  EXPECT_NE(content_of(one), content_of(other));
  EXPECT_NE(content_of({}), content_of({}));
}

}  // namespace
}  // namespace windtunnel
