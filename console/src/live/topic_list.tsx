// The topics seen so far, as filters with counts.

import { memo, useMemo } from "react";
import { count, visible } from "../text";
import { matches } from "./pattern";

interface Props {
  topics: ReadonlyMap<string, number>;
  pattern: string;
  onPick: (topic: string) => void;
}

export const TopicList = memo(function TopicList({ topics, pattern, onPick }: Props) {
  const sorted = useMemo(() => [...topics].sort(([a], [b]) => (a < b ? -1 : 1)), [topics]);
  const most = useMemo(() => Math.max(1, ...topics.values()), [topics]);
  if (sorted.length === 0) return null;
  return (
    <nav className="topics" aria-label="Topics seen">
      <h2>Topics</h2>
      <ul>
        {sorted.map(([topic, events]) => {
          const only = pattern === topic;
          const covered = matches(pattern, topic);
          return (
            <li key={topic}>
              <button
                type="button"
                className={covered ? "topic" : "topic outside"}
                aria-pressed={only}
                onClick={() => onPick(topic)}
                title={only ? "Back to the filter before" : `Only ${topic}`}
              >
                <span className="topic-name">{visible(topic)}</span>
                <span className="topic-count">{count(events)}</span>
                <span className="topic-bar" style={{ transform: `scaleX(${covered ? events / most : 0})` }} />
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
});
