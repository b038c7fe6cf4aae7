// The line of filters and actions.

import { useEffect, useState, type RefObject } from "react";
import { count } from "../text";
import { START_NAMES, STARTS, type Start, type View } from "./address";
import { ClearIcon, PauseIcon, PlayIcon, SearchIcon } from "./icons";
import { DEFAULT_PATTERN, EVERYTHING, isPattern } from "./pattern";

interface Props {
  view: View;
  paused: boolean;
  waiting: number;
  filter: RefObject<HTMLInputElement | null>;
  onView: (view: View) => void;
  onPause: () => void;
  onClear: () => void;
}

function FilterField({ view, filter, onView }: Pick<Props, "view" | "filter" | "onView">) {
  const [text, setText] = useState(view.pattern);
  useEffect(() => setText(view.pattern), [view.pattern]);
  const wrong = text !== "" && !isPattern(text);
  const apply = (pattern: string) => {
    if (pattern === "") onView({ ...view, pattern: DEFAULT_PATTERN });
    else if (isPattern(pattern)) onView({ ...view, pattern });
  };
  return (
    <form
      className={wrong ? "filter wrong" : "filter"}
      role="search"
      onSubmit={(submit) => {
        submit.preventDefault();
        apply(text.trim());
        if (!wrong) filter.current?.blur();
      }}
    >
      <SearchIcon />
      <input
        ref={filter}
        id="topic-filter"
        value={text}
        onChange={(change) => setText(change.target.value)}
        onKeyDown={(key) => {
          if (key.key !== "Escape") return;
          key.stopPropagation();
          setText(view.pattern);
          filter.current?.blur();
        }}
        aria-label="Topic or pattern; * stands for any characters"
        aria-invalid={wrong}
        placeholder={DEFAULT_PATTERN}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        maxLength={249}
      />
      {text !== view.pattern ? <kbd>Enter</kbd> : <kbd>/</kbd>}
      {wrong && (
        <p className="filter-hint" role="alert">
          Topics have letters, digits, dots, hyphens and underscores; * stands for any of them.
        </p>
      )}
    </form>
  );
}

export function Toolbar({ view, paused, waiting, filter, onView, onPause, onClear }: Props) {
  return (
    <div className="toolbar" role="group" aria-label="Filter and control">
      <FilterField view={view} filter={filter} onView={onView} />
      <div className="choice" role="group" aria-label="Common filters">
        {[DEFAULT_PATTERN, EVERYTHING].map((pattern) => (
          <button
            key={pattern}
            type="button"
            aria-pressed={view.pattern === pattern}
            onClick={() => onView({ ...view, pattern })}
            title={pattern === EVERYTHING ? "Events of every topic" : "HL7 messages"}
          >
            {pattern === EVERYTHING ? "All topics" : "HL7"}
          </button>
        ))}
      </div>
      <label className="start">
        <span className="wide-only">From</span>
        <select value={view.start} onChange={(change) => onView({ ...view, start: change.target.value as Start })} aria-label="From when">
          {STARTS.map((start) => (
            <option key={start} value={start}>
              {START_NAMES[start]}
            </option>
          ))}
        </select>
      </label>
      <div className="actions">
        <button type="button" className={paused ? "button primary" : "button"} aria-label={paused ? `Resume; ${count(waiting)} waiting` : "Pause"}
          title={paused ? "Resume (p)" : "Pause (p)"} onClick={onPause} data-testid="pause">
          {paused ? <PlayIcon /> : <PauseIcon />}
          <span className="button-text">{paused ? "Resume" : "Pause"}</span>
          {paused && waiting > 0 && (
            <span className="waiting" data-testid="waiting">
              {count(waiting)} waiting
            </span>
          )}
        </button>
        <button type="button" className="button" onClick={onClear} aria-label="Clear the list"
          title="Clear the list (x); nothing is deleted on the server">
          <ClearIcon />
          <span className="wide-only">Clear</span>
        </button>
      </div>
    </div>
  );
}
