// What the runtime panel shows, as rows: from the description and the view, without an editor.

import { baseTask, forcedNames, type Description, type Facts, type View } from "../control/view.ts";
import { programs, reloaded, type OnDisk } from "./programs.ts";
import { duration, number, shown } from "./text.ts";

export interface Row {
  /** The same for the same thing, so that what is unfolded stays so. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly tooltip?: string;
  /** Of VS Code's icons. */
  readonly icon?: string;
  /** Something is wrong with it. */
  readonly tone?: "error" | "warning";
  /** What menus go by. */
  readonly context?: string;
  /** Name that commands are given. */
  readonly name?: string;
  readonly rows?: readonly Row[];
}

/** Groups that have something in them, in the order in which one looks. */
export function rows(description: Description, view: View, onDisk: OnDisk = () => undefined): Row[] {
  const groups = [
    machine(description, view),
    group("programs", "Programs", "file-code", programs(view, onDisk)),
    group("tasks", "Tasks", "clock", tasks(description, view)),
    group("devices", "Devices", "circuit-board", devices(description, view)),
    group("axes", "Axes", "move", axes(description, view)),
    group("alarms", "Alarms", "bell", alarms(description, view)),
    group("models", "Models", "sparkle", facts("models", view.models)),
    group("parameters", "Parameters", "settings", parameters(description, view)),
    group("tags", "Tags", "symbol-variable", tags(description, view)),
  ];
  return groups.filter((of) => of.rows === undefined || of.rows.length > 0);
}

function group(id: string, label: string, icon: string, inside: readonly Row[]): Row {
  const wrong = inside.find((row) => row.tone === "error") ?? inside.find((row) => row.tone === "warning");
  const tone = wrong?.tone;
  return { id, label, icon, description: `${inside.length}`, rows: inside, ...(tone === undefined ? {} : { tone }) };
}

function machine(description: Description, view: View): Row {
  const state = view.runtime?.state ?? "?";
  const base = baseTask(description, view);
  const units = facts("units", view.units);
  const bus = view.bus;
  const inside: Row[] = [
    { id: "machine/cycle", label: "cycle", icon: "pulse", description: number(view.cycle ?? 0) },
    { id: "machine/interval", label: "interval", icon: "watch", description: duration(description.interval_ns) },
    {
      id: "machine/jitter",
      label: "jitter",
      icon: "graph",
      description: `p99 ${duration(base?.start_error?.p99)}, max ${duration(base?.start_error?.max)}`,
      tooltip: "how late cycles start",
    },
    ...units.map((unit) => ({ ...unit, icon: "server-process", context: "unit" })),
  ];
  if (bus !== undefined) {
    const whole = bus["answering"] === bus["expected"];
    inside.push({
      id: "machine/bus",
      label: "bus",
      icon: "plug",
      description: `${shown(bus["states"])}, ${shown(bus["answering"])} of ${shown(bus["expected"])} on ${shown(bus["interface"])}`,
      tooltip: details(bus),
      ...(whole ? {} : { tone: "error" as const }),
    });
  }
  const forced = forcedNames(view);
  if (forced.length > 0) {
    const text = `${forced.length}: ${forced.join(", ")}`;
    const tooltip = forced.map((name) => `${name}: ${instead(view, name)}`).join("\n");
    inside.push({ id: "machine/forced", label: "forced", icon: "pinned", description: text, tooltip, tone: "warning", context: "forced" });
  }
  inside.push(...reloaded(view.reload));
  const tone = state === "fault" ? { tone: "error" as const } : {};
  return { id: "machine", label: description.cell, icon: "vm-running", description: state, rows: inside, ...tone };
}

/** `1.5 instead of 0.2`. */
function instead(view: View, name: string): string {
  const { value, unforced } = view.forced?.[name] ?? {};
  return unforced === undefined ? shown(value) : `${shown(value)} instead of ${shown(unforced)}`;
}

function tasks(description: Description, view: View): Row[] {
  return (description.tasks ?? []).map(({ name, interval_ns }) => {
    const now = view.tasks?.[name];
    const overruns = now?.overruns ?? 0;
    const spent = `${duration(now?.execution?.p50)}, p99 ${duration(now?.execution?.p99)}`;
    return {
      id: `tasks/${name}`,
      label: name,
      icon: "clock",
      description: `every ${duration(interval_ns)}: ${spent}${overruns > 0 ? `, ${overruns} overruns` : ""}`,
      tooltip: details(now as Facts | undefined),
      ...(overruns > 0 ? { tone: "warning" as const } : {}),
    };
  });
}

