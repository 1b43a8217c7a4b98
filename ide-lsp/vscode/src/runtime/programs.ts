// The programs that run: which text of each, what the last reload came to, and what is in their state.

import type { Facts, ProgramNow, ReloadNow, View } from "../control/view.ts";
import type { Row } from "./rows.ts";
import { shown } from "./text.ts";

/** SHA-256 of a file of the cell as it is on the disk, if that is known. */
export type OnDisk = (path: string) => string | undefined;

/** Digits of a text's SHA-256 that people compare. */
const DIGITS = 8;

/** What one looks at first in a block. */
const FIRST: readonly string[] = ["ERR", "Q", "CV", "OUT", "ET"];

/** Members of a record that are named in its line. */
const NAMED_MAX = 4;

export function programs(view: View, onDisk: OnDisk): Row[] {
  return Object.entries(view.programs ?? {}).map(([name, program]) => {
    const { path = "", sha256 = "", libraries = {} } = program;
    const texts = [[path, sha256] as const, ...Object.entries(libraries)];
    const differing = texts.filter(([file, runs]) => (onDisk(file) ?? runs) !== runs).map(([file]) => file);
    const { text: reload, tone } = standing(name, view.reload);
    const differs = differing.length === 0 ? "" : differing.includes(path) ? "file differs" : `${differing.join(", ")} differs`;
    const notes = [...texts.map(([file, runs]) => `${file}: ${runs} runs`), ...differing.map((file) => `${file}: the file on disk is another text`)];
    const wrong = tone ?? (differs === "" ? undefined : "warning");
    return {
      id: `programs/${name}`,
      label: name,
      icon: differs === "" ? "file-code" : "diff",
      description: [sha256.slice(0, DIGITS), reload, differs].filter((part) => part !== "").join(", "),
      tooltip: [...notes, ...(tone === undefined ? [] : [view.reload?.why_undone ?? ""])].join("\n"),
      context: differs === "" ? "program" : "program.differs",
      name,
      rows: state(`programs/${name}`, program),
      ...(wrong === undefined ? {} : { tone: wrong }),
    };
  });
}

/** What the last reload was for a program. */
function standing(name: string, reload: ReloadNow | undefined): { text: string; tone?: "warning" } {
  if (reload?.programs?.includes(name) !== true) return { text: "" };
  if (reload.state === "undone") return { text: `reload ${reload.number} undone`, tone: "warning" };
  return { text: reload.state === "probation" ? `reload ${reload.number} on probation` : `reload ${reload.number}` };
}

/** A line about the last reload, if there was one. */
export function reloaded(reload: ReloadNow | undefined): Row[] {
  if (reload?.state === undefined) return [];
  const { number, state, programs: names = [], cycle, left, probation, undone, why_undone: why } = reload;
  // Lines are short: what went wrong comes first.
  const how = state === "probation" ? `may be undone for ${left} of ${probation} runs` : state === "undone" ? `undone: ${why}` : state;
  const end = state === "undone" ? ` (in cycle ${undone})` : "";
  return [
    {
      id: "machine/reload",
      label: `reload ${number}`,
      icon: state === "undone" ? "discard" : "sync",
      description: state === "undone" ? how : `${names.join(", ")}: ${how}`,
      tooltip: `reload ${number} of ${names.join(", ")} in cycle ${cycle}: ${how}${end}`,
      ...(state === "undone" ? { tone: "warning" as const } : {}),
    },
  ];
}

function state(id: string, program: ProgramNow): Row[] {
  const rest = program.cut === true ? [{ id: `${id}/…`, label: "…", description: "the state is longer than what is told of it" }] : [];
  return [...fields(id, program.state ?? {}), ...rest];
}

function fields(id: string, record: Facts): Row[] {
  return Object.entries(record).map(([name, value]) => field(`${id}/${name}`, name, value));
}

function field(id: string, label: string, value: unknown): Row {
  if (isRecord(value)) return { id, label, icon: "symbol-structure", description: summary(value), rows: fields(id, value) };
  if (Array.isArray(value) && value.some(isRecord)) {
    const rows = value.map((element, index) => field(`${id}/${index}`, `[${index}]`, element));
    return { id, label, icon: "symbol-array", description: `${value.length}`, rows };
  }
  return { id, label, icon: "symbol-field", description: typeof value === "string" ? JSON.stringify(value) : shown(value) };
}

/** A block or record in one line. */
function summary(record: Facts): string {
  const plain = Object.entries(record).filter(([name, value]) => !isRecord(value) && !Array.isArray(value) && (name !== "ERR" || value === true));
  const first = (name: string): number => (FIRST.indexOf(name) + 1 || FIRST.length + 1);
  plain.sort(([a], [b]) => first(a) - first(b));
  const named = plain.slice(0, NAMED_MAX).map(([name, value]) => `${name} ${shown(value)}`);
  return named.join(", ") + (plain.length > NAMED_MAX ? ", …" : "");
}

function isRecord(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
