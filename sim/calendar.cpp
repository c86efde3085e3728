#include "sim/calendar.hpp"

#include <algorithm>

namespace windtunnel::sim {

void Calendar::add_page(Bucket& bucket) {
  if (free_ == nullptr) {
    pages_.push_back(std::unique_ptr<Page>(new Page));  // left uninitialised: 4 KiB of zeros cost
    free_ = pages_.back().get();
    free_->next = nullptr;
  }
  Page* page = free_;
  free_ = page->next;
  page->next = nullptr;
  if (bucket.tail == nullptr) {
    bucket.head = page;
    bucket.first = 0;
    const auto index = static_cast<std::size_t>(&bucket - buckets_.data());
    if (index > 0) occupied_ |= std::uint64_t{1} << (index - 1);
  } else {
    bucket.tail->next = page;
  }
  bucket.tail = page;
  bucket.end = 0;
}

void Calendar::reset(Bucket& bucket) {
  const auto index = static_cast<std::size_t>(&bucket - buckets_.data());
  if (index > 0) occupied_ &= ~(std::uint64_t{1} << (index - 1));
  bucket = Bucket{};
}

// Fills the front or bucket 0; both are empty and some bucket is not.
void Calendar::advance() {
  const std::size_t index = lowest();
  Bucket& bucket = buckets_[index];
  base_ = bucket.min_key;
  front_begin_ = front_end_ = 0;
  if (bucket.count > sorted_most) {
    front_width_ = 0;
    spread(bucket);
    return;
  }
  // All of it, and all that is still to come into its range.
  front_width_ = index;
  for (std::size_t left = bucket.count; left > 0; --left) {
    const Event event = take_first(bucket);
    place_in_front(event.key) = event;
  }
}

// Moves the front to the beginning of its array. False: it is too long, and went to the buckets.
bool Calendar::make_room() {
  const std::uint32_t length = front_end_ - front_begin_;
  if (length > front_capacity / 2) {
    base_ = last_;
    front_width_ = 0;
    for (std::uint32_t i = front_begin_; i < front_end_; ++i) {
      append(buckets_[bucket_of(front_[i].key)], front_[i]);
    }
    front_begin_ = front_end_ = 0;
    return false;
  }
  std::move(front_.begin() + front_begin_, front_.begin() + front_end_, front_.begin());
  front_begin_ = 0;
  front_end_ = length;
  return true;
}

// Every event of the bucket shares the bit that its number stands for with the new base, so each
// goes lower.
void Calendar::spread(Bucket& bucket) {
  Page* page = bucket.head;
  std::uint32_t i = bucket.first;
  std::size_t left = bucket.count;
  reset(bucket);
  while (left > 0) {
    for (; i < Page::capacity && left > 0; ++i, --left) {
      const Event& event = page->events[i];
      append(buckets_[bucket_of(event.key)], event);
    }
    Page* next = page->next;
    release(page);
    page = next;
    i = 0;
  }
}

void Calendar::clear() {
  for (Bucket& bucket : buckets_) {
    for (Page* page = bucket.head; page != nullptr;) {
      Page* next = page->next;
      release(page);
      page = next;
    }
    reset(bucket);
  }
  size_ = 0;
  front_begin_ = front_end_ = 0;
  front_width_ = 0;
  base_ = last_;
}

}  // namespace windtunnel::sim
