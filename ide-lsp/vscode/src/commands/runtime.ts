// Commands to the running cell, from the runtime panel.

import * as vscode from "vscode";
import type { Attached, Monitor } from "../control/monitor.ts";
import { forcedNames } from "../control/view.ts";
import { parse } from "../runtime/text.ts";

/** A line of the panel that a command was given on. */
export interface Line {
  readonly name?: string | undefined;
}

export function registerRuntimeCommands(monitor: Monitor): vscode.Disposable {
  const commands: Readonly<Record<string, (row: Line | undefined) => unknown>> = {
    attach: () => monitor.choose(),
    detach: () => monitor.detach(),
    setParameter: (row) => setParameter(monitor, row),
    acknowledge: (row) => monitor.command("ack", row?.name === undefined ? {} : { alarm: row.name }),
    force: (row) => force(monitor, row),
    unforce: (row) => unforce(monitor, row),
    unforceAll: () => monitor.command("unforce-all", {}),
    copyName: (row) => vscode.env.clipboard.writeText(row?.name ?? ""),
    menu: () => menu(monitor),
  };
  const registered = Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`sensai.${name}`, async (row: Line | undefined) => {
      try {
        await run(row);
      } catch (error) {
        void vscode.window.showErrorMessage(`Sensai: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** The cell that the window is attached to. */
function running(monitor: Monitor): Attached {
  if (monitor.now === undefined) throw new Error("no cell runs that this window is attached to");
  return monitor.now;
}

async function setParameter(monitor: Monitor, row: Line | undefined): Promise<void> {
  const { description, view } = running(monitor);
  const all = description.parameters ?? [];
  if (all.length === 0) throw new Error(`${description.cell} has no parameters`);
  const items = all.map((parameter) => ({ label: parameter.name, description: parameter.unit ?? "", parameter }));
  const known = all.find(({ name }) => name === row?.name);
  const parameter = known ?? (await vscode.window.showQuickPick(items, { title: "Which parameter?" }))?.parameter;
  if (parameter === undefined) return;
  const range = parameter.range === undefined ? "" : `, ${parameter.range.join(" to ")}`;
  const text = await vscode.window.showInputBox({
    // The list before it gives the focus back when it closes, on a slow machine only after this question is there.
    ignoreFocusOut: true,
    title: `${parameter.name}: ${parameter.type}${parameter.unit === undefined ? "" : ` in ${parameter.unit}`}${range}`,
    value: String(view.parameters?.[parameter.name] ?? ""),
    ...(parameter.description === undefined ? {} : { prompt: parameter.description }),
    validateInput: (typed) => (parse(typed, parameter.type) === undefined ? `expected ${parameter.type}` : undefined),
  });
  if (text === undefined) return;
  await monitor.command("set-param", { name: parameter.name, value: parse(text, parameter.type) });
}

/** Hold a tag, or an element of an array, at a value. */
async function force(monitor: Monitor, row: Line | undefined): Promise<void> {
  const { description, view } = running(monitor);
  const all = description.tags ?? [];
  const items = all.map((tag) => ({ label: tag.name, description: tag.unit ?? tag.kind, tag }));
  const known = all.find(({ name }) => name === row?.name);
  const tag = known ?? (await vscode.window.showQuickPick(items, { title: "Force which tag?" }))?.tag;
  if (tag === undefined) return;
  const of = tag.len === undefined ? { name: tag.name, value: view.tags?.[tag.name]?.value } : await element(tag.name, tag.len);
  if (of === undefined) return;
  const text = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Force ${of.name}: ${tag.type}${tag.unit === undefined ? "" : ` in ${tag.unit}`}`,
    value: String(of.value ?? ""),
    prompt: "It stays so until it is let go. Forces are no safety function.",
    validateInput: (typed) => (parse(typed, tag.type) === undefined ? `expected ${tag.type}` : undefined),
  });
  if (text === undefined) return;
  await monitor.command("force", { name: of.name, value: parse(text, tag.type) });
}

async function element(name: string, length: number): Promise<{ name: string; value?: undefined } | undefined> {
  const text = await vscode.window.showInputBox({
    ignoreFocusOut: true,
    title: `Which element of ${name}?`,
    validateInput: (typed) => (/^\d+$/.test(typed) && Number(typed) < length ? undefined : `a number from 0 to ${length - 1}`),
  });
  return text === undefined ? undefined : { name: `${name}[${text}]` };
}

async function unforce(monitor: Monitor, row: Line | undefined): Promise<void> {
  const items = forcedNames(monitor.now?.view ?? {});
  const name = row?.name ?? (await vscode.window.showQuickPick(items, { title: "Let which one go?" }));
  if (name !== undefined) await monitor.command("unforce", { name });
}

/** What the status bar leads to. */
async function menu(monitor: Monitor): Promise<void> {
  const attached = monitor.now !== undefined;
  const forced = forcedNames(monitor.now?.view ?? {}).length > 0;
  const items = [
    { label: "$(play) Run in simulation", command: "sensai.run", shown: !attached },
    { label: "$(record) Run in simulation and record", command: "sensai.runRecorded", shown: !attached },
    { label: "$(sync) Reload changed programs", command: "sensai.reload", shown: attached },
    { label: "$(graph-line) Scope", command: "sensai.openScope", shown: attached },
    { label: "$(list-tree) Runtime panel", command: "sensai.runtime.focus", shown: attached },
    { label: "$(settings) Set a parameter", command: "sensai.setParameter", shown: attached },
    { label: "$(pinned) Let all forced tags go", command: "sensai.unforceAll", shown: forced },
    { label: "$(debug-stop) Stop the runs started here", command: "sensai.stopRun", shown: attached },
    { label: "$(debug-disconnect) Detach", command: "sensai.detach", shown: attached },
    { label: "$(plug) Attach to a cell that runs", command: "sensai.attach", shown: true },
  ];
  const chosen = await vscode.window.showQuickPick(items.filter((item) => item.shown), { title: "Sensai" });
  if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command);
}
