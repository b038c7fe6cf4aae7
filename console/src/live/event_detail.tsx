// One event: its facts, and the raw and the parsed message side by side. What the pointer or the keys are on in one is
// lit in both.

import { memo, useDeferredValue, useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { cutMessage } from "../hl7/er7";
import { eventName } from "../hl7/names";
import { treeOf } from "../hl7/tree";
import { clip, count, fullTime, plural, visible } from "../text";
import { CopyButton } from "./copy_button";
import { parseContent, type EventContent, type LiveEvent } from "./event";
import { familyOf, typeOf } from "./event_list";
import { CloseIcon, DownIcon, UpIcon } from "./icons";
import type { Command } from "./keyboard";
import { ParsedView } from "./parsed_view";
import type { Spot } from "./spot";
import { RawView } from "./raw_view";

const OTHER_CHARACTERS_MAX = 200_000;

function factsOf({ summary, metadata }: EventContent): [name: string, value: string, title?: string][] {
  const { headers } = summary;
  const sequence = headers.get("feed-sequence");
  const feed = [headers.get("feed"), sequence && `#${sequence}`].filter(Boolean).join(" ");
  const facts: [string, string, string?][] = [
    ["Received", fullTime(new Date(summary.receivedAt)), summary.receivedAt],
    ["Topic", summary.topic],
    ["Partition : offset", `${summary.partition} : ${summary.offset}`],
    ["Key", summary.key ?? ""],
    ["Control ID", headers.get("control-id") ?? ""],
    ["Facility", headers.get("facility") ?? ""],
    ["Feed", feed],
    ["Event ID", metadata.get("eventId") ?? ""],
    ["Correlation ID", metadata.get("correlationId") ?? ""],
    ["Event type", metadata.get("eventType") === summary.topic ? "" : (metadata.get("eventType") ?? "")],
    ["Source", metadata.get("eventSource") ?? ""],
  ];
  return facts.filter(([, value]) => value !== "");
}

const Facts = memo(function Facts({ content }: { content: EventContent }) {
  return (
    <dl className="facts">
      {factsOf(content).map(([name, value, title]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={title ?? value}>{visible(clip(value, 300).text)}</dd>
        </div>
      ))}
    </dl>
  );
});

function Other({ text }: { text: string }) {
  const { text: shown, rest } = clip(text, OTHER_CHARACTERS_MAX);
  return (
    <section className="panel whole" aria-label="Value">
      <h3>Value</h3>
      <pre className="other" tabIndex={0}>
        {shown}
        {rest > 0 && <span className="faint">{`\n… ${rest.toLocaleString("en-US")} more characters`}</span>}
      </pre>
    </section>
  );
}

function Deviations({ content: { deviations, deviationsLeftOut } }: { content: EventContent }) {
  if (deviations.length === 0) return null;
  return (
    <details className="deviations">
      <summary>{plural(deviations.length + deviationsLeftOut, "deviation")} from the standard</summary>
      <ul>
        {deviations.map(({ location, code }, i) => (
          <li key={i}>
            <span className="deviation-place">{visible(location)}</span> {visible(code)}
          </li>
        ))}
        {deviationsLeftOut > 0 && <li className="faint">and {count(deviationsLeftOut)} more</li>}
      </ul>
    </details>
  );
}

function Unparsed({ content: { trouble, tooLargeToParse } }: { content: EventContent }) {
  if (!trouble) {
    return <p className="none">{tooLargeToParse ? "The parsed message is too large to be kept beside the raw one." : "The feed does not keep the parsed message."}</p>;
  }
  return (
    <div className="trouble" role="note">
      <strong>Could not be parsed</strong>
      <p>{visible(trouble.detail || trouble.reason)}</p>
      <p className="faint">{visible([trouble.reason, trouble.location].filter(Boolean).join(" at "))}</p>
    </div>
  );
}

function Message({ content }: { content: EventContent }) {
  const [spot, setSpot] = useState<Spot | null>(null);
  const cut = useMemo(() => (content.raw === null ? null : cutMessage(content.raw)), [content]);
  const tree = useMemo(() => (content.segments === null ? null : treeOf(content.segments)), [content]);
  // The raw view's lines are the tree's segments when their names agree, line by line.
  const agree = useMemo(
    () => !cut || !tree || cut.segments.every((segment, i) => tree.segments[i] === undefined || tree.segments[i].id === segment.id),
    [cut, tree],
  );
  return (
    <div className="panels">
      <section className="panel raw-panel" aria-label="Raw message">
        <h3>
          Raw
          {content.rawIsBinary && <span className="remark">not UTF-8: shown as ISO 8859-1</span>}
          {content.raw !== null && <CopyButton text={content.raw} label="Copy" name="Copy the raw message" />}
        </h3>
        {cut ? <RawView message={cut} spot={spot} onSpot={agree ? setSpot : null} /> : <p className="none">The feed does not keep the raw message.</p>}
      </section>
      <section className="panel parsed-panel" aria-label="Parsed message">
        <h3>Parsed</h3>
        <Deviations content={content} />
        {tree ? <ParsedView tree={tree} spot={agree ? spot : null} onSpot={setSpot} /> : <Unparsed content={content} />}
      </section>
    </div>
  );
}

interface Props {
  event: LiveEvent;
  panel: RefObject<HTMLElement | null>;
  onClose: () => void;
  onMove: (command: Command) => void;
}

export function EventDetail({ event, panel, onClose, onMove }: Props) {
  // Held-down arrow keys run through events faster than big messages are drawn.
  const shown = useDeferredValue(event);
  const content = useMemo(() => parseContent(shown.data), [shown]);
  const words = eventName(shown.headers.get("type") ?? "", shown.headers.get("trigger") ?? "");
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    body.current?.scrollTo({ top: 0 });
  }, [shown]);
  return (
    <article className="detail" ref={panel} tabIndex={-1} aria-labelledby="detail-title" data-testid="detail">
      <header className="detail-head">
        <span className={`badge ${familyOf(shown)}`}>{visible(typeOf(shown))}</span>
        <h2 id="detail-title">{words || visible(shown.topic)}</h2>
        {shown.key !== null && <span className="detail-key">{visible(shown.key)}</span>}
        <div className="detail-actions">
          <button type="button" className="button quiet" onClick={() => onMove("previous")} aria-label="Newer event" title="Newer event (k)">
            <UpIcon />
          </button>
          <button type="button" className="button quiet" onClick={() => onMove("next")} aria-label="Older event" title="Older event (j)">
            <DownIcon />
          </button>
          <button type="button" className="button quiet" onClick={onClose} aria-label="Close the event" title="Close (Esc)">
            <CloseIcon />
          </button>
        </div>
      </header>
      <div className="detail-body" ref={body}>
        {content ? (
          <>
            <Facts content={content} />
            {content.other === null ? <Message key={shown.seq} content={content} /> : <Other text={content.other} />}
          </>
        ) : (
          <p className="none">This event cannot be read.</p>
        )}
      </div>
    </article>
  );
}
