// Gathers messages until they are enough or have waited long enough: what batches of a delivery
// stream, a log agent or a mapping with a window have in common.
#pragma once

#include <vector>

#include "models/mechanisms/messages.hpp"

namespace windtunnel {

class FlushBuffer final : public sim::Entity {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // `messages` are the owner's to take; what it leaves there is forgotten.
    virtual void on_flush(std::vector<Message>& messages, sim::Time opened) = 0;
  };
  // Full at so many bytes; flushed at the latest this long after its first message.
  FlushBuffer(sim::Component& owner, Owner& listener, std::uint64_t bytes, sim::Duration longest)
      : Entity(owner, "buffer"), owner_(listener), most_bytes_(bytes), longest_(longest) {}

  void add(const Message& message) {
    if (messages_.empty()) {
      opened_ = sim().now();
      sim().after<&FlushBuffer::on_old>(longest_, this, ++round_);
    }
    messages_.push_back(message);
    bytes_ += message.bytes;
    if (bytes_ >= most_bytes_) flush();
  }
  bool empty() const { return messages_.empty(); }
  sim::Time opened() const { return opened_; }
  std::uint64_t count() const {
    std::uint64_t count = 0;
    for (const Message& it : messages_) count += it.count;
    return count;
  }

 private:
  void on_old(std::uint64_t round) {
    if (round == round_ && !messages_.empty()) flush();
  }
  void flush() {
    ++round_;
    owner_.on_flush(messages_, opened_);
    messages_.clear();
    bytes_ = 0;
  }

  Owner& owner_;
  std::uint64_t most_bytes_, bytes_ = 0, round_ = 0;
  sim::Duration longest_;
  sim::Time opened_{};
  std::vector<Message> messages_;
};

}  // namespace windtunnel
