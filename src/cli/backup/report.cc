#include "cli/backup/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"

namespace myelin::cli::backup {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kOnTerminal{500};
constexpr milliseconds kElsewhere{30'000};

void write(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::string rate_text(std::uint64_t bytes, milliseconds took) {
  return size_text(bytes * 1000 /
                   static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 1))) +
         "/s";
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

void write_sentences(JsonWriter& json, std::string_view name,
                     const std::vector<std::string>& sentences) {
  json.key(name);
  json.begin_array();
  for (const auto& sentence : sentences) json.string(sentence);
  json.end_array();
}

std::uint64_t bytes_of(const Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_of(manifest.state))
    bytes += segment.state.log_bytes + meta_bytes(segment.state);
  return bytes;
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

ProgressLine::ProgressLine(std::FILE* to, bool silent, const Clock& clock)
    : to_(to), silent_(silent), on_terminal_(::isatty(::fileno(to)) == 1), clock_(clock) {
  began_ = told_ = clock_.steady();
}

void ProgressLine::begins(std::uint64_t bytes) {
  all_ = bytes;
  began_ = told_ = clock_.steady();
}

void ProgressLine::verified(std::uint64_t bytes) {
  if (tells_verified_) done(bytes, "verified");
}

void ProgressLine::done(std::uint64_t bytes, std::string_view what) {
  done_ += bytes;
  const auto now = clock_.steady();
  if (silent_ || now - told_ < (on_terminal_ ? kOnTerminal : kElsewhere)) return;
  told_ = now;
  auto line =
      fmt::format("{} {} of {}, {}", what, size_text(done_), size_text(std::max(all_, done_)),
                  rate_text(done_, duration_cast<milliseconds>(now - began_)));
  if (!on_terminal_) return write(to_, line + "\n");
  const auto length = line.size();
  if (length < shown_) line.append(shown_ - length, ' ');
  shown_ = length;
  write(to_, "\r" + line);
}

void ProgressLine::clear() {
  if (shown_ > 0) write(to_, "\r" + std::string(shown_, ' ') + "\r");
  shown_ = 0;
}

void Report::tell(std::string_view text) { write(out_, fmt::format("{}\n", text)); }

void Report::tell_damage(const std::vector<std::string>& damage, std::uint64_t count,
                         std::string_view where) {
  if (count == 0) return;
  std::string text = fmt::format("myelin {}: {} damaged {}\n", command_,
                                 counted(count, "range is", "ranges are"), where);
  if (!json_) {
    for (const auto& sentence : damage) text += "  " + sentence + "\n";
    if (count > damage.size()) text += fmt::format("  and {} more\n", count - damage.size());
  }
  write(err_, text);
}

void Report::failed(const Error& error, std::string_view note) {
  std::string text = error.message();
  if (!note.empty()) text += fmt::format("; {}", note);
  write(err_, fmt::format("myelin {}: {}\n", command_, text));
  if (!json_) return;
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("error");
  json.begin_object();
  json.member("code", to_string(error.code()));
  json.member("message", text);
  json.end_object();
  json.end_object();
  tell(out);
}

void Report::backed_up(const BackUpSummary& summary, const std::string& set, milliseconds took) {
  if (json_) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.member("backup", summary.number);
    json.member("directory", set);
    json.member("takenAt", format_rfc3339(summary.taken));
    json.member("commit", summary.through.value);
    json.member("topics", summary.topics);
    json.member("segments", summary.segments);
    json.member("bytes", summary.bytes);
    json.member("copiedSegments", summary.copied_segments);
    json.member("copiedBytes", summary.copied_bytes);
    json.member("removedFiles", summary.removed_files);
    json.member("milliseconds", took.count());
    json.member("damagedRanges", summary.damaged_ranges);
    write_sentences(json, "damage", summary.damage);
    json.end_object();
    tell(out);
  } else {
    tell(fmt::format("backup {} is complete: {} in {} of {}, through commit {}", summary.number,
                     size_text(summary.bytes), counted(summary.segments, "segment", "segments"),
                     counted(summary.topics, "topic", "topics"), summary.through.value));
    tell(fmt::format(
        "copied {} of {} in {:.1f} s ({}); the rest was there", size_text(summary.copied_bytes),
        counted(summary.copied_segments, "segment", "segments"),
        static_cast<double>(took.count()) / 1000, rate_text(summary.copied_bytes, took)));
    if (summary.removed_files > 0)
      tell(fmt::format("removed {} that no backup needs any more",
                       counted(summary.removed_files, "file", "files")));
  }
  tell_damage(summary.damage, summary.damaged_ranges,
              "in the data directory; all else is backed up");
  if (!summary.trouble.empty()) {
    write(err_, fmt::format("myelin {}: what is needed no more could not be removed: {}\n",
                            command_, summary.trouble));
  }
}

void Report::verified(const VerifySummary& summary, const std::string& set) {
  if (json_) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.member("backup", summary.number);
    json.member("directory", set);
    json.member("takenAt", format_rfc3339(summary.taken));
    json.member("commit", summary.through.value);
    json.member("topics", summary.topics);
    json.member("segments", summary.segments);
    json.member("records", summary.records);
    json.member("bytes", summary.bytes);
    json.member("damagedRanges", summary.damaged_ranges);
    write_sentences(json, "damage", summary.damage);
    json.member("knownDamagedRanges", summary.known_ranges);
    write_sentences(json, "knownDamage", summary.known_damage);
    json.end_object();
    tell(out);
  } else {
    const bool whole = summary.damaged_ranges + summary.known_ranges == 0;
    tell(fmt::format("backup {} of {} {}: {} in {} of {}, through commit {}", summary.number,
                     format_rfc3339(summary.taken), whole ? "is whole" : "is not whole",
                     counted(summary.records, "record", "records"),
                     counted(summary.segments, "segment", "segments"),
                     counted(summary.topics, "topic", "topics"), summary.through.value));
  }
  tell_damage(summary.damage, summary.damaged_ranges, "in the backup; --full makes a whole one");
  tell_damage(summary.known_damage, summary.known_ranges,
              "since they were copied: they were so in the data directory");
}

