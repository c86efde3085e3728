// The story of a replication in plain words.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analysis/text.hpp"
#include "analysis/verdict.hpp"

namespace windtunnel::analysis {
namespace {

struct Told {
  std::int64_t at;
  std::string text;
  bool is_milestone;
  int times = 1;
};

std::string sentence(const Event& event) {
  return event.component().empty() ? event.text() : event.component() + " " + event.text();
}

// Equal sentences within a second of the first are told once.
void tell(std::vector<Told>& story, Told told) {
  constexpr std::int64_t second = 1'000'000'000;
  for (auto earlier = story.rbegin(); earlier != story.rend(); ++earlier) {
    if (told.at - earlier->at > second) break;
    if (earlier->text != told.text) continue;
    ++earlier->times;
    return;
  }
  story.push_back(std::move(told));
}

// From the fault to the recovery (to the horizon if there is none), with both ends and the first
// failed request.
std::vector<Told> story_of(const ReplicationRecord& record) {
  const auto& measures = record.measures();
  std::vector<Told> story;
  if (!measures.has_fault()) return story;
  const std::int64_t end = measures.has_recovered() ? measures.recovered() : INT64_MAX;
  std::vector<Told> all;
  for (const auto& event : record.events()) {
    if (event.at() >= measures.fault() && event.at() <= end) {
      all.push_back({event.at(), sentence(event), event.milestone() != "none"});
    }
  }
  for (const auto& milestone : record.milestones()) {
    if (milestone.name() == "first_failed_request") {
      all.push_back({milestone.at(), "first failed request", true});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Told& a, const Told& b) { return a.at < b.at; });
  for (auto& told : all) tell(story, std::move(told));
  if (measures.has_recovered()) story.push_back({end, "recovered", true});
  return story;
}

// Leaves out what is no milestone first, then what lies between the beginning and the end; returns
// how many.
std::size_t shorten(std::vector<Told>& story, std::size_t events_max) {
  const std::size_t before = story.size();
  if (before <= events_max) return 0;
  std::erase_if(story, [](const Told& told) { return !told.is_milestone; });
  if (story.size() > events_max) {
    constexpr std::ptrdiff_t last = 2;
    const auto from = story.begin() + static_cast<std::ptrdiff_t>(events_max) - last;
    story.erase(from, story.end() - last);
  }
  return before - story.size();
}

}  // namespace

std::string story_text(const ReplicationRecord& record, std::size_t events_max) {
  std::vector<Told> story = story_of(record);
  const std::size_t left_out = shorten(story, std::max<std::size_t>(events_max, 3));
  std::string text;
  for (const auto& told : story) {
    if (!text.empty()) text += " | ";
    text += fmt::format("{} {}", date_text(told.at), told.text);
    if (told.times > 1) text += fmt::format(" ({} times)", told.times);
  }
  if (record.measures().rto_censored()) text += " | not recovered by the horizon";
  if (left_out > 0) text += fmt::format(" (and {} more events)", left_out);
  return text;
}

std::string events_text(const ReplicationRecord& record) {
  std::string text;
  for (const auto& event : record.events()) {
    const std::string milestone = event.milestone() == "none" ? "" : event.milestone();
    text += fmt::format("{:>10}  {:<15}  {}\n", date_text(event.at()), milestone, sentence(event));
  }
  return text;
}

}  // namespace windtunnel::analysis
