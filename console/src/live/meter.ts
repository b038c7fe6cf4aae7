// Meter: how many events there were in each of the last seconds.

export const SECONDS = 60;

export class Meter {
  private readonly counts = new Array<number>(SECONDS).fill(0);
  private second = 0; // The newest in counts.

  reset(): void {
    this.counts.fill(0);
  }

  // What is older than a minute, or later than now, is not counted.
  add(events: number, atMs: number, nowMs: number): void {
    this.advance(nowMs);
    const second = Math.floor(atMs / 1000);
    if (!(second <= this.second && second > this.second - SECONDS)) return;
    this.counts[second % SECONDS]! += events;
  }

  // Whole seconds, oldest first; the running one is left out.
  history(nowMs: number): number[] {
    this.advance(nowMs);
    return Array.from({ length: SECONDS - 1 }, (_, i) => this.counts[(this.second + 1 + i) % SECONDS]!);
  }

  // Mean of the last three whole seconds.
  perSecond(nowMs: number): number {
    const last = this.history(nowMs).slice(-3);
    return last.reduce((sum, value) => sum + value, 0) / last.length;
  }

  private advance(nowMs: number): void {
    const now = Math.floor(nowMs / 1000);
    if (now - this.second >= SECONDS) this.counts.fill(0);
    else for (let s = this.second + 1; s <= now; s++) this.counts[s % SECONDS] = 0;
    this.second = Math.max(this.second, now);
  }
}
