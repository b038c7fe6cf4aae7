import { CloseIcon } from "./icons";
import type { Notice } from "./state";
import { count, visible } from "../text";

const KINDS: Record<Notice["kind"], string> = { gap: "Gap", failure: "Problem" };

export function Notices({ notices, onDismiss }: { notices: readonly Notice[]; onDismiss: (id: number) => void }) {
  return (
    <div className="notices" role="alert">
      {notices.map(({ id, kind, text, times }) => (
        <div key={id} className={`notice ${kind}`} data-testid={`notice-${kind}`}>
          <strong>{KINDS[kind]}</strong>
          <span>{visible(text)}</span>
          {times > 1 && <span className="faint">{count(times)} times</span>}
          <button type="button" className="button quiet" aria-label="Dismiss" onClick={() => onDismiss(id)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
