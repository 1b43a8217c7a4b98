// The part of the time that is on the screen.

import type { Trace } from "./trace.ts";
import { firstCrossing, lastCrossing, type Trigger } from "./trigger.ts";

const SHORTEST_S = 1e-5;
const LONGEST_S = 1e6;

/** Share of the window that lies before a trigger. */
const BEFORE_TRIGGER = 0.2;

/** Off: the newest data. Normal: the last event. Single: the next event, then it stands still. */
export type TriggerMode = "off" | "normal" | "single";

export class TimeWindow {
  from = 0;
  to = 10;
  /** It moves on with the data. */
  follows = true;

  get length(): number {
    return this.to - this.from;
  }

  pan(seconds: number): void {
    this.follows = false;
    this.from += seconds;
    this.to += seconds;
  }

  /** `at` stays where it is. */
  zoom(factor: number, at: number): void {
    const length = Math.min(LONGEST_S, Math.max(SHORTEST_S, this.length * factor));
    const share = (at - this.from) / this.length;
    this.from = at - share * length;
    this.to = this.from + length;
  }

  fit(begin: number, end: number): void {
    this.follows = false;
    this.from = begin;
    this.to = Math.max(end, begin + SHORTEST_S);
  }

  /** An event at its place. */
  center(time: number): void {
    const { length } = this;
    this.from = time - BEFORE_TRIGGER * length;
    this.to = this.from + length;
  }

  /** New data has come. True: a single event has been caught. */
  advance(end: number, trace: Trace | undefined, trigger: Trigger, mode: TriggerMode): boolean {
    if (!this.follows) return false;
    const { length } = this;
    if (mode === "off" || trace === undefined) {
      this.to = end;
      this.from = end - length;
      return false;
    }
    // Only an event whose whole window is there: the picture stands still.
    const event = lastCrossing(trace, trigger, end - (1 - BEFORE_TRIGGER) * length);
    if (event === undefined) return false;
    this.center(event);
    if (mode === "single") this.follows = false;
    return mode === "single";
  }

  /** The event before or behind the one at the trigger's place; false: there is none. */
  jump(trace: Trace, trigger: Trigger, forward: boolean): boolean {
    const here = this.from + BEFORE_TRIGGER * this.length;
    const slack = this.length * 1e-6;
    const event = forward ? firstCrossing(trace, trigger, here + slack) : lastCrossing(trace, trigger, here - slack);
    if (event === undefined) return false;
    this.follows = false;
    this.center(event);
    return true;
  }
}

/** Round times for a grid of about `count` lines. */
export function ticks(from: number, to: number, count: number): number[] {
  const rough = (to - from) / Math.max(1, count);
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((of) => of >= rough) ?? rough;
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** `1.25 s`, `40 ms`. */
export function seconds(time: number): string {
  const size = Math.abs(time);
  const [factor, unit] = size >= 1 || size === 0 ? [1, "s"] : size >= 1e-3 ? [1e3, "ms"] : [1e6, "µs"];
  return `${Number((time * Number(factor)).toPrecision(6))} ${unit}`;
}
