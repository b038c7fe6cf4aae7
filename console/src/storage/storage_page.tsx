// The state of the durable log: disk, damage, journal, scrub, and what was removed.

import type { ReactNode } from "react";
import { byteSize, clockTime, count, fullTime, plural, visible } from "../text";
import type { DamagedRange, LogStatus } from "./log_status";
import type { Failure, Reading } from "./log_watch";
import * as words from "./words";

function Section({ id, title, wide = false, children }: { id: string; title: string; wide?: boolean; children: ReactNode }) {
  return (
    <section className={wide ? "card wide" : "card"} aria-labelledby={`${id}-title`} data-testid={id}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="card-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Time({ time }: { time: Date }) {
  return (
    <time dateTime={time.toISOString()} title={fullTime(time)}>
      {clockTime(time, new Date()).replace(/\.\d+$/, "")}
    </time>
  );
}

function Bar({ label, used, told }: { label: string; used: number; told: words.Words }) {
  const share = Math.min(1, Math.max(0, used));
  const percent = words.percentUsed(used);
  return (
    <>
      <p className="bar-words">
        <span>{percent} used</span>
        <strong className={told.level}>{told.name}</strong>
      </p>
      <div
        className={`bar ${told.level}`}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={`${percent} used: ${told.name}`}
      >
        <span style={{ transform: `scaleX(${share})` }} />
      </div>
      <p className="bar-meaning">{told.meaning}</p>
    </>
  );
}

function DamageTable({ damage, directory }: { damage: readonly DamagedRange[]; directory: string }) {
  return (
    <div className="table-space" role="region" aria-label="Damaged ranges" tabIndex={0}>
      <table className="damage">
        <thead>
          <tr>
            <th scope="col">Topic and partition</th>
            <th scope="col">Offsets</th>
            <th scope="col">What is wrong</th>
            <th scope="col">Where</th>
            <th scope="col">File</th>
          </tr>
        </thead>
        <tbody>
          {damage.map((range) => (
            <tr key={`${range.file} ${range.byte}`}>
              <th scope="row">
                {visible(range.topic)} {range.partition}
              </th>
              <td>{words.offsetsOf(range)}</td>
              <td className="text">{visible(range.what)}</td>
              <td>{words.bytesOf(range)}</td>
              <td className="text" title={visible(range.file)}>
                {visible(words.shortPath(range.file, directory))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Damage({ status }: { status: LogStatus }) {
  const { damage, damagedRanges, scrub, directory } = status;
  return (
    <Section id="damage" title="Damage" wide>
      {damage.length === 0 ? (
        <p>{words.noDamage(scrub)}</p>
      ) : (
        <>
          <p>
            <strong className="bad">{plural(damagedRanges, "damaged range")}.</strong> {words.whatToDo(damage)}
          </p>
          <DamageTable damage={damage} directory={directory} />
          {damagedRanges > damage.length && <p>Only the first {count(damage.length)} are listed.</p>}
        </>
      )}
    </Section>
  );
}

function Removed({ status: { retention, compaction } }: { status: LogStatus }) {
  const removed = retention.removedRecords + retention.removedFiles > 0;
  return (
    <>
      <Section id="retention" title="Retention">
        <p>{removed ? "Removed since the server started." : "Nothing was removed since the server started."}</p>
        <Facts
          facts={[
            ["Records removed", count(retention.removedRecords)],
            ["Bytes removed", byteSize(retention.removedBytes)],
            ["Files removed", count(retention.removedFiles)],
          ]}
        />
      </Section>
      <Section id="compaction" title="Compaction">
        <p>{compaction.passes > 0 ? "Since the server started." : "No partition was compacted since the server started."}</p>
        <Facts
          facts={[
            ["Passes", count(compaction.passes)],
            ["Records removed", count(compaction.removedRecords)],
            ["Read", byteSize(compaction.readBytes)],
            ["Written", byteSize(compaction.writtenBytes)],
          ]}
        />
      </Section>
    </>
  );
}

function Cards({ status }: { status: LogStatus }) {
  const { space, scrub } = status;
  return (
    <div className="cards">
      <Section id="disk" title="Disk">
        <Bar label="Disk used" used={space.usedPercent / 100} told={words.spaceWords(space.state)} />
        <Facts
          facts={[
            ["Free", byteSize(space.freeBytes)],
            ["In all", space.totalBytes === null ? "not told" : byteSize(space.totalBytes)],
          ]}
        />
      </Section>
      <Section id="journal" title="Journal">
        <Bar label="Journal used" used={status.journalUsed} told={words.journalWords(status.journalUsed)} />
        <Facts facts={[["Checkpoints since the start", count(status.checkpoints)], ["Last commit", count(status.commit)]]} />
      </Section>
      <Damage status={status} />
      <Section id="scrub" title="Scrub">
        <p>{words.scrubWords(scrub)}</p>
        <Facts
          facts={[
            ["Last round ended", scrub.lastRound ? <Time time={scrub.lastRound} /> : "never yet"],
            ["Rounds", count(scrub.rounds)],
            ["Checked", byteSize(scrub.bytes)],
          ]}
        />
      </Section>
      <Removed status={status} />
    </div>
  );
}

function Trouble({ failure, readAt }: { failure: Failure; readAt: Date | null }) {
  const { level, name, meaning } = words.failureWords(failure);
  return (
    <div className={level === "bad" ? "notice failure" : "notice"} data-testid="storage-failure">
      <p role="alert">
        <strong>{name}</strong> {meaning}
      </p>
      {readAt && (
        <span>
          What is shown was read at <Time time={readAt} />.
        </span>
      )}
    </div>
  );
}

export function StoragePage({ reading: { status, readAt, failure } }: { reading: Reading }) {
  return (
    <main className="main storage" aria-label="Storage" tabIndex={-1}>
      {failure && <Trouble failure={failure} readAt={readAt} />}
      <div className="storage-head">
        <h1>Storage</h1>
        {status && (
          <p>
            <code>{visible(status.directory)}</code>
            <span>Log format {count(status.format)}</span>
            <span>Started {plural(status.start, "time")}</span>
            {readAt && (
              <span>
                As of <Time time={readAt} />
              </span>
            )}
          </p>
        )}
        {!status && !failure && <p>Asking the server.</p>}
      </div>
      {status && <Cards status={status} />}
    </main>
  );
}
