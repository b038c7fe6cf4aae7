// What the page says while there is no event: what to send, and how.

import { CopyButton } from "./copy_button";
import type { Connection } from "./state";
import { visible } from "../text";

const MLLP_PORT = 2575;

interface Line {
  title: string;
  why: string;
  command: string;
}

export function linesToTry(location: { hostname: string; origin: string }): Line[] {
  return [
    {
      title: "Send a message",
      why: "Any HL7 v2 file, over MLLP. It appears here once it is safely stored.",
      command: `build/release/myelin send FILE.hl7 --to ${location.hostname}:${MLLP_PORT}`,
    },
    {
      title: "Follow the same events elsewhere",
      why: "Every event on this page is also an open stream for your own programs.",
      command: `curl -N '${location.origin}/events/hl7.*?from=earliest'`,
    },
    {
      title: "Start a simulated hospital",
      why: "Admissions, transfers, orders, results and discharges of invented patients.",
      command: "build/release/myelin demo",
    },
  ];
}

const TITLES: Record<Connection, string> = {
  connecting: "Connecting to the server",
  live: "Listening. No event yet.",
  reconnecting: "The server does not answer",
  refused: "The server refused this filter",
};

export function Welcome({ pattern, connection }: { pattern: string; connection: Connection }) {
  const waits = connection === "live" || connection === "connecting";
  return (
    <section className="welcome" aria-labelledby="welcome-title" data-testid="welcome">
      <div className={waits ? "pulse" : "pulse still"} aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <h1 id="welcome-title">{TITLES[connection]}</h1>
      <p className="welcome-text">
        {waits ? (
          <>
            What arrives on <code>{visible(pattern)}</code> appears here the moment it is durable. Nothing to send yet? Try one of these.
          </>
        ) : connection === "refused" ? (
          <>Change the topic filter above to try again.</>
        ) : (
          <>This page keeps trying, and goes on where it stopped.</>
        )}
      </p>
      {waits && <Lines />}
    </section>
  );
}

function Lines() {
  return (
    <ol className="lines">
        {linesToTry(window.location).map(({ title, why, command }) => (
          <li key={title}>
            <h2>{title}</h2>
            <p>{why}</p>
            <div className="line">
              <code>{command}</code>
              <CopyButton text={command} name={`Copy: ${title}`} />
            </div>
          </li>
        ))}
      </ol>
  );
}
