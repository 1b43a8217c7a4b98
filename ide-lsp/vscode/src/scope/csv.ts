// Tables of values: what `sensai log export` writes, and what the scope exports.

import type { Signal } from "./trace.ts";

export interface Table {
  readonly signals: readonly Signal[];
  /** Seconds. */
  readonly times: Float64Array;
  /** A row for each signal; bools are 0 and 1. */
  readonly values: readonly Float64Array[];
}

const NUMBERS = /^[+-]?(\d|\.\d|inf|nan)/i;

/**
 * The tags of an exported log. Columns that are no tags (cycle, flags, fault, inbox, qualities) and texts are left out.
 */
export function parseExport(text: string): Table {
  const lines = text.split("\n");
  const header = cells(lines.shift() ?? "");
  const rows = lines.filter((line) => line !== "").map(cells);
  const timeColumn = header.indexOf("time [ns]");
  if (timeColumn < 0) throw new Error("expected a column `time [ns]` in the exported log");
  const first = rows[0] ?? [];
  const wanted = header
    .map((title, column) => ({ column, signal: signal(title, first[column] ?? "") }))
    .filter(({ column, signal: of }) => column > timeColumn && of !== undefined);
  const times = Float64Array.from(rows, (row) => Number(row[timeColumn]) / 1e9);
  const values = wanted.map(({ column }) => Float64Array.from(rows, (row) => numeric(row[column] ?? "")));
  return { signals: wanted.flatMap(({ signal: of }) => of ?? []), times, values };
}

/** `force.ram [N]`; nothing for what is no tag or no number. */
function signal(title: string, value: string): Signal | undefined {
  if (/\.valid$/.test(title) || ["flags", "fault", "inbox"].includes(title)) return undefined;
  const kind = value === "true" || value === "false" ? "bool" : NUMBERS.test(value) ? "number" : undefined;
  if (kind === undefined) return undefined;
  const [, name, unit] = /^(.*?)(?: \[([^\]]*)\])?$/.exec(title) ?? [];
  return { name: name ?? title, unit: unit ?? "", kind };
}

function numeric(text: string): number {
  if (text === "true") return 1;
  if (text === "false") return 0;
  if (/^[+-]?inf/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return text === "" ? NaN : Number(text);
}

/** RFC 4180: quoted cells may hold commas and doubled quotes. */
export function cells(line: string): string[] {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (!text.includes('"')) return text.split(",");
  const found: string[] = [];
  let cell = "";
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index] ?? "";
    if (quoted && letter === '"' && text[index + 1] === '"') {
      cell += '"';
      index += 1;
    } else if (letter === '"') {
      quoted = !quoted;
    } else if (letter === "," && !quoted) {
      found.push(cell);
      cell = "";
    } else {
      cell += letter;
    }
  }
  return [...found, cell];
}

/** What is on the screen, for others to read: one line for each time at which something was sampled. */
export function writeTable(signals: readonly Signal[], rows: readonly (readonly [number, readonly number[]])[]): string {
  const title = ({ name, unit }: Signal) => quoted(unit === "" ? name : `${name} [${unit}]`);
  const header = ["time [s]", ...signals.map(title)].join(",");
  const value = (of: number, index: number) => (signals[index]?.kind === "bool" ? String(of !== 0) : String(of));
  return [header, ...rows.map(([time, values]) => [time, ...values.map(value)].join(","))].join("\n") + "\n";
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
