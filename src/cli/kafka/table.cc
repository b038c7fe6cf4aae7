#include "cli/kafka/table.h"

#include <algorithm>

#include "base/check.h"
#include "cli/kafka/text.h"

namespace myelin::cli::kafka {

void Table::add(std::vector<std::string> cells) {
  MYELIN_CHECK(cells.size() == columns_.size(), "a cell a column");
  for (std::string& cell : cells) cell = one_line(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::string_view indent) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(columns(titles[i]));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns(row[i]));
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - columns(row[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::Right ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  append(titles);
  for (const auto& row : rows_) append(row);
  return text;
}

}  // namespace myelin::cli::kafka
