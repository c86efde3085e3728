// One reader for each format. They are made by formats.cpp only.
#pragma once

#include <memory>
#include <string_view>

#include "models/traces/text.hpp"
#include "models/traces/trace.hpp"

namespace windtunnel::traces {

using MadeReader = std::unique_ptr<Reader>;

// ALB and classic ELB access logs.
bool looks_like_elb_log(std::string_view sample, std::string_view first);
MadeReader open_elb_log(std::unique_ptr<Text> text, const Options& options);

// Apache and nginx, common and combined, with request times behind where they are logged.
bool looks_like_web_log(std::string_view sample, std::string_view first);
MadeReader open_web_log(std::unique_ptr<Text> text, const Options& options);

// Any CSV with a column of dates and one of counts or rates; CloudWatch's export is one.
bool looks_like_rate_csv(std::string_view sample, std::string_view first);
MadeReader open_rate_csv(std::unique_ptr<Text> text, const Options& options);

// CloudWatch: GetMetricData and GetMetricStatistics.
bool looks_like_cloudwatch_json(std::string_view sample, std::string_view first);
MadeReader open_cloudwatch_json(std::unique_ptr<Text> text, const Options& options);

// Azure Functions 2019 (wide: a column a minute; durations) and 2021 (a row an invocation).
bool looks_like_azure_minutes(std::string_view sample, std::string_view first);
MadeReader open_azure_minutes(std::unique_ptr<Text> text, const Options& options);
bool looks_like_azure_durations(std::string_view sample, std::string_view first);
MadeReader open_azure_durations(std::unique_ptr<Text> text, const Options& options);
bool looks_like_azure_invocations(std::string_view sample, std::string_view first);
MadeReader open_azure_invocations(std::unique_ptr<Text> text, const Options& options);

// k6: the summary at a test's end, and its points as JSON lines or CSV.
bool looks_like_k6_summary(std::string_view sample, std::string_view first);
MadeReader open_k6_summary(std::unique_ptr<Text> text, const Options& options);
bool looks_like_k6_json(std::string_view sample, std::string_view first);
MadeReader open_k6_json(std::unique_ptr<Text> text, const Options& options);
bool looks_like_k6_csv(std::string_view sample, std::string_view first);
MadeReader open_k6_csv(std::unique_ptr<Text> text, const Options& options);

}  // namespace windtunnel::traces