void Report::listed(const std::vector<Manifest>& backups) {
  if (json_) {
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const auto& backup : backups) {
      json.begin_object();
      json.member("backup", backup.number);
      json.member("takenAt", format_rfc3339(backup.taken));
      json.member("directoryId", backup.state.directory.to_string());
      json.member("commit", backup.state.through.value);
      json.member("topics", backup.state.topics.size());
      json.member("bytes", bytes_of(backup));
      json.end_object();
    }
    json.end_array();
    return tell(out);
  }
  for (const auto& backup : backups) {
    tell(fmt::format("{:>6}  {}  {}  {}  through commit {}", backup.number,
                     format_rfc3339(backup.taken), size_text(bytes_of(backup)),
                     counted(backup.state.topics.size(), "topic", "topics"),
                     backup.state.through.value));
  }
}

void Report::restored(const RestoreSummary& summary, const std::string& data) {
  if (json_) {
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.member("backup", summary.number);
    json.member("takenAt", format_rfc3339(summary.taken));
    json.member("dataDirectory", data);
    json.member("directoryId", summary.directory.to_string());
    json.member("commit", summary.through.value);
    json.member("lastReceivedAt", format_rfc3339(summary.last_received));
    json.member("topics", summary.topics);
    json.member("segments", summary.segments);
    json.member("records", summary.records);
    json.member("bytes", summary.bytes);
    json.member("damagedRanges", summary.damaged_ranges);
    write_sentences(json, "damage", summary.damage);
    json.end_object();
    tell(out);
  } else {
    tell(fmt::format("restored backup {} of {} to {}", summary.number,
                     format_rfc3339(summary.taken), data));
    tell(fmt::format("{} in {}, {}, through commit {}, the last received {}",
                     counted(summary.records, "record", "records"),
                     counted(summary.topics, "topic", "topics"), size_text(summary.bytes),
                     summary.through.value, format_rfc3339(summary.last_received)));
    tell(fmt::format("it is a new data directory: {}", summary.directory.to_string()));
  }
  tell_damage(summary.damage, summary.damaged_ranges, "in it; all else is restored");
}

}  // namespace myelin::cli::backup
