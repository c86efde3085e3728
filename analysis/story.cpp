// The story of a replication in plain words.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "analysis/text.hpp"
#include "analysis/verdict.hpp"

namespace windtunnel::analysis {
namespace {

struct Told {
  std::int64_t at;
  std::string text;
  bool is_milestone;
  std::string component, kind;     // its text with * for names of things; empty: never folded
  std::set<std::string> subjects;  // the things it was said of
  int times = 1;
};

// "web-asg-4", "(us-east-1b)": what sets one event of a kind apart from the next.
bool is_name_of_a_thing(const std::string& word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string sentence(const Event& event) {
  return event.component().empty() ? event.text() : event.component() + " " + event.text();
}

Told told_of(const Event& event) {
  Told told{event.at(), sentence(event), event.milestone() != "none", event.component(), {}, {}};
  if (event.milestone() == "fault" || event.milestone() == "repair") return told;
  std::string subject;
  for (const std::string& word : words_of(event.text())) {
    const bool is_number = word.find_first_not_of("0123456789.,") == std::string::npos;
    const bool is_name = !is_number && is_name_of_a_thing(word);
    told.kind += is_number ? "# " : is_name ? "* " : word + " ";
    if (is_name) subject += word + " ";
  }
  told.subjects.insert(subject);
  return told;
}

// "target * is unhealthy " of 6: "6 targets are unhealthy"; empty where the sentence is built in
// another way.
std::string plural(const std::string& kind, std::size_t n) {
  const std::vector<std::string> words = words_of(kind);
  const auto star = std::find(words.begin(), words.end(), "*");
  if (star == words.begin() || words.end() - star < 3) return {};
  const std::string verb = star[1] == "is" ? "are" : star[1] == "has" ? "have" : "";
  if (verb.empty()) return {};
  std::string text = std::to_string(n);
  for (auto word = words.begin(); word != star; ++word) text += " " + *word;
  text += "s " + verb;
  for (auto word = star + 2; word != words.end(); ++word) {
    if (*word != "*") text += " " + *word;
  }
  return text;
}

std::string text_of(const Told& told) {
  const std::size_t n = told.subjects.size();
  if (n > 1) {
    const std::string many = plural(told.kind, n);
    if (!many.empty()) return told.component + ": " + many;
    return fmt::format("{} (and {} more like it)", told.text, n - 1);
  }
  return told.times > 1 ? fmt::format("{} ({} times)", told.text, told.times) : told.text;
}

// Events of one kind within a minute of the first are told once.
void tell(std::vector<Told>& story, Told told) {
  constexpr std::int64_t minute = 60'000'000'000;
  for (auto earlier = story.rbegin(); earlier != story.rend(); ++earlier) {
    if (told.kind.empty() || told.at - earlier->at > minute) break;
    if (earlier->kind != told.kind || earlier->component != told.component) continue;
    earlier->subjects.merge(told.subjects);
    earlier->is_milestone |= told.is_milestone;
    ++earlier->times;
    return;
  }
  story.push_back(std::move(told));
}

struct Span {
  std::int64_t start, end;
};

// From the fault to the recovery (to the horizon if there is none); without a fault the longest
// spell of scaling lag.
std::optional<Span> span_of(const ReplicationRecord& record) {
  const auto& measures = record.measures();
  if (measures.has_fault()) {
    return Span{measures.fault(), measures.has_recovered() ? measures.recovered() : INT64_MAX};
  }
  std::optional<Span> longest;
  for (const auto& spell : record.spells()) {
    if (spell.kind() != "scaling") continue;
    const Span span{spell.start(), spell.has_end() ? spell.end() : INT64_MAX};
    if (!longest || span.end - span.start > longest->end - longest->start) longest = span;
  }
  return longest;
}

// With both ends and the first failed request.
std::vector<Told> story_of(const ReplicationRecord& record) {
  const auto& measures = record.measures();
  std::vector<Told> story, all;
  const auto span = span_of(record);
  if (!span) return story;
  const auto milestone = [](std::int64_t at, const char* text) {
    return Told{at, text, true, {}, {}, {}};
  };
  if (!measures.has_fault()) all.push_back(milestone(span->start, "demand passes capacity"));
  for (const auto& event : record.events()) {
    if (event.at() >= span->start && event.at() <= span->end) all.push_back(told_of(event));
  }
  for (const auto& passed : record.milestones()) {
    if (passed.name() == "first_failed_request") {
      all.push_back(milestone(passed.at(), "first failed request"));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Told& a, const Told& b) { return a.at < b.at; });
  for (auto& told : all) tell(story, std::move(told));
  if (measures.has_recovered()) story.push_back(milestone(span->end, "recovered"));
  if (!measures.has_fault() && span->end != INT64_MAX) {
    story.push_back(milestone(span->end, "capacity is enough again"));
  }
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

std::vector<StoryLine> story_lines(const ReplicationRecord& record, std::size_t events_max,
                                   std::size_t& left_out) {
  std::vector<Told> story = story_of(record);
  left_out = shorten(story, std::max<std::size_t>(events_max, 3));
  std::vector<StoryLine> lines;
  for (const auto& told : story) lines.push_back({told.at, text_of(told), told.is_milestone});
  return lines;
}

std::string story_text(const ReplicationRecord& record, std::size_t events_max) {
  std::size_t left_out = 0;
  std::string text;
  for (const auto& line : story_lines(record, events_max, left_out)) {
    if (!text.empty()) text += " | ";
    text += fmt::format("{} {}", date_text(line.at), line.text);
  }
  if (record.measures().rto_censored()) text += " | not recovered by the horizon";
  if (!record.measures().has_fault() && record.measures().scaling_lag_censored()) {
    text += " | capacity has not caught up by the horizon";
  }
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
