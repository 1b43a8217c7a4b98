// The running cell as signals: numbers and bools among its tags, and what its axes show.

import type { Description, Value, View } from "../control/view.ts";
import type { Signal } from "./trace.ts";

/** Elements of an array that become signals. */
const ELEMENTS_MAX = 16;

/** What an axis shows, and whether it is in the axis' unit, that unit per second, or another. */
const AXIS: readonly (readonly [string, string])[] = [
  ["position", "u"],
  ["set_position", "u"],
  ["velocity", "u/s"],
  ["following_error", "u"],
  ["torque", "%"],
];

export interface LiveSignal extends Signal {
  read(view: View): number;
}

export function liveSignals({ tags, axes }: Description): LiveSignal[] {
  const ofTags = (tags ?? []).flatMap((tag) => {
    const kind = tag.type === "bool" ? ("bool" as const) : ("number" as const);
    if (!["bool", "i64", "f64"].includes(tag.type)) return [];
    const unit = tag.unit ?? "";
    if (tag.len === undefined) {
      return [{ name: tag.name, unit, kind, read: (view: View) => numeric(view.tags?.[tag.name]?.value) }];
    }
    return Array.from({ length: Math.min(tag.len, ELEMENTS_MAX) }, (_, index) => ({
      name: `${tag.name}[${index}]`,
      unit,
      kind,
      read: (view: View) => numeric(element(view.tags?.[tag.name]?.value, index)),
    }));
  });
  const ofAxes = (axes ?? []).flatMap((axis) =>
    AXIS.map(([fact, unit]) => ({
      name: `axis.${axis.name}.${fact}`,
      unit: unit.replace("u", axis.unit ?? ""),
      kind: "number" as const,
      read: (view: View) => numeric(view.axes?.[axis.name]?.[fact] as Value | undefined),
    })),
  );
  return [...ofTags, ...ofAxes];
}

function element(value: Value | undefined, index: number): Value | undefined {
  return Array.isArray(value) ? (value[index] as Value | undefined) : undefined;
}

/** Numbers that JSON cannot write come as texts: `NaN`, `inf`, `-inf`. */
function numeric(value: Value | undefined): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === "inf") return Infinity;
  return value === "-inf" ? -Infinity : NaN;
}

/** Signals to begin with: what moves in most machines. */
export function firstShown(signals: readonly Signal[]): string[] {
  const numbers = signals.filter(({ kind, unit }) => kind === "number" && unit !== "").slice(0, 2);
  const bools = signals.filter(({ kind }) => kind === "bool").slice(0, 3);
  return [...numbers, ...bools].map(({ name }) => name);
}