function devices(description: Description, view: View): Row[] {
  return (description.devices ?? []).map(({ name, type }) => {
    const now = view.devices?.[name];
    const state = shown(now?.["state"]);
    const lost = Number(now?.["lost_links"] ?? 0) + Number(now?.["port_errors"] ?? 0);
    const tone = state !== "" && state !== "OP" ? ("error" as const) : lost > 0 ? ("warning" as const) : undefined;
    return {
      id: `devices/${name}`,
      label: name,
      icon: "circuit-board",
      description: `${type ?? ""} ${state}${lost > 0 ? `, ${lost} errors` : ""}`.trim(),
      tooltip: details(now),
      ...(tone === undefined ? {} : { tone }),
    };
  });
}

function axes(description: Description, view: View): Row[] {
  return (description.axes ?? []).map(({ name, unit }) => {
    const now = view.axes?.[name];
    const state = shown(now?.["state"]);
    return {
      id: `axes/${name}`,
      label: name,
      icon: "move",
      description: `${shown(now?.["position"], unit)}, ${state}`,
      tooltip: details(now),
      ...(state === "errorstop" ? { tone: "error" as const } : {}),
    };
  });
}

function alarms(description: Description, view: View): Row[] {
  return (description.alarms ?? []).map(({ name, text_en, help_en }) => {
    const state = view.alarms?.[name]?.state ?? "normal";
    const open = state === "unacknowledged" || state === "returned";
    const tone = state === "unacknowledged" ? ("error" as const) : state === "normal" ? undefined : ("warning" as const);
    return {
      id: `alarms/${name}`,
      label: text_en ?? name,
      icon: state === "normal" ? "bell-slash" : "bell-dot",
      description: state,
      tooltip: [name, help_en].filter((text) => text !== undefined).join("\n"),
      context: open ? "alarm.open" : "alarm",
      name,
      ...(tone === undefined ? {} : { tone }),
    };
  });
}

function parameters(description: Description, view: View): Row[] {
  return (description.parameters ?? []).map((parameter) => ({
    id: `parameters/${parameter.name}`,
    label: parameter.name,
    icon: "settings",
    description: shown(view.parameters?.[parameter.name], parameter.unit),
    tooltip: [parameter.description, parameter.range && `range ${parameter.range.join(" to ")}`].filter(Boolean).join("\n"),
    context: "parameter",
    name: parameter.name,
  }));
}

const ICONS: Readonly<Record<string, string>> = {
  input: "arrow-small-right",
  output: "arrow-small-left",
  memory: "database",
  model: "sparkle",
};

function tags(description: Description, view: View): Row[] {
  return (description.tags ?? []).map((tag) => {
    const now = view.tags?.[tag.name] ?? {};
    const forced = now.forced === true;
    const marks = [forced ? "forced" : "", now.valid === false ? "invalid" : ""].filter((mark) => mark !== "");
    const wrong = now.valid === false ? { tone: "error" as const } : forced ? { tone: "warning" as const } : {};
    return {
      id: `tags/${tag.name}`,
      label: tag.name,
      icon: forced ? "pinned" : (ICONS[tag.kind] ?? "symbol-variable"),
      description: [shown(now.value, tag.unit), ...marks].join("  "),
      tooltip: [`${tag.kind}, ${tag.type}`, tag.description].filter(Boolean).join("\n"),
      context: forced ? "tag.forced" : "tag",
      name: tag.name,
      ...wrong,
    };
  });
}

/** Things of which everything is shown. */
function facts(id: string, all: Readonly<Record<string, Facts>> | undefined): Row[] {
  return Object.entries(all ?? {}).map(([name, of]) => ({
    id: `${id}/${name}`,
    label: name,
    icon: "circle-outline",
    description: shown(of["state"] ?? of["score"]) + (of["mode"] === undefined ? "" : `, ${shown(of["mode"])}`),
    tooltip: details(of),
    name,
  }));
}

function details(of: Facts | undefined): string {
  return Object.entries(of ?? {})
    .map(([name, value]) => `${name}: ${shown(value)}`)
    .join("\n");
}
