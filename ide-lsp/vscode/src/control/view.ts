// What the control socket tells of a running cell: docs/control-protocol.md. Everything may be missing: what is not there is
// left out, and a younger runtime may tell more.

export type Value = boolean | number | string | readonly Value[];

export interface TagNow {
  readonly value?: Value;
  readonly valid?: boolean;
  /** Somebody has put a value in its place, or in that of an element. */
  readonly forced?: boolean;
}

export interface Spread {
  readonly last?: number;
  readonly max?: number;
  readonly p50?: number;
  readonly p99?: number;
}

export interface TaskNow {
  readonly runs?: number;
  readonly overruns?: number;
  readonly skipped?: number;
  readonly execution?: Spread;
  readonly start_error?: Spread;
}

export interface AlarmNow {
  readonly state?: string;
  readonly count?: number;
}

/** An object of one section. */
export type Facts = Readonly<Record<string, unknown>>;

export interface View {
  readonly cycle?: number;
  readonly time_ns?: number;
  readonly runtime?: { readonly state?: string; readonly uptime_s?: number; readonly fault?: unknown };
  readonly bus?: Facts;
  readonly tasks?: Readonly<Record<string, TaskNow>>;
  readonly devices?: Readonly<Record<string, Facts>>;
  readonly axes?: Readonly<Record<string, Facts>>;
  readonly units?: Readonly<Record<string, Facts>>;
  readonly alarms?: Readonly<Record<string, AlarmNow>>;
  readonly models?: Readonly<Record<string, Facts>>;
  readonly parameters?: Readonly<Record<string, Value>>;
  readonly tags?: Readonly<Record<string, TagNow>>;
  readonly reload?: Facts;
  /** Forced elements by name, `weights[2]` of an array. */
  readonly forced?: Readonly<Record<string, { readonly value?: Value; readonly unforced?: Value }>>;
}

export interface TagDescribed {
  readonly name: string;
  readonly kind: string;
  readonly type: string;
  readonly unit?: string;
  readonly description?: string;
  /** Elements of an array. */
  readonly len?: number;
}

export interface ParameterDescribed {
  readonly name: string;
  readonly type: string;
  readonly unit?: string;
  readonly description?: string;
  readonly range?: readonly [number, number];
}

/** What does not change while the cell runs. */
export interface Description {
  readonly cell: string;
  readonly interval_ns?: number;
  readonly interface?: string;
  readonly tasks?: readonly { readonly name: string; readonly interval_ns?: number }[];
  readonly devices?: readonly { readonly name: string; readonly type?: string }[];
  readonly axes?: readonly { readonly name: string; readonly unit?: string }[];
  readonly alarms?: readonly { readonly name: string; readonly text_en?: string; readonly help_en?: string }[];
  readonly parameters?: readonly ParameterDescribed[];
  readonly tags?: readonly TagDescribed[];
}

export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly cell: string;
  readonly process: number;
  readonly methods: readonly string[];
}

/** The protocol's number that this extension understands. */
export const PROTOCOL = 1;

/** Names of what is forced; none with a runtime that forces nothing. */
export function forcedNames(view: View): string[] {
  return Object.keys(view.forced ?? {}).sort();
}

/** The task that the cycle belongs to. */
export function baseTask(description: Description, view: View): TaskNow | undefined {
  const name = description.tasks?.[0]?.name;
  return name === undefined ? undefined : view.tasks?.[name];
}
