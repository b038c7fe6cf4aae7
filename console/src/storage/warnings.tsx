// What nobody may miss, on every page: a disk that fills up, damage in what is stored.

import type { LogStatus } from "./log_status";
import { warningsOf, type Level } from "./words";

const LOOKS: Record<Level, string> = { good: "notice", warn: "notice", bad: "notice failure" };

// The figures stand outside of the alert, so that a screen reader tells a warning when it comes, not whenever the disk
// is a little fuller.
export function Warnings({ status }: { status: LogStatus | null }) {
  return (
    <div className="warnings">
      {warningsOf(status).map(({ key, level, text, figures }) => (
        <div key={key} className={LOOKS[level]} data-testid={`warning-${key}`}>
          <strong role="alert">{text}</strong>
          <span>{figures}</span>
          <a href="#/storage">Show storage</a>
        </div>
      ))}
    </div>
  );
}
