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

/** A program that runs. */
export interface ProgramNow {
  /** Of its text, in the cell. */
  readonly path?: string;
  /** Of the text that runs. */
  readonly sha256?: string;
  readonly libraries?: Readonly<Record<string, string>>;
  /** The fields of `this`. */
  readonly state?: Facts;
  /** The state is longer than what is told of it. */
  readonly cut?: boolean;
}

/** How the last reload stands. */
export interface ReloadNow {
  readonly number?: number;
  readonly state?: string;
  readonly programs?: readonly string[];
  readonly cycle?: number;
  readonly probation?: number;
  /** Runs that are left of its probation. */
  readonly left?: number;
  /** Cycle in which it was undone. */
  readonly undone?: number;
  readonly why_undone?: string;
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
  readonly programs?: Readonly<Record<string, ProgramNow>>;
  readonly reload?: ReloadNow;
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

/** All that is told of a running cell; without being asked, the state of programs is not. */
export const SECTIONS: readonly string[] = [
  ...["runtime", "bus", "tasks", "devices", "axes", "units", "alarms", "models", "jidoka", "parameters", "tags", "programs"],
  ...["forced", "log", "reload"],
];

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
