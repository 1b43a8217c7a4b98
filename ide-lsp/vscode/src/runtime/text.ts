// Numbers and values as people read them.

import type { Value } from "../control/view.ts";

/** Elements of an array that are shown. */
const ELEMENTS_MAX = 8;

export function shown(value: unknown, unit?: string): string {
  const text = plain(value);
  return unit === undefined || unit === "" || text === "" ? text : `${text} ${unit}`;
}

function plain(value: unknown): string {
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean" || typeof value === "string") return String(value);
  if (Array.isArray(value)) {
    const first = value.slice(0, ELEMENTS_MAX).map(plain).join(", ");
    return value.length > ELEMENTS_MAX ? `[${first}, … ${value.length}]` : `[${first}]`;
  }
  return value === undefined ? "" : JSON.stringify(value);
}

/** At most six digits: more of them only flicker. */
export function number(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

/** `31 µs`. */
export function duration(ns: number | undefined): string {
  if (ns === undefined) return "?";
  if (ns < 1000) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${number(Number((ns / 1e3).toPrecision(3)))} µs`;
  if (ns < 1e9) return `${number(Number((ns / 1e6).toPrecision(3)))} ms`;
  return `${number(Number((ns / 1e9).toPrecision(3)))} s`;
}

/** What somebody has typed, as a value of this type; nothing if it is none. */
export function parse(text: string, type: string): Value | undefined {
  const trimmed = text.trim();
  if (type === "bool") return trimmed === "true" ? true : trimmed === "false" ? false : undefined;
  if (type === "i64") return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
  if (type === "f64") return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : undefined;
  return trimmed;
}
