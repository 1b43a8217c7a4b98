// What `sensai test --list`, `sensai test` and `sensai replay` answer with `--json`.

export interface Listed {
  readonly suite: string;
  readonly name: string;
  /** Relative to the cell. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly help?: string | null;
  /** Relative to the cell. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export interface Change {
  readonly seconds: number;
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export interface Tested extends Listed {
  readonly passed: boolean;
  /** Virtual time. */
  readonly seconds: number;
  readonly wall_s: number;
  readonly findings: readonly Finding[];
  readonly changes: readonly Change[];
  readonly printed: readonly string[];
}

export interface Report<T> {
  readonly cell: string;
  readonly tests: readonly T[];
  /** Of files that are no tests. */
  readonly findings: readonly Finding[];
}

export interface Replayed {
  readonly cycles: number;
  readonly difference: {
    readonly cycle: number;
    readonly tags: readonly { readonly tag: string; readonly recorded: string; readonly replayed: string }[];
    readonly fields?: readonly unknown[];
    readonly fault?: unknown;
    readonly hash?: readonly [string, string];
  } | null;
}

/** As `--filter` sees it. */
export function fullName(test: Listed): string {
  return `${test.suite}::${test.name}`;
}

/** What a finding says, with what led there. */
export function explanation(finding: Finding, changes: readonly Change[], printed: readonly string[]): string {
  const lines = [`${finding.message} [${finding.code}]`];
  if (typeof finding.help === "string" && finding.help !== "") lines.push(finding.help);
  if (changes.length > 0) lines.push("", "what changed last:");
  for (const { seconds, name, before, after } of changes) lines.push(`  ${seconds.toFixed(3)} s  ${name}  ${before} -> ${after}`);
  if (printed.length > 0) lines.push("", "printed:", ...printed.map((line) => `  ${line}`));
  return lines.join("\n");
}

/** Why a log does not replay equal. */
export function differing(replayed: Replayed): string | undefined {
  const { difference } = replayed;
  if (difference === null) return undefined;
  const tags = difference.tags.map(({ tag, recorded, replayed: now }) => `  io.${tag}: recorded ${recorded}, replayed ${now}`);
  const [recorded, now] = difference.hash ?? ["", ""];
  const state = recorded === now ? [] : [`  state hash: recorded ${recorded}, replayed ${now}`];
  return [`cycle ${difference.cycle} is the first that differs`, ...tags, ...state].join("\n");
}
