// The message as it was received, one segment a line.

import { memo, useEffect, useRef } from "react";
import type { RawMessage, RawSegment, Token } from "../hl7/er7";
import { count, plural, visible } from "../text";
import { lightOf, sameSpot, spotAt, spotName, type Spot } from "./spot";

interface Props {
  message: RawMessage;
  spot: Spot | null;
  onSpot: ((spot: Spot | null) => void) | null; // None: the lines are not the parsed segments.
}

function classOf(token: Token, spot: Spot | null): string {
  const light = token.kind === "id" ? "none" : lightOf(token, spot);
  return light === "none" ? `t-${token.kind}` : `t-${token.kind} lit-${light}`;
}

const Line = memo(function Line({ segment, index, spot }: { segment: RawSegment; index: number; spot: Spot | null }) {
  return (
    <div className="raw-line">
      <span className="line-number" aria-hidden="true">
        {index + 1}
      </span>
      <code>
        {segment.tokens.map((token, i) => (
          <span key={i} className={classOf(token, spot)} data-spot={spotName(index, token)}>
            {token.kind === "rest" ? token.text : visible(token.text)}
          </span>
        ))}
      </code>
    </div>
  );
});

export function RawView({ message, spot, onSpot }: Props) {
  const view = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (spot?.from === "parsed") view.current?.querySelector(".lit-exact, .lit-field")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [spot]);
  return (
    <div
      ref={view}
      className="raw"
      tabIndex={0}
      role="group"
      aria-label="Raw message, one segment a line"
      data-testid="raw"
      // Not pointerover: it also comes when the content scrolls under a resting pointer.
      onPointerMove={(pointer) => {
        const next = spotAt(pointer.target, "raw");
        if (onSpot && !sameSpot(next, spot)) onSpot(next);
      }}
      onPointerLeave={() => onSpot?.(null)}
    >
      {message.segments.map((segment, i) => (
        <Line key={i} segment={segment} index={i} spot={spot?.segment === i ? spot : null} />
      ))}
      {message.segmentsLeftOut > 0 && (
        <p className="none">
          {plural(message.segmentsLeftOut, "more segment")} not shown after line {count(message.segments.length)}. Copy gives all of it.
        </p>
      )}
    </div>
  );
}
