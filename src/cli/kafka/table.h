// Table: columns that line up, for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace myelin::cli::kafka {

class Table {
 public:
  enum class Align : std::uint8_t { Left, Right };
  struct Column {
    std::string title;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns. What a cell holds is made fit for a terminal.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // Titles, then a line a row, each behind `indent`; no line ends with spaces.
  std::string text(std::string_view indent = {}) const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace myelin::cli::kafka
