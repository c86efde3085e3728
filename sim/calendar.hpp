// The event calendar: a stable monotone radix heap. Events leave by key; those of one key in order
// of insertion. Chosen by measurement against a 4-ary heap (tests/bench/calendar_bench). Monotone:
// nothing may be posted before the last event popped, so push() lifts an earlier key to it (an
// earlier turn of the current instant runs at once). An event sits in the bucket of the highest bit
// in which its key differs from the base, a key that the last popped one follows; popping moves the
// base and empties the lowest bucket into those below, or, when it holds few, sorts it into the
// front, a short array (which saves the last five of its steps down). Buckets are chains of 4 KiB
// pages from one free list: vectors that keep their capacity would take 190 to 1,140 bytes a
// pending event.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/event.hpp"

namespace windtunnel::sim {

class Calendar {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // Bytes held for events, pages of the free list included.
  std::size_t bytes() const { return pages_.size() * sizeof(Page) + sizeof front_; }

  void push(const Event& event) { push(event.key, event.handler, event.target, event.argument); }
  // The same in registers: an event stored word by word and loaded in halves stalls the processor.
  void push(std::uint64_t key, Handler handler, Entity* target, std::uint64_t argument) {
    key = std::max(key, last_);
    ++size_;
    const std::size_t bucket = bucket_of(key);
    Event& place = bucket < front_width_ ? place_in_front(key) : place_in(buckets_[bucket], key);
    place.key = key;
    place.handler = handler;
    place.target = target;
    place.argument = argument;
  }

  // Key of the next event; the calendar must not be empty. Moves nothing: SimGrid may still post
  // something earlier.
  std::uint64_t next_key() const {
    if (front_begin_ != front_end_) return front_[front_begin_].key;
    return buckets_[0].head != nullptr ? base_ : buckets_[lowest()].min_key;
  }

  // The next event; the calendar must not be empty.
  Event pop() {
    if (front_begin_ == front_end_ && buckets_[0].head == nullptr) advance();
    --size_;
    const Event event =
        front_begin_ != front_end_ ? front_[front_begin_++] : take_first(buckets_[0]);
    last_ = event.key;
    return event;
  }

  // One of the next events, so many behind the next; nullptr: it is not known yet.
  const Event* upcoming(std::uint32_t behind) const {
    return front_begin_ + behind < front_end_ ? &front_[front_begin_ + behind] : nullptr;
  }

  // Drops every event; the next push starts from the same last key.
  void clear();

 private:
  struct Page {
    static constexpr std::size_t capacity = (4096 - sizeof(void*)) / sizeof(Event);
    Page* next;
    Event events[capacity];
  };
  static_assert(sizeof(Page) <= 4096);

  struct Bucket {
    Page* head = nullptr;
    Page* tail = nullptr;
    std::uint32_t first = 0;  // index of the first event in head
    std::uint32_t end = 0;    // index after the last event in tail
    std::uint64_t min_key = ~std::uint64_t{0};
    std::size_t count = 0;
  };

  std::size_t bucket_of(std::uint64_t key) const {
    return static_cast<std::size_t>(std::bit_width(key ^ base_));
  }
  // The lowest bucket above 0 that holds something.
  std::size_t lowest() const { return static_cast<std::size_t>(std::countr_zero(occupied_)) + 1; }

  // Where the next event of the bucket goes, which has this key.
  Event& place_in(Bucket& bucket, std::uint64_t key) {
    if (bucket.tail == nullptr || bucket.end == Page::capacity) add_page(bucket);
    ++bucket.count;
    if (key < bucket.min_key) bucket.min_key = key;
    return bucket.tail->events[bucket.end++];
  }
  void append(Bucket& bucket, const Event& event) { place_in(bucket, event.key) = event; }

  Event take_first(Bucket& bucket) {
    const Event event = bucket.head->events[bucket.first++];
    if (--bucket.count == 0) {
      release(bucket.head);
      reset(bucket);
    } else if (bucket.first == Page::capacity) {
      Page* empty = bucket.head;
      bucket.head = empty->next;
      bucket.first = 0;
      release(empty);
    }
    return event;
  }

  // In the front, after those of its key.
  Event& place_in_front(std::uint64_t key) {
    if (front_end_ == front_capacity && !make_room())
      return place_in(buckets_[bucket_of(key)], key);
    std::uint32_t i = front_end_++;
    for (; i > front_begin_ && front_[i - 1].key > key; --i) front_[i] = front_[i - 1];
    return front_[i];
  }

  void advance();
  bool make_room();
  void add_page(Bucket& bucket);
  void reset(Bucket& bucket);
  void spread(Bucket& bucket);
  void release(Page* page) {
    page->next = free_;
    free_ = page;
  }

  std::array<Bucket, 65> buckets_{};
  std::uint64_t occupied_ = 0;  // bit b-1: bucket b holds something
  std::uint64_t base_ = 0;      // buckets are relative to it; base_ <= last_ <= every key
  std::uint64_t last_ = 0;      // key of the last event popped
  std::size_t size_ = 0;

  // Buckets of at most this many are sorted; a front of more goes back to the buckets. Both
  // measured.
  static constexpr std::size_t sorted_most = 32;
  static constexpr std::uint32_t front_capacity = 96;
  std::array<Event, front_capacity>
      front_;  // [begin, end) ascending by key, ties in order of insertion
  std::uint32_t front_begin_ = 0, front_end_ = 0;
  std::size_t front_width_ = 0;  // it takes what would go to the buckets below this one
  Page* free_ = nullptr;
  std::vector<std::unique_ptr<Page>> pages_;  // owns them all
};

}  // namespace windtunnel::sim
