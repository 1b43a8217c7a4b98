// When a signal crosses a level.

import type { Trace } from "./trace.ts";

export type Edge = "rising" | "falling" | "either";

export interface Trigger {
  readonly signal: string;
  readonly edge: Edge;
  readonly level: number;
}

/** Time of the first crossing behind `after`. A bool crosses a level of 0.5. */
export function firstCrossing(trace: Trace, trigger: Trigger, after: number): number | undefined {
  for (let index = Math.max(1, trace.before(after) + 1); index < trace.length; index += 1) {
    const now = trace.sample(index);
    const last = trace.sample(index - 1);
    if (now === undefined || last === undefined) return undefined;
    if (crosses(last[1], now[1], trigger)) return now[0];
  }
  return undefined;
}

/** Time of the last crossing at or before `until`. */
export function lastCrossing(trace: Trace, trigger: Trigger, until: number): number | undefined {
  for (let index = trace.before(until); index > 0; index -= 1) {
    const now = trace.sample(index);
    const last = trace.sample(index - 1);
    if (now !== undefined && last !== undefined && crosses(last[1], now[1], trigger)) return now[0];
  }
  return undefined;
}

function crosses(before: number, after: number, { edge, level }: Trigger): boolean {
  const rises = before < level && after >= level;
  const falls = before >= level && after < level;
  return (edge !== "falling" && rises) || (edge !== "rising" && falls);
}
