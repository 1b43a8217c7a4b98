// The status bar: what runs, how it is, how exactly it keeps its time.

import * as vscode from "vscode";
import { label } from "../control/host.ts";
import type { Attached, Monitor } from "../control/monitor.ts";
import { baseTask, forcedNames } from "../control/view.ts";
import { duration } from "./text.ts";

export class Status implements vscode.Disposable {
  readonly #monitor: Monitor;
  readonly #item: vscode.StatusBarItem;
  readonly #subscriptions: vscode.Disposable[];

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
    this.#item = vscode.window.createStatusBarItem("sensai.runtime", vscode.StatusBarAlignment.Left, 50);
    this.#item.name = "Sensai";
    this.#item.command = "sensai.menu";
    this.#subscriptions = [monitor.onDidAttach(() => this.#show()), monitor.onDidChange(() => this.#show())];
    this.#show();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#item.dispose();
  }

  #show(): void {
    const now = this.#monitor.now;
    if (now === undefined) {
      this.#item.text = "$(circuit-board) Sensai: no cell runs";
      this.#item.tooltip = "Run a cell, or attach to one";
      this.#item.backgroundColor = undefined;
    } else {
      const { text, tone } = summary(now);
      this.#item.text = text;
      this.#item.tooltip = `${now.hello.cell} at ${label(now.place)}, process ${now.hello.process}, sensai ${now.hello.version}`;
      this.#item.backgroundColor = tone === undefined ? undefined : new vscode.ThemeColor(`statusBarItem.${tone}Background`);
    }
    this.#item.show();
  }
}

function summary({ hello, description, view }: Attached): { text: string; tone: "error" | "warning" | undefined } {
  const state = view.runtime?.state ?? "?";
  const open = Object.values(view.alarms ?? {}).filter((alarm) => alarm.state === "unacknowledged").length;
  const forced = forcedNames(view).length;
  const jitter = baseTask(description, view)?.start_error?.p99;
  const parts = [
    `${state === "run" ? "$(pulse)" : "$(debug-pause)"} ${hello.cell}: ${state}`,
    `cycle ${view.cycle ?? 0} (${duration(description.interval_ns)})`,
    `jitter ${duration(jitter)}`,
  ];
  if (open > 0) parts.push(`$(bell-dot) ${open}`);
  if (forced > 0) parts.push(`$(pinned) ${forced} forced`);
  const tone = state === "fault" || open > 0 ? "error" : forced > 0 ? "warning" : undefined;
  return { text: parts.join(" · "), tone };
}
