#include "models/integration/sqs_queue.hpp"

#include <algorithm>

#include "models/integration/sqs_queue.pb.h"
#include "models/integration/sqs_queue_limits.hpp"
#include "models/mechanisms/regional_place.hpp"
#include "models/mechanisms/settings.hpp"
#include "models/registry.hpp"

namespace windtunnel {

using sim::Call;
using sim::Duration;
using sim::Handle;
using sim::Outcome;
using Action = Batch::Action;

namespace {

LeasedQueue::Settings queue_settings(const settings::SqsQueue& settings) {
  return {.groups = settings.has_fifo(),
          .servers =
              settings.has_fifo() ? 1 : static_cast<std::uint32_t>(settings.short_poll().servers()),
          .visibility = to_duration(settings.visibility_timeout()),
          .retention = to_duration(settings.message_retention_period()),
          .in_flight_limit = settings.in_flight_limit(),
          .max_receive_count =
              settings.has_redrive_policy()
                  ? static_cast<std::uint32_t>(settings.redrive_policy().max_receive_count())
                  : 0,
          .comes_back = settings.has_fifo() ? 0 : settings.duplicates()};
}

}  // namespace

SqsQueue::SqsQueue(sim::Simulation& sim, const std::string& name,
                   const settings::SqsQueue& settings)
    : Component(sim, name),
      messages_(Messages::of(sim)),
      dead_letter_name_(settings.redrive_policy().dead_letter_queue()),
      visibility_(to_duration(settings.visibility_timeout())),
      delay_(to_duration(settings.delay_seconds())),
      wait_(to_duration(settings.receive_message_wait_time())),
      largest_(static_cast<std::uint32_t>(settings.maximum_message_size())),
      default_bytes_(static_cast<std::uint32_t>(settings.message_size())),
      default_groups_(static_cast<std::uint32_t>(settings.message_groups())),
      group_by_class_(settings.group_by_request_class()),
      servers_(static_cast<std::uint32_t>(settings.short_poll().servers())),
      sampled_(static_cast<std::uint32_t>(settings.short_poll().sampled())),
      request_time_(to_distribution(settings.request_time())),
      time_chance_(stream("request time")),
      poll_chance_(stream("servers asked")),
      group_chance_(stream("message group")),
      error_chance_(stream("errors")) {
  set_zone(regional_place(sim, settings.region()));
  LeasedQueue::Owner& owner = *this;
  if (settings.has_fifo()) limits_ = std::make_unique<FifoLimits>(settings.fifo(), *this);
  const LeasedQueue::Settings queue = queue_settings(settings);
  max_receive_count_ = queue.max_receive_count;
  queue_ = std::make_unique<LeasedQueue>(*this, owner, queue);
  account_ = messages_.ledger().open(*this, metric.messages, *queue_);
  for (const auto& task : settings.message_move_tasks()) {
    move_tasks_.push_back({sim::time_zero + to_duration(task.at()),
                           sim::from_seconds(1 / task.max_number_of_messages_per_second())});
  }
  publish_metrics(settings);
}

SqsQueue::~SqsQueue() = default;

void SqsQueue::wire(sim::Wiring& wiring) {
  if (dead_letter_name_.empty()) return;
  dead_letters_ = &wiring.find<QueuePort>(dead_letter_name_);
  dead_letters_->serve_as_dead_letter_queue_of(*this);
}

void SqsQueue::start() {
  sim().after<&SqsQueue::on_minute_over>(std::chrono::minutes(1), this, 0, sim::Turn::sample);
  for (std::size_t task = 0; task < move_tasks_.size(); ++task) {
    sim().at<&SqsQueue::on_move_one>(move_tasks_[task].at, this, task);
  }
}

bool SqsQueue::set_slow(double factor) {
  slow_ = factor;
  return true;
}
bool SqsQueue::set_errors(double share) {
  errors_ = share;
  return true;
}

std::optional<std::uint32_t> SqsQueue::max_receive_count() const {
  return max_receive_count_ > 0 ? std::optional(max_receive_count_) : std::nullopt;
}

void SqsQueue::on_request(Call& call, Handle handle) {
  if (call.operation == sim::Operation::health_check) return sim().answer(handle, Outcome::ok);
  if (error_chance_.chance(errors_)) return reply(call, handle, Outcome::error);
  // A program that "reads" a queue has no receipt to go on with.
  if (call.operation == sim::Operation::read && messages_.find(call) == nullptr) {
    return reply(call, handle, Outcome::error);
  }
  serve(call, handle, messages_.of_call(call, default_bytes_));
}

void SqsQueue::serve(Call& call, Handle handle, Batch& batch) {
  switch (batch.action) {
    case Action::send:
      send(call, batch);
      break;
    case Action::remove:
      remove(call, batch);
      break;
    case Action::change_visibility:
      change_visibility(batch);
      break;
    case Action::receive:
      return receive(call, handle, batch);
    default:
      return reply(call, handle, Outcome::error);
  }
  count_levels();
  reply(call, handle, outcome_of(batch));
}

// Producers ---------------------------------------------------------------------------------------

void SqsQueue::send(const Call& call, Batch& batch) {
  throttling.offer(*call.caller, batch.messages.size());
  const bool too_much = !RequestLimits{largest_, 10}.allow(batch);
  if (!too_much && limits_ != nullptr) {
    for (Message& message : batch.messages) message.key = group_of(message);
    limits_->admit(batch, FifoLimits::Action::send);
  }
  for (Message& message : batch.messages) {
    if (too_much) {
      message.result = Entry::refused;
      metric.refused.add();
    } else if (message.result == Entry::throttled) {
      metric.throttled.add();
      throttling.refuse(*call.caller, Limit::quota);
    } else {
      send_one(message, batch);
    }
  }
}

std::uint32_t SqsQueue::group_of(const Message& message) {
  if (message.key != 0) return message.key;
  if (group_by_class_) return 1u + message.request_class;
  if (default_groups_ > 0) return 1 + group_chance_.below(default_groups_);
  return fifo() ? 1 : 0;
}

void SqsQueue::send_one(Message& message, const Batch& batch) {
  message.result = Entry::accepted;
  message.key = group_of(message);
  if (limits_ != nullptr && !limits_->is_new(message, sim().now())) return metric.known.add();
  messages_.ledger().accept(message, account_, batch.dead_letters);
  if (!batch.dead_letters) metric.sent.add();
  const bool own_timer = !fifo() && batch.delay >= Duration::zero();
  queue_->put(message, sim().now(), own_timer ? batch.delay : delay_);
}

// A dead letter of a standard queue keeps its date: its retention goes on counting.
void SqsQueue::take_dead_letter(Message& message, sim::Time enqueued) {
  messages_.ledger().accept(message, account_, true);
  queue_->put(message, fifo() ? sim().now() : enqueued, delay_);
  count_levels();
}

void SqsQueue::take_redriven(Message& message) {
  messages_.ledger().accept(message, account_);
  queue_->put(message, sim().now(), delay_);
  count_levels();
}

void SqsQueue::on_dead_letter(Message& message, sim::Time enqueued) {
  dead_letters_->take_dead_letter(message, enqueued);
}

void SqsQueue::on_move_one(std::uint64_t task) {
  Message message;
  if (sources_.empty() || !queue_->take_out(message)) return;
  sources_.front()->take_redriven(message);
  count_levels();
  sim().after<&SqsQueue::on_move_one>(move_tasks_[task].interval, this, task);
}

// Consumers ---------------------------------------------------------------------------------------

void SqsQueue::remove(const Call& call, Batch& batch) {
  throttling.offer(*call.caller, batch.messages.size());
  if (limits_ != nullptr) limits_->admit(batch, FifoLimits::Action::remove);
  for (Message& message : batch.messages) {
    if (message.result == Entry::throttled) {
      metric.throttled.add();
      throttling.refuse(*call.caller, Limit::quota);
      continue;
    }
    message.result = queue_->remove(message.receipt);
    if (message.result == Entry::accepted) {
      metric.deleted.add();
    } else {
      metric.stale.add();
      // DeleteMessage of a standard queue says yes to receipts of the past, and does nothing.
      if (!fifo()) message.result = Entry::accepted;
    }
  }
}

void SqsQueue::change_visibility(Batch& batch) {
  for (Message& message : batch.messages) {
    message.result = queue_->change_visibility(message.receipt, batch.visibility);
  }
}

std::uint32_t SqsQueue::some_servers() {
  std::uint32_t all = servers_ == 32 ? ~0u : (1u << servers_) - 1, asked = 0;
  if (sampled_ == servers_) return all;
  for (std::uint32_t i = 0; i < sampled_;) {
    const std::uint32_t server = 1u << poll_chance_.below(servers_);
    i += (asked & server) == 0;
    asked |= server;
  }
  return asked;
}

void SqsQueue::hand_out(Batch& batch, std::uint32_t servers) {
  queue_->receive(std::min(batch.most, 10u), batch.visibility, servers, batch.messages);
  metric.received.add(batch.messages.size());
  count_levels();
}

void SqsQueue::receive(Call& call, Handle handle, Batch& batch) {
  const Duration wait = batch.wait < Duration::zero() ? wait_ : batch.wait;
  const bool is_short = wait == Duration::zero();
  throttling.offer(*call.caller);
  if (limits_ != nullptr && !limits_->admit_receive()) {
    metric.throttled.add();
    throttling.refuse(*call.caller, Limit::quota);
    return reply(call, handle, Outcome::throttled);
  }
  if (is_short && !fifo() && queue_->full()) {
    metric.over_limit.add();
    throttling.refuse(*call.caller, Limit::in_flight);
    return reply(call, handle, Outcome::throttled);
  }
  hand_out(batch, is_short && !fifo() ? some_servers() : ~0u);
  if (!batch.messages.empty()) return reply(call, handle, Outcome::ok);
  if (is_short) {
    metric.empty.add();
    return reply(call, handle, Outcome::ok);
  }
  call.work_as<Work>().waiting = true;
  waiting_.push_back(handle);
  sim().after<&SqsQueue::on_wait_over>(wait, this, handle);
}

void SqsQueue::on_wait_over(Handle handle) {
  Call* call = sim().find_call(handle);
  if (call == nullptr || !call->work_as<Work>().waiting) return;
  call->work_as<Work>().waiting = false;
  metric.empty.add();
  reply(*call, handle, Outcome::ok);
}

// The longest waiting receives get what there is.
void SqsQueue::on_receivable() {
  if (serving_) return;
  serving_ = true;
  while (next_waiting_ < waiting_.size()) {
    Call* call = sim().find_call(waiting_[next_waiting_]);
    if (call != nullptr && call->work_as<Work>().waiting && !call->caller_done) {
      if (queue_->visible() == 0 || queue_->full()) break;
      Batch& batch = *messages_.find(*call);
      hand_out(batch, ~0u);
      if (batch.messages.empty()) break;
      call->work_as<Work>().waiting = false;
      reply(*call, waiting_[next_waiting_], Outcome::ok);
    }
    ++next_waiting_;
  }
  serving_ = false;
  if (next_waiting_ == waiting_.size() || next_waiting_ > 1024) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(next_waiting_));
    next_waiting_ = 0;
  }
}

// -------------------------------------------------------------------------------------------------

void SqsQueue::reply(Call& call, Handle handle, Outcome outcome) {
  const Duration time = request_time_.sample(time_chance_);
  if (time == Duration::zero()) return sim().answer(handle, outcome);
  call.work_as<Work>().outcome = outcome;
  sim().after<&SqsQueue::on_reply_due>(
      slow_ == 1 ? time : sim::from_seconds(sim::seconds(time) * slow_), this, handle);
}

void SqsQueue::on_reply_due(Handle handle) {
  sim().answer(handle, sim().call(handle).work_as<Work>().outcome);
}

void SqsQueue::count_levels() {
  const sim::Time now = sim().now();
  metric.visible.set(now, queue_->visible());
  metric.in_flight.set(now, queue_->in_flight());
  metric.delayed.set(now, queue_->delayed());
  if (!backlog_since_) return;
  if (queue_->visible() == 0) {
    metric.drain.record(now - *backlog_since_);
    backlog_since_.reset();
  } else if (queue_->visible() > largest_backlog_) {
    largest_backlog_ = queue_->visible();
    backlog_since_ = now;
  }
}

REGISTER_MODEL(SqsQueue, settings::SqsQueue);

}  // namespace windtunnel
